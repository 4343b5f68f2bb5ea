package broker

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"mqtt/internal/proto"
)

// CheckDollarTopic returns an error if prefix cannot be one of Options.DollarTopics. It must be the
// first level of topics, begin with $, and must not be reserved by the broker.
func CheckDollarTopic(prefix string) error {
	switch {
	case len(prefix) < 2 || prefix[0] != '$':
		return fmt.Errorf("%q is not a $ followed by a name", prefix)
	case strings.Contains(prefix, "/"):
		return fmt.Errorf("%q has more than one level", prefix)
	case prefix == sysLevel || prefix == "$share":
		return fmt.Errorf("%s is reserved by the broker", prefix)
	}
	if err := proto.CheckTopic(prefix); err != nil {
		return fmt.Errorf("%q: %w", prefix, err)
	}
	return nil
}

// reserved reports whether clients must not publish to the topic: it begins with $ [MQTT-4.7.2-1]
// and Options.DollarTopics does not list its first level.
func (o *Options) reserved(topic string) bool {
	if !strings.HasPrefix(topic, "$") {
		return false
	}
	level, _, _ := strings.Cut(topic, "/")
	return !slices.Contains(o.DollarTopics, level)
}

// warnReserved logs that the client publishes to topics that begin with $, at most once in
// missPause for each connection. It ignores $SYS, because bridges publish there by default.
func (c *client) warnReserved(t *tally, topic string) {
	now := time.Now()
	if !c.b.opt.reserved(topic) || isSys(topic) || !c.warned.IsZero() && now.Sub(c.warned) < missPause {
		return
	}
	c.warned = now
	t.note(slog.LevelWarn, "topics that begin with $ are refused", append(clientAttrs(c.who), slog.String("topic", escaped(topic)))...)
}
