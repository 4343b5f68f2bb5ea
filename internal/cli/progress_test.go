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
	}{
		{err: true, want: true},
		{in: true, err: true},
		{err: true, quiet: true},
		{},
	} {
		p := NewProgress(&Env{TTYIn: k.in, TTYErr: k.err, Quiet: k.quiet}, new(atomic.Int64))
		if (p != nil) != k.want {
			t.Errorf("%+v: there: %v", k, p != nil)
		}
	}
}
