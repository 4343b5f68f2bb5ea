package check

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"mqtt/internal/broker"
	"mqtt/internal/proto"
)

// pipes is a listener whose connections are pipes.
type pipes struct {
	c    chan net.Conn
	once sync.Once
	done chan struct{}

	broker *broker.Broker // that accepts them
}

func (l *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-l.c:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}
func (l *pipes) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

// dial returns a connection to the server of l.
func (l *pipes) dial(context.Context, proto.Version) (net.Conn, error) {
	return l.dialThrough(func(theirs net.Conn) net.Conn { return theirs })
}

// dialThrough returns a connection to the server of l, whose end is what wrap returns.
func (l *pipes) dialThrough(wrap func(net.Conn) net.Conn) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case l.c <- wrap(&buffered{Conn: theirs}):
		return &buffered{Conn: ours}, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// startBroker runs a broker until the test ends, and returns its listener. In a synctest bubble, what
// awaits an answer that does not come takes no time, and a busy machine is never too slow.
func startBroker(t testing.TB, opt broker.Options) *pipes {
	t.Helper()
	l := &pipes{c: make(chan net.Conn), done: make(chan struct{})}
	b := broker.New(opt)
	l.broker = b
	done := make(chan error, 1)
	go func() { done <- b.Serve(context.Background(), l) }() // ends with Close
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := b.Close(ctx); err != nil {
			t.Error(err)
		}
		<-done
		time.Sleep(2 * lastWrite)
	})
	return l
}

// lastWrite is how long a buffered connection waits for its reader after Close.
const lastWrite = time.Second

// buffered is an end of a pipe whose writes do not wait for the reader.
type buffered struct {
	net.Conn
	mu      sync.Mutex
	pending []byte
	wake    chan struct{} // has room for one; nil before the first Write
	closed  bool
}

func (b *buffered) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return 0, net.ErrClosed
	}
	b.pending = append(b.pending, p...)
	if b.wake == nil {
		b.wake = make(chan struct{}, 1)
		go b.send()
	}
	b.signal()
	return len(p), nil
}

func (b *buffered) signal() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// send writes what is pending. It ends after Close, or with the other end.
func (b *buffered) send() {
	defer b.Conn.Close() //nolint:errcheck // the end of a test's pipe
	for range b.wake {
		b.mu.Lock()
		p, last := b.pending, b.closed
		b.pending = nil
		b.mu.Unlock()
		if len(p) > 0 {
			if _, err := b.Conn.Write(p); err != nil {
				return
			}
		}
		if last {
			return
		}
	}
}

// Close closes the connection when what is pending has been read, or after lastWrite.
func (b *buffered) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	b.closed = true
	if b.wake == nil {
		return b.Conn.Close()
	}
	b.Conn.SetReadDeadline(time.Unix(1, 0))            //nolint:errcheck // a pipe
	b.Conn.SetWriteDeadline(time.Now().Add(lastWrite)) //nolint:errcheck // a pipe
	b.signal()
	return nil
}

// SetDeadline does what SetReadDeadline does: writes do not wait.
func (b *buffered) SetDeadline(t time.Time) error { return b.SetReadDeadline(t) }

// SetReadDeadline sets the deadline of reads, which end with Close.
func (b *buffered) SetReadDeadline(t time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return net.ErrClosed
	}
	return b.Conn.SetReadDeadline(t)
}

// SetWriteDeadline does nothing: writes do not wait.
func (b *buffered) SetWriteDeadline(time.Time) error { return nil }
