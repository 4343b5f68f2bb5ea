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
	ctx, listen := interruptible(e, stuck(out, err))
	e.listen = listen
	os.Exit(run(ctx, e, os.Args))
}

// briefly is how long a command that may be over at once goes without handlers of signals: the two threads that they need
// would be a twentieth of its time. Until then a signal ends the process as it ends any other, with the same exit status to a shell.
const briefly = 20 * time.Millisecond

// heedSoon has signals handled: from now on, or a little later if the command is one that may be over by then. Whatever
// waits for input, or for an acknowledgement, calls heed itself.
func (e *env) heedSoon(brief bool) {
	if brief {
		time.AfterFunc(briefly, e.heed)
	} else {
		e.heed()
	}
}

// heed has signals handled from now on.
func (e *env) heed() {
	if e.listen != nil {
		e.listen()
	}
}

// signaled is the cause of a context that a signal ended.
type signaled struct{ sig syscall.Signal }

func (s signaled) Error() string {
	if s.sig == syscall.SIGTERM {
		return "ended by SIGTERM"
	}
	return "interrupted"
}

// interruptible returns a context that the first SIGINT or SIGTERM ends, once listen was called; a second one ends the
// process on the spot, or once does what e has for it. So does the first one if a write to stdout or stderr is stuck for a
// second. A closed pipe on stdout is an error of write, not the end: the server is still told goodbye. The goroutine lasts
// as long as the process.
func interruptible(e *env, stuck func() bool) (ctx context.Context, listen func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signal.Ignore(sigpipe)
	return ctx, sync.OnceFunc(func() {
		signals := make(chan os.Signal, 2)
		signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
		go handle(signals, e, stuck, cancel)
	})
}

// handle does what interruptible says, for each of the signals.
func handle(signals <-chan os.Signal, e *env, stuck func() bool, cancel context.CancelCauseFunc) {
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
}
