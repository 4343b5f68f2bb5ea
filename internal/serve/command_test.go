package serve

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"

	"mqtt/internal/cli"
)

// A signal that came before the command could hear of it ends the run without the command.
func TestCommandAfterTheEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var e cli.Env
	if err := Run(ctx, &e, []string{"no-such-program-anywhere"}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if e.SecondSignal.Load() != nil {
		t.Error("a second signal has no effect")
	}
}

// A command that is to be killed stays so, whatever comes while it dies.
func TestCommandIsKilledForGood(t *testing.T) {
	var c calls
	for i, want := range []os.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGTERM, syscall.SIGHUP} {
		if got := c.next(want); got != want || c.killed {
			t.Errorf("signal %d: %v, killed: %v", i, got, c.killed)
		}
	}
	third := c
	c.killed = true // for it was late
	if got := c.next(syscall.SIGHUP); got != syscall.SIGKILL || !c.killed || c.last != syscall.SIGTERM {
		t.Errorf("SIGHUP for one that was late: %v, %+v", got, c)
	}
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGHUP} {
		if got := third.next(s); got != syscall.SIGKILL || !third.killed || third.last != syscall.SIGINT {
			t.Errorf("%v as the third or later: %v, %+v", s, got, third)
		}
	}
}
