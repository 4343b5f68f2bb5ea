package conn

import (
	"net"
	"time"
)

// deadline is the deadline of reads that is in force, as far as the owner knows: Wake
// and the end of a context pull it into the past, which a read then finds out.
type deadline struct {
	at    time.Time // zero is none
	known bool
}

// until lets reads wait until t; zero is for ever. To set a deadline costs more than a
// small read. One that is in force and comes no later is left in force, for the owner
// looks at the clock when it has passed.
func (d *deadline) until(nc net.Conn, t, now time.Time) {
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

// forget says that another deadline may be in force.
func (d *deadline) forget() { d.known = false }
