package cli

import (
	"sync/atomic"
	"testing"
)

// The progress line is for a person who waits: not for a pipe, and not if lines are typed on the
// same terminal.
func TestProgressNeedsTerminal(t *testing.T) {
	for _, k := range []struct {
		in, err, quiet, want bool
		term                 string
	}{
		{err: true, want: true},
		{err: true, term: "dumb"},
		{in: true, err: true},
		{err: true, quiet: true},
		{},
	} {
		e := &Env{TTYIn: k.in, TTYErr: k.err, Quiet: k.quiet, LookupEnv: func(string) (string, bool) { return k.term, true }}
		p := NewProgress(e, new(atomic.Int64))
		if (p != nil) != k.want {
			t.Errorf("%+v: there: %v", k, p != nil)
		}
	}
}
