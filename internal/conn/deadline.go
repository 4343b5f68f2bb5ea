package conn

import (
	"net"
	"time"
)

// deadline remembers the read deadline of a connection, so that it is set only when necessary:
// setting it costs more than a small read. Wake and the end of a context change the deadline
// without telling. The next read finds out.
type deadline struct {
	at    time.Time // zero means none
	known bool      // at was set, and may still be in force
}

// set makes reads wait until t; zero means forever. A future deadline not later than t is left in
// force, because the owner checks the time when it has passed.
func (d *deadline) set(nc net.Conn, t, now time.Time) {
	if d.known {
		if d.at.IsZero() {
			if t.IsZero() {
				return
			}
		} else if d.at.After(now) && (t.IsZero() || !d.at.After(t)) {
			return
		}
	}
	nc.SetReadDeadline(t)
	d.at, d.known = t, true
}

// invalidate records that another deadline may be in force.
func (d *deadline) invalidate() { d.known = false }
