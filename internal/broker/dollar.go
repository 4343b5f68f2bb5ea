package broker

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"mqtt/internal/proto"
)

// CheckDollarTopic returns why prefix cannot be one of Options.DollarTopics, nil if it can: it is the
// first level of topics, begins with $, and is not the broker's own.
func CheckDollarTopic(prefix string) error {
	switch {
	case len(prefix) < 2 || prefix[0] != '$':
		return fmt.Errorf("%q does not begin with $ and a name", prefix)
	case strings.Contains(prefix, "/"):
		return fmt.Errorf("%q has more than one level", prefix)
	case prefix == sysLevel || prefix == "$share":
		return fmt.Errorf("%s is the broker's own", prefix)
	}
	if err := proto.CheckTopic(prefix); err != nil {
		return fmt.Errorf("%q: %w", prefix, err)
	}
	return nil
}

// reserved reports whether clients may not publish to the topic, because it begins with $
// [MQTT-4.7.2-1] and Options.DollarTopics does not name its first level.
func (o *Options) reserved(topic string) bool {
	if !strings.HasPrefix(topic, "$") {
		return false
	}
	level, _, _ := strings.Cut(topic, "/")
	return !slices.Contains(o.DollarTopics, level)
}

// warnReserved notes, at most once in missPause and connection, that the client publishes to topics
// that begin with $. $SYS is left out, because bridges publish there by default.
func (c *client) warnReserved(t *tally, topic string) {
	now := time.Now()
	if !c.b.opt.reserved(topic) || isSys(topic) || !c.warned.IsZero() && now.Sub(c.warned) < missPause {
		return
	}
	c.warned = now
	t.note(slog.LevelWarn, "topics that begin with $ are refused", append(clientAttrs(c.who), slog.String("topic", escaped(topic)))...)
}
