// Command mqtt publishes, subscribes, asks, pings, measures and serves MQTT 3.1, 3.1.1 and 5.0.
//
//go:debug updatemaxprocs=0
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/mattn/go-isatty"

	_ "mqtt/internal/early"
)

func main() {
	out, err := &stream{f: os.Stdout}, &stream{f: os.Stderr}
	e := &env{
		in: os.Stdin, out: out, err: err,
		ttyIn:  isatty.IsTerminal(os.Stdin.Fd()),
		ttyOut: isatty.IsTerminal(os.Stdout.Fd()),
		ttyErr: isatty.IsTerminal(os.Stderr.Fd()),
		lookup: os.LookupEnv, environ: os.Environ,
	}
	os.Exit(run(interruptible(e, stuck(out, err)), e, os.Args))
}

// signaled is the cause of a context that a signal ended.
type signaled struct{ sig syscall.Signal }

func (s signaled) Error() string {
	if s.sig == syscall.SIGTERM {
		return "ended by SIGTERM"
	}
	return "interrupted"
}

// interruptible returns a context that the first SIGINT or SIGTERM ends; a second one ends the process on the spot, or
// once does what e has for it. So does the first one if a write to stdout or stderr is stuck for a second. A closed pipe on
// stdout is an error of write, not the end: the server is still told goodbye. The goroutine lasts as long as the process.
func interruptible(e *env, stuck func() bool) context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Ignore(sigpipe)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		var last syscall.Signal
		var look <-chan time.Time
		for {
			select {
			case s := <-signals:
				last, _ = s.(syscall.Signal)
				if look == nil {
					cancel(signaled{last})
					stuck() // from now on
					look = time.Tick(stuckAfter)
				} else if hurry := e.hurry.Swap(nil); hurry != nil {
					(*hurry)()
				} else {
					os.Exit(128 + int(last))
				}
			case <-look:
				if stuck() {
					os.Exit(128 + int(last))
				}
			}
		}
	}()
	return ctx
}
