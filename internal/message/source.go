package message

import (
	"errors"
	"time"

	"mqtt/internal/cli"
	"mqtt/internal/proto"
)

// Message is one message to publish.
type Message struct {
	proto.Publish
	Number uint64 // line or record number, for error messages
}

// Source yields messages. It writes nothing into its caller.
type Source interface {
	// Next returns the next message, or ErrWait while there is none yet, or io.EOF after the last
	// one, or a *BadLine. The message belongs to the source and is valid until the next call. now is the time that
	// due times are compared with; it may be a little old.
	Next(now time.Time) (*Message, error)
	// Due returns, after ErrWait, the time when Next may succeed; zero: when the source calls its
	// Wake function.
	Due() time.Time
	// Close releases the source. It is called once, and Next is not called after it.
	Close() error
}

// BadLine is the error of a line or record that cannot be sent as it is. Unless it is the last one,
// the next call of Next continues with the line after it.
type BadLine struct {
	Err  error // has a hint
	Last bool  // the source cannot continue
}

// Error names the line and says what is wrong with it.
func (b *BadLine) Error() string { return b.Err.Error() }

// Unwrap returns Err.
func (b *BadLine) Unwrap() error { return b.Err }

// badLine returns a BadLine that says what, with a hint.
func badLine(what, hint string) error { return &BadLine{Err: cli.Usage(what, hint)} }

// ErrWait is the error of Next while there is no message yet.
var ErrWait = errors.New("no message yet")
