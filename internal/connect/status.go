package connect

import (
	"errors"
	"time"

	"mqtt/internal/cli"
	"mqtt/internal/conn"
	"mqtt/internal/format"
)

// Status tells a person what becomes of a command's connections, as cli.Env.Status does. It belongs to
// the goroutine that runs conn.Hold.
type Status struct {
	e    *cli.Env
	plan *Plan
	up   bool      // there has been a connection
	said bool      // the first connection was reported
	lost time.Time // when the last one was lost; zero while there is one, and before the first
	told string    // the last failure before the first connection

	losses losses
}

// Connected says that c, the first connection, was opened. For later ones it does nothing.
func (s *Status) Connected(c *conn.Conn) {
	s.up = true
	if s.said {
		return
	}
	s.said = true
	as := ""
	if id := c.ID(); id != "" {
		as = " as " + id
	}
	s.e.Status("connected to %s%s (MQTT %s)", s.plan.server, as, c.Version())
}

// Again says that the work continues after a lost connection, with details. Without a loss before it, it
// does nothing.
func (s *Status) Again(details string) {
	s.up = true
	if s.lost.IsZero() {
		return
	}
	s.e.Status("connected again after %s%s", format.Brief(time.Since(s.lost)), details)
	s.lost = time.Time{}
}

// notice says why there is no connection, and when the next attempt follows. A run that never had one
// is reported without a terminal, too, once for each reason.
func (s *Status) notice(err error, wait time.Duration) {
	switch {
	case !s.up:
		text := s.plan.withServer(err).Error()
		if s.e.ShowsStatus() || text != s.told {
			s.e.Note("%s; retrying in %s", text, format.Brief(wait))
		}
		s.told = text
	case s.lost.IsZero():
		s.lost = time.Now()
		s.e.Status("connection lost: %s; retrying in %s", lossReason(err), format.Brief(wait))
	default:
		s.e.Status("%v; retrying in %s", s.plan.withServer(err), format.Brief(wait))
	}
	if s.losses.add(err, wait, time.Now()) {
		s.e.Warn("%s", lossesText(err, s.plan.Cfg.Connect.ClientID))
	}
}

// lossReason returns why a connection was lost.
func lossReason(err error) string {
	var broken *conn.Broken
	switch {
	case !errors.As(err, &broken):
		return err.Error()
	case broken.Op == "read":
		return broken.Err.Error()
	}
	return broken.Op + ": " + broken.Err.Error()
}
