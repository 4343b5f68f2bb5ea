package sub

import (
	"time"

	"mqtt/internal/cli"
	"mqtt/internal/format"
)

// absence is the time in which no message could come: until the server granted the subscription, and from each loss of a
// connection until the next one stands as the last one did.
type absence struct {
	since  time.Time     // zero while the subscription stands
	lasted time.Duration // in all, what went before the first grant left out
	stood  bool
}

// begin notes that the connection was lost.
func (a *absence) begin() {
	if a.since.IsZero() {
		a.since = time.Now()
	}
}

// end notes that the subscription stands.
func (a *absence) end() {
	if a.stood && !a.since.IsZero() {
		a.lasted += time.Since(a.since)
	}
	a.since, a.stood = time.Time{}, true
}

// verdict is what absence makes of a run that is to see no message until over: an error where none could come.
func (a *absence) verdict(over string, connected bool) error {
	switch {
	case !connected:
		return cli.Fail(cli.ExitOpening, "is the server there?", "no connection before %s ran out", over)
	case !a.since.IsZero():
		return cli.Fail(cli.ExitLost, "is the server there?", "the connection was lost %s before %s ran out", format.Duration(time.Since(a.since)), over)
	case !a.stood:
		return cli.Fail(cli.ExitLost, "-d shows the packets", "the server did not grant the subscription before %s ran out", over)
	case a.lasted > 0:
		return cli.Fail(cli.ExitLost, "what was published meanwhile is not known", "the connection was away for %s before %s ran out",
			format.Duration(a.lasted), over)
	}
	return nil
}
