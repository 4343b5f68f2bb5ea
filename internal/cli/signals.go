package cli

import (
	"context"
	"syscall"
	"time"
)

// signalDelay postpones signal handling for short commands: it starts two threads, about 5 % of
// their run time. Until then a signal ends the process in the default way, with the same exit
// status as seen by a shell.
const signalDelay = 20 * time.Millisecond

// InstallSignals begins to handle signals. It may be called more than once.
func (e *Env) InstallSignals() {
	if e.HandleSignals != nil {
		e.HandleSignals()
	}
}

// InstallSignalsSoon begins to handle signals after a short delay if the command may be over by
// then (brief), and now otherwise. A command that waits for input or for an acknowledgement calls
// InstallSignals itself.
func (e *Env) InstallSignalsSoon(brief bool) {
	if brief {
		time.AfterFunc(signalDelay, e.InstallSignals)
	} else {
		e.InstallSignals()
	}
}

// Signaled is the cause of a context that a signal canceled.
type Signaled struct{ Signal syscall.Signal }

func (s Signaled) Error() string {
	if s.Signal == syscall.SIGTERM {
		return "ended by SIGTERM"
	}
	return "interrupted"
}

// Interruptible calls read, which may block for as long as a terminal or a FIFO has no data, and
// returns its result, or ctx.Err() once ctx is done. The goroutine ends with read or with the
// process.
func Interruptible[T any](ctx context.Context, e *Env, read func() (T, error)) (T, error) {
	e.InstallSignals()
	var got T
	var err error
	over := make(chan struct{})
	go func() {
		defer close(over)
		got, err = read()
	}()
	select {
	case <-over:
		return got, err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// Earliest returns the first of times, ignoring zero ones. It returns zero if all are zero.
func Earliest(times ...time.Time) (first time.Time) {
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// Raise acts as if the process had received s.
func (e *Env) Raise(s syscall.Signal) {
	if e.Signal != nil {
		e.InstallSignals()
		e.Signal(s)
	}
}

// RestoreTerminal calls BeforeExit.
func (e *Env) RestoreTerminal() {
	if restore := e.BeforeExit.Load(); restore != nil {
		(*restore)()
	}
}
