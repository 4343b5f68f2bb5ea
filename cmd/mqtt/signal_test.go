package main

import (
	"context"
	"os"
	"runtime"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"mqtt/internal/cli"
)

// TestOneSignalIsSentTwice checks that a signal which follows at once, as those of timeout(1) do, does not cut the end short.
func TestOneSignalIsSentTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		status := 0
		e := &cli.Env{Exit: func(code int) { status = code; runtime.Goexit() }}
		ctx, cancel := context.WithCancelCause(t.Context())
		signals := make(chan os.Signal)
		go handle(signals, e, func() bool { return false }, cancel)
		signals <- syscall.SIGTERM
		signals <- syscall.SIGTERM
		time.Sleep(oneSignal - time.Millisecond)
		signals <- syscall.SIGTERM
		synctest.Wait()
		if ctx.Err() == nil || status != 0 {
			t.Errorf("context: %v, exit status %d after signals that follow at once", ctx.Err(), status)
		}
		time.Sleep(time.Millisecond)
		signals <- syscall.SIGINT
		synctest.Wait()
		if status != 130 {
			t.Errorf("exit status %d after a second signal, expected 130", status)
		}
	})
}
