// Command mqtt publishes, subscribes, asks, pings, measures and serves MQTT 3.1, 3.1.1 and 5.0.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/mattn/go-isatty"
)

func main() {
	ctx, interrupted := interruptible()
	e := &env{
		in: os.Stdin, out: os.Stdout, err: os.Stderr,
		ttyIn:  isatty.IsTerminal(os.Stdin.Fd()),
		ttyOut: isatty.IsTerminal(os.Stdout.Fd()),
		ttyErr: isatty.IsTerminal(os.Stderr.Fd()),
		lookup: os.LookupEnv,
	}
	code := run(ctx, e, os.Args)
	interrupted()
	os.Exit(code)
}

// signaled is the cause of a context that a signal ended.
type signaled struct{ sig syscall.Signal }

func (s signaled) Error() string { return "interrupted by " + s.sig.String() }

// interruptible returns a context that the first SIGINT or SIGTERM ends; a second one ends the process on the spot.
// The goroutine ends with the returned function. A closed pipe on stdout is an error of write, not the end: the server
// is still told goodbye.
func interruptible() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	signal.Ignore(sigpipe)
	go func() {
		for n := 0; ; n++ {
			sig, ok := <-signals
			if !ok {
				return
			}
			s, _ := sig.(syscall.Signal)
			if n > 0 {
				os.Exit(128 + int(s))
			}
			cancel(signaled{s})
		}
	}()
	return ctx, func() { signal.Stop(signals); close(signals) }
}
