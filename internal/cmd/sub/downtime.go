package sub

import (
	"time"

	"mqtt/internal/cli"
	"mqtt/internal/format"
)

// downtime measures how long the subscription was inactive: before the first SUBACK, and after each
// lost connection until the subscription is active again.
type downtime struct {
	since  time.Time     // zero while the subscription is active
	lasted time.Duration // in all, without the time before the first grant
	active bool          // it has been active once
}

// begin records that the connection was lost.
func (d *downtime) begin() {
	if d.since.IsZero() {
		d.since = time.Now()
	}
}

// end records that the subscription is active.
func (d *downtime) end() {
	if d.active && !d.since.IsZero() {
		d.lasted += time.Since(d.since)
	}
	d.since, d.active = time.Time{}, true
}

// verdict returns an error if a run that expected no message until over could have missed one.
func (d *downtime) verdict(over string, connected bool) error {
	switch {
	case !connected:
		return cli.Fail(cli.ExitOpening, "check that the server is running", "no connection before the timeout (%s)", over)
	case !d.since.IsZero():
		return cli.Fail(cli.ExitLost, "check that the server is running", "the connection was lost %s before the timeout (%s)", format.Duration(time.Since(d.since)), over)
	case !d.active:
		return cli.Fail(cli.ExitLost, "-d shows the packets", "the server did not grant the subscription before the timeout (%s)", over)
	case d.lasted > 0:
		return cli.Fail(cli.ExitLost, "messages published meanwhile may have been missed", "the connection was lost for %s before the timeout (%s)",
			format.Duration(d.lasted), over)
	}
	return nil
}
