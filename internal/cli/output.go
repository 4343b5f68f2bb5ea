package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"golang.org/x/term"
)

// OutputBuffer is how many bytes of output are collected before they are written, while there is
// more to print.
const OutputBuffer = 256 << 10

// ErrQuiet ends a command without a message and with exit status 0, as when the reader of stdout
// has gone.
var ErrQuiet = errors.New("output closed")

// ClosedPipe reports whether a write failed because the reader has gone, as in "| head". A socket is
// reset if its reader left with bytes unread.
func ClosedPipe(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, os.ErrClosed) || errors.Is(err, io.ErrClosedPipe)
}

// WriteError returns the error of a write to stdout as a command returns it: ErrQuiet if the
// reader has gone.
func WriteError(err error) error {
	switch {
	case err == nil:
		return nil
	case ClosedPipe(err):
		return ErrQuiet
	}
	return fmt.Errorf("write output: %w", err)
}

// WriteAll writes the whole output of a command.
func WriteAll(e *Env, b []byte) error {
	_, err := e.Out.Write(b)
	return WriteError(err)
}

// HelpWriter writes help texts to W and keeps the first error, since cobra ignores errors.
type HelpWriter struct {
	W   io.Writer
	err error
}

// Write always reports success.
func (h *HelpWriter) Write(b []byte) (int, error) {
	if h.err == nil {
		_, h.err = h.W.Write(b)
	}
	return len(b), nil
}

// Err returns the first error of a write; a reader that has gone is not one.
func (h *HelpWriter) Err() error {
	if err := WriteError(h.err); err != ErrQuiet {
		return err
	}
	return nil
}

// Width returns the width of the terminal that w is, at most 140 columns, and 100 if it is none.
func Width(w io.Writer) int {
	if width, ok := TerminalWidth(w); ok {
		return min(width, 140)
	}
	return 100
}

// TerminalWidth returns the width in columns of the terminal that w is, and whether it is one.
func TerminalWidth(w io.Writer) (columns int, ok bool) {
	if f, ok := w.(interface{ Fd() uintptr }); ok {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
			return columns, true
		}
	}
	return 0, false
}
