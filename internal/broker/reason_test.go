package broker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

// The log names the cause of a broken connection, without a reason code that nobody sent and
// without addresses.
func TestWordsForABrokenConnection(t *testing.T) {
	at := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1883}
	reset := &net.OpError{Op: "write", Net: "tcp", Source: at, Addr: at, Err: os.NewSyscallError("write", syscall.EPIPE)}
	late := &net.OpError{Op: "read", Net: "tcp", Source: at, Addr: at, Err: os.ErrDeadlineExceeded}
	broken := &client{dying: make(chan struct{})}
	broken.fail(reset, true)
	for want, got := range map[string]string{
		"write: broken pipe":             reasonText(errGone, broken.end),
		"read: i/o timeout":              reasonText(late, nil),
		"wait for CONNECT: EOF":          reasonText(fmt.Errorf("wait for CONNECT: %w", withoutAddress(io.EOF)), nil),
		"wait for CONNECT: broken pipe":  strings.Replace(reasonText(fmt.Errorf("wait for CONNECT: %w", withoutAddress(reset)), nil), "write: ", "", 1),
		"closed without a DISCONNECT":    reasonText(errGone, nil),
		"Keep Alive timeout (0x8D)":      reasonText(errGone, &closeReason{reason: 0x8D}),
		"Session taken over (0x8E): why": reasonText(errGone, &closeReason{reason: 0x8E, text: "why"}),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// deaf is a listener whose Accept fails.
type deaf struct {
	pipes
	err error
}

func (l *deaf) Accept() (net.Conn, error) { return nil, l.err }

// An error of a listener ends Serve. The listener itself retries temporary errors.
func TestServeReturnsWhatEndsTheListener(t *testing.T) {
	b := New(Options{SysInterval: -1})
	broken := errors.New("out of order")
	if err := b.Serve(context.Background(), &deaf{pipes: pipes{done: make(chan struct{})}, err: broken}); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := b.Serve(ctx, &deaf{pipes: pipes{done: make(chan struct{})}, err: broken}); err != nil {
		t.Errorf("when it was told to end: %v", err)
	}
	if err := b.Close(context.Background()); err != nil {
		t.Error(err)
	}
}
