// Command mqtt publishes, subscribes, asks, pings, measures and serves MQTT 3.1, 3.1.1 and 5.0.
//
//go:debug updatemaxprocs=0
package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/mattn/go-isatty"

	"mqtt/internal/cli"
	"mqtt/internal/cmd/root"
	"mqtt/internal/format"
)

// release is the version of a release build, set by the linker.
var release string

func main() {
	if zone := format.PosixZone(os.Getenv("TZ")); zone != nil {
		time.Local = zone
	}
	out, err := &cli.Stream{File: os.Stdout}, &cli.Stream{File: os.Stderr}
	e := &cli.Env{
		In: os.Stdin, Out: out, Err: err,
		TTYIn:     isatty.IsTerminal(os.Stdin.Fd()),
		TTYOut:    isatty.IsTerminal(os.Stdout.Fd()),
		TTYErr:    isatty.IsTerminal(os.Stderr.Fd()),
		LookupEnv: os.LookupEnv, Environ: os.Environ, Release: release,
	}
	e.Exit = func(status int) {
		e.RestoreTerminal()
		os.Exit(status)
	}
	ctx, listen := interruptible(e, cli.Stuck(out, err))
	e.HandleSignals = listen
	os.Exit(root.Run(ctx, e, os.Args))
}

// interruptible returns a context, and a function that begins to handle signals. The first SIGINT or
// SIGTERM cancels the context. A second one, later than oneSignal, calls e.SecondSignal, once, or ends
// the process; the process also ends if a write to stdout or stderr then blocks for cli.StuckAfter. A
// signal that the parent process ignores stays ignored, as under nohup. SIGPIPE is ignored: a closed
// stdout is a write error, and the server still gets a DISCONNECT.
func interruptible(e *cli.Env, stuck func() bool) (ctx context.Context, listen func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signal.Ignore(syscall.SIGPIPE)
	signals := make(chan os.Signal, 2)
	e.Signal = func(s syscall.Signal) {
		select {
		case signals <- s:
		default: // two are waiting already, and the second ends the process
		}
	}
	return ctx, sync.OnceFunc(func() {
		for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM} {
			if !signal.Ignored(s) {
				signal.Notify(signals, s)
			}
		}
		go handle(signals, e, stuck, cancel)
	})
}

// oneSignal is how soon after the first signal another one is the same: timeout(1), and a wrapper that
// passes on what its process group got as well, send each signal twice.
const oneSignal = 100 * time.Millisecond

// handle acts on signals as interruptible says. It ends with the process.
func handle(signals <-chan os.Signal, e *cli.Env, stuck func() bool, cancel context.CancelCauseFunc) {
	var last syscall.Signal
	var first time.Time
	var look <-chan time.Time
	for {
		select {
		case s := <-signals:
			last, _ = s.(syscall.Signal)
			if look == nil {
				cancel(cli.Signaled{Signal: last})
				stuck() // from now on
				look = time.Tick(cli.StuckAfter)
				first = time.Now()
			} else if time.Since(first) < oneSignal {
				continue
			} else if hurry := e.SecondSignal.Swap(nil); hurry != nil {
				(*hurry)()
			} else {
				e.Exit(128 + int(last))
			}
		case <-look:
			if stuck() {
				e.Exit(128 + int(last))
			}
		}
	}
}
