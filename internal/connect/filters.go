package connect

import (
	"errors"

	"mqtt/internal/cli"
	"mqtt/internal/conn"
	"mqtt/internal/proto"
)

// CheckFilter rejects a topic filter that the standard does not allow.
func CheckFilter(flag, s string) error {
	if err := proto.CheckFilter(s); err != nil {
		return cli.BadFlag(flag, " "+cli.Quote(s)+": "+err.Error(), cli.TopicHint(s, "# stands alone at the end, + for one whole level: a/+/b, a/#"))
	}
	return nil
}

// SubscribeError returns the error of a SUBSCRIBE. A request that the server's limits do not allow
// has the exit status of a refused subscription.
func SubscribeError(err error) error {
	var limit *conn.Limit
	if errors.As(err, &limit) {
		return cli.Fail(cli.ExitSubscribe, "subscribe to less at once", "subscribe: %w", err)
	}
	return err
}
