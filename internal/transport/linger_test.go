package transport

import (
	"net"
	"testing"
	"time"
)

// lingerPair returns the two ends of a TCP connection.
func lingerPair(t *testing.T) (a, b net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if a, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if b, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

// Linger ends when the peer closes, when its time is over or when it has read enough, and not
// because another goroutine sets the read deadline.
func TestLinger(t *testing.T) {
	const long = time.Minute
	for name, c := range map[string]struct {
		d    time.Duration
		most int
		peer func(b net.Conn)
	}{
		"the peer closes":    {long, 0, func(b net.Conn) { b.Write(make([]byte, 1<<20)); b.Close() }},
		"the time is over":   {50 * time.Millisecond, 0, func(net.Conn) {}},
		"it has read enough": {long, 1 << 20, func(b net.Conn) { b.Write(make([]byte, 2<<20)) }},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := lingerPair(t)
			go c.peer(b) // ends when the connection is closed at the latest
			began := time.Now()
			Linger(a, c.d, c.most)
			if took := time.Since(began); took > long/2 || c.d < long && took < c.d {
				t.Errorf("it took %s", took)
			}
			if _, err := a.Write([]byte{0}); err == nil {
				t.Error("the sending half is still open")
			}
		})
	}
	t.Run("a deadline is set", func(t *testing.T) {
		a, b := lingerPair(t)
		done := make(chan time.Duration, 1)
		go func() { // ends with the connection
			began := time.Now()
			Linger(a, long, 0)
			done <- time.Since(began)
		}()
		b.Read(make([]byte, 1)) // the sending half is shut down
		a.SetReadDeadline(time.Unix(1, 0))
		select {
		case <-done:
			t.Error("the deadline ended it")
		case <-time.After(50 * time.Millisecond):
		}
		b.Close()
		<-done
	})
}

// AwaitClose ends when the peer closes or when its time is over, and leaves the sending half open.
func TestAwaitClose(t *testing.T) {
	a, b := lingerPair(t)
	b.Write([]byte{1})
	began := time.Now()
	AwaitClose(a, 50*time.Millisecond)
	if took := time.Since(began); took < 50*time.Millisecond {
		t.Errorf("it took %s", took)
	}
	if _, err := a.Write([]byte{2}); err != nil {
		t.Errorf("the sending half is closed: %v", err)
	}
	if n, err := b.Read(make([]byte, 2)); n != 1 || err != nil {
		t.Errorf("the peer read %d bytes, %v", n, err)
	}
	b.Close()
	began = time.Now()
	AwaitClose(a, time.Minute)
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("it took %s", took)
	}
}
