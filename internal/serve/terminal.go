package serve

import (
	"bufio"
	"context"
	"os"
	"os/signal"
	"syscall"

	"mqtt/internal/cli"
)

// UntilSignal returns a context that SIGINT and SIGTERM end. A server handles them before it is announced, so that
// it ends in order even if it is ended at once. The goroutine ends with the returned function.
func UntilSignal(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel()
	}
}

// HangupEnds reports whether SIGHUP has to end a server: it has a terminal, which has hung up. Under nohup it
// does not, and without a terminal SIGHUP has another meaning. It is called before SIGHUP is handled.
func HangupEnds(e *cli.Env) bool {
	return (e.TTYIn || e.TTYOut || e.TTYErr) && !signal.Ignored(syscall.SIGHUP)
}

// Lines returns the lines of the terminal. Its goroutine ends with the input or with the process, because a
// read from a terminal cannot be interrupted.
func Lines(ctx context.Context, e *cli.Env) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		in := bufio.NewScanner(e.In)
		for in.Scan() {
			select {
			case lines <- in.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return lines
}
