package connect

import (
	"time"

	"mqtt/internal/cli"
	"mqtt/internal/format"
)

// SubackWatch warns, once per SUBSCRIBE, of a server that does not answer it. The zero value waits for
// nothing.
type SubackWatch struct {
	after time.Duration
	due   time.Time // zero if no answer is awaited, or after the warning
}

// Asked records that SUBSCRIBE was sent. The warning is due after the connect timeout of p, if it has
// one.
func (w *SubackWatch) Asked(p *Plan) {
	w.after, w.due = p.Cfg.Timeout, time.Time{}
	if w.after > 0 {
		w.due = time.Now().Add(w.after)
	}
}

// Answered records that the server has answered.
func (w *SubackWatch) Answered() { w.due = time.Time{} }

// Due returns when Look should be called, zero for never.
func (w *SubackWatch) Due() time.Time { return w.due }

// Look writes the warning if it is due.
func (w *SubackWatch) Look(e *cli.Env, now time.Time) {
	if w.due.IsZero() || now.Before(w.due) {
		return
	}
	w.due = time.Time{}
	e.Warn("the server has not answered SUBSCRIBE for %s: still waiting (-W limits that)", format.Duration(w.after))
}
