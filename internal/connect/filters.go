package connect

import (
	"errors"
	"strings"

	"mqtt/internal/cli"
	"mqtt/internal/conn"
	"mqtt/internal/proto"
)

// CheckFilter rejects a topic filter that the standard does not allow.
func CheckFilter(flag, s string) error {
	if err := proto.CheckFilter(s); err != nil {
		return cli.BadFlag(flag, " "+cli.Quote(s)+": "+err.Error(), cli.TopicHint(s, "# must be the last level, and + a whole level: a/+/b, a/#"))
	}
	return nil
}

// WarnCarriageReturn warns of a topic or filter that ends in a carriage return, as in the lines of a
// file from Windows: it is valid, and nobody else uses it. where is the flag or line that has it.
func WarnCarriageReturn(warn func(text string, args ...any), where, topic string) {
	if strings.HasSuffix(topic, "\r") {
		warn("%s: topic %q ends in a carriage return: does it come from a file with Windows line endings?", where, topic)
	}
}

// SubscribeError returns the error of a SUBSCRIBE. A request that the server's limits do not allow
// has the exit status of a refused subscription.
func SubscribeError(err error) error {
	var limit *conn.Limit
	if errors.As(err, &limit) {
		return cli.Fail(cli.ExitSubscribe, subscribeHint(limit.Property), "subscribe: %w", err)
	}
	return err
}

// subscribeHint returns what to do about a limit of the server that a SUBSCRIBE exceeds.
func subscribeHint(p proto.PropID) string {
	switch p {
	case proto.WildcardSubscriptionAvailable:
		return "this server has no wildcards: name each topic"
	case proto.SharedSubscriptionAvailable:
		return "this server has no shared subscriptions: leave out $share/ and the share name"
	case proto.SubscriptionIdentifierAvailable:
		return "this server has no subscription identifiers: leave it out"
	}
	return "use a shorter topic filter"
}
