package main

import (
	"sync/atomic"
	"testing"
)

// The progress line is for a person who waits: not for a pipe, and not where lines are typed on the same terminal.
func TestProgressIsSeenByWhom(t *testing.T) {
	for _, k := range []struct {
		in, err, quiet, want bool
	}{
		{err: true, want: true},
		{in: true, err: true},
		{err: true, quiet: true},
		{},
	} {
		p := newProgress(&env{ttyIn: k.in, ttyErr: k.err, quiet: k.quiet}, new(atomic.Int64))
		if (p != nil) != k.want {
			t.Errorf("%+v: there: %v", k, p != nil)
		}
	}
}
