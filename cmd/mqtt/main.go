// Command mqtt publishes, subscribes, asks, pings, measures and serves MQTT 3.1, 3.1.1 and 5.0.
//
//go:debug updatemaxprocs=0
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/mattn/go-isatty"
)

func main() {
	e := &env{
		in: os.Stdin, out: os.Stdout, err: os.Stderr,
		ttyIn:  isatty.IsTerminal(os.Stdin.Fd()),
		ttyOut: isatty.IsTerminal(os.Stdout.Fd()),
		ttyErr: isatty.IsTerminal(os.Stderr.Fd()),
		lookup: os.LookupEnv, environ: os.Environ,
	}
	os.Exit(run(interruptible(), e, os.Args))
}

// signaled is the cause of a context that a signal ended.
type signaled struct{ sig syscall.Signal }

func (s signaled) Error() string {
	if s.sig == syscall.SIGTERM {
		return "ended by SIGTERM"
	}
	return "interrupted"
}

// interruptible returns a context that the first SIGINT or SIGTERM ends; a second one ends the process on the spot. A
// closed pipe on stdout is an error of write, not the end: the server is still told goodbye. The goroutine lasts as long
// as the process.
func interruptible() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Ignore(sigpipe)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		for n := 0; ; n++ {
			s, _ := (<-signals).(syscall.Signal)
			if n > 0 {
				os.Exit(128 + int(s))
			}
			cancel(signaled{s})
		}
	}()
	return ctx
}
