package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// ErrStuck is wrapped by the error of a write to stdout that was given up because the run had to end.
var ErrStuck = errors.New("stdout takes no more")

// StuckError returns the error of a run that a limit ended while stdout was stuck.
func StuckError(limit string) error {
	return Fail(ExitTimeout, "its reader has stopped", "nothing could be written to stdout before the timeout (%s)", limit)
}

// giveUpAfter is how long a write that blocks may continue after the run had to end.
const giveUpAfter = 300 * time.Millisecond

// Stdout writes to stdout for the owner of a connection. A write that may block is made by another
// goroutine, while the owner calls its While function: it keeps the connection alive. Write returns
// when the write has finished, so that the order of the output, and back pressure, are those of plain
// writes. It belongs to one goroutine.
type Stdout struct {
	// While is called while a write is in progress. It returns nil once done is closed, or an error if
	// the run has to end: the write is then given up. If While is nil, Write waits for as long as it
	// takes.
	While func(done <-chan struct{}) error

	w     io.Writer
	file  *os.File // of w; nil if w is none
	kind  stdoutKind
	stuck error // wraps ErrStuck once a write was given up
}

// stdoutKind says how a write to stdout may block.
type stdoutKind byte

const (
	mayBlock   stdoutKind = iota // any write may
	neverBlock                   // a regular file or the null device
	isPipe                       // see pipeHasRoom
)

// NewStdout returns a Stdout that writes to e.Out.
func NewStdout(e *Env) *Stdout {
	s := &Stdout{w: e.Out}
	if out, ok := e.Out.(*Stream); ok {
		s.file = out.File
		s.kind = kindOf(out.File)
	}
	return s
}

func kindOf(f *os.File) stdoutKind {
	info, err := f.Stat()
	if err != nil {
		return mayBlock
	}
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return neverBlock
	case mode&os.ModeNamedPipe != 0:
		return isPipe
	}
	if null, err := os.Stat(os.DevNull); err == nil && os.SameFile(info, null) {
		return neverBlock
	}
	return mayBlock
}

// Write writes b. After ErrStuck it keeps b, and writes no more.
func (s *Stdout) Write(b []byte) (int, error) {
	if s.stuck != nil {
		return 0, s.stuck
	}
	if s.kind == neverBlock || s.kind == isPipe && pipeHasRoom(s.file, len(b)) {
		return s.w.Write(b)
	}
	var n int
	var err error
	done := make(chan struct{})
	go func() { // ends with the write, or with the process
		defer close(done)
		n, err = s.w.Write(b)
	}()
	if s.While == nil {
		<-done
		return n, err
	}
	if cause := s.While(done); cause != nil {
		select {
		case <-done:
		case <-time.After(giveUpAfter):
			s.stuck = fmt.Errorf("%w: %w", ErrStuck, cause)
			return 0, s.stuck
		}
	}
	return n, err
}

// Fd returns the file descriptor, for those who ask for the size of a terminal.
func (s *Stdout) Fd() uintptr {
	if s.file == nil {
		return ^uintptr(0)
	}
	return s.file.Fd()
}

// UntilReaderGone returns a context that is canceled with the cause ErrQuiet when the reader of
// stdout has gone, as in "| head -1", also while there is nothing to write. Only pipes and sockets
// have readers, and not every system tells. A short command does not pay for it. The goroutine ends
// with the process.
func (e *Env) UntilReaderGone(ctx context.Context) (context.Context, context.CancelFunc) {
	out, ok := e.Out.(*Stream)
	if !ok {
		return ctx, func() {}
	}
	info, err := out.File.Stat()
	if err != nil || info.Mode()&(os.ModeNamedPipe|os.ModeSocket) == 0 {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(signalDelay, func() {
		if awaitReaderGone(out.File) {
			cancel(ErrQuiet)
		}
	})
	return ctx, func() {
		timer.Stop()
		cancel(nil)
	}
}

// ReaderGone reports whether ctx was canceled because the reader of stdout has gone.
func ReaderGone(ctx context.Context) bool { return context.Cause(ctx) == ErrQuiet }
