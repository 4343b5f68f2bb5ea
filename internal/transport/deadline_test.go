package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"
)

// pairs returns the two ends of a connection of every kind over net.Pipe, in a synctest bubble.
func pairs(t *testing.T, f func(t *testing.T, client, server net.Conn)) {
	ends, trust := kinds(t)
	now := time.Now() // the time in a bubble is different
	for _, s := range []Scheme{MQTTS, WS, WSS} {
		t.Run(string(s), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := net.Pipe()
				var (
					client net.Conn = a
					err    error
				)
				l := &Listener{end: *ends[s]}
				if ends[s].TLS != nil {
					if _, err = ends[s].TLS.ServerConfig(); err != nil {
						t.Fatal(err)
					}
				}
				server := l.wrap(b)
				d := dialer{Target: &Target{Host: "localhost", WebSocket: ends[s].WebSocket}, tr: new(Trace)}
				if ends[s].TLS != nil {
					d.TLS = &TLS{CAFile: trust.CAFile, MaxVersion: 0x0303} // no tickets follow the handshake
				}
				if err := d.prepare(); err != nil {
					t.Fatal(err)
				}
				if d.tls != nil {
					d.tls = d.tls.Clone()
					d.tls.Time = func() time.Time { return now }
				}
				defer func() { // without Close frame, because nobody reads it
					a.Close()
					b.Close()
					client.Close()
					server.Close()
				}()
				hello := make(chan error, 1)
				go func() { // ends with the first byte
					_, err := io.ReadFull(server, make([]byte, 1))
					hello <- err
				}()
				if d.TLS != nil {
					client, err = d.secure(context.Background(), client)
				}
				if err == nil && d.WebSocket != nil {
					client, err = d.upgrade(context.Background(), client)
				}
				if err != nil {
					t.Fatal(err)
				}
				client.Write([]byte{0})
				if err := <-hello; err != nil {
					t.Fatal(err)
				}
				f(t, client, server)
			})
		})
	}
}

// TestReadDeadlineWakesAndResumes checks that a deadline set by another goroutine ends a blocked
// Read, and that the Read can be repeated without loss, also within a frame or a TLS record.
func TestReadDeadlineWakesAndResumes(t *testing.T) {
	pairs(t, func(t *testing.T, client, server net.Conn) {
		for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
			reader, writer := way[0], way[1]
			for round := range 3 {
				result := make(chan error)
				go func() {
					_, err := reader.Read(make([]byte, 10))
					result <- err
				}()
				synctest.Wait() // Read is blocked
				reader.SetReadDeadline(time.Unix(1, 0))
				err := <-result
				var ne net.Error
				if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &ne) || !ne.Timeout() {
					t.Fatalf("round %d: %v", round, err)
				}
				if _, err := reader.Read(make([]byte, 10)); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Fatalf("the deadline does not last: %v", err)
				}
				reader.SetReadDeadline(time.Time{})
				go func() {
					_, err := writer.Write([]byte("after"))
					result <- err
				}()
				got := make([]byte, 5)
				if _, err := io.ReadFull(reader, got); err != nil || string(got) != "after" {
					t.Fatalf("round %d: %q %v", round, got, err)
				}
				if err := <-result; err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

// TestWriteDeadlineWakes checks that a deadline set by another goroutine ends a blocked Write.
func TestWriteDeadlineWakes(t *testing.T) {
	pairs(t, func(t *testing.T, client, server net.Conn) {
		for _, c := range []net.Conn{client, server} {
			result := make(chan error)
			go func() {
				_, err := c.Write(make([]byte, 200000))
				result <- err
			}()
			synctest.Wait() // nobody reads
			c.SetWriteDeadline(time.Unix(1, 0))
			if err := <-result; !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal(err)
			}
			// Reading continues.
			read := make(chan error)
			go func() {
				_, err := c.Read(make([]byte, 1))
				read <- err
			}()
			synctest.Wait()
			c.SetReadDeadline(time.Unix(1, 0))
			if err := <-read; !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal(err)
			}
		}
	})
}

// TestReadResumesInsideAFrame times out after every byte of a frame.
func TestReadResumesInsideAFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		c := over(a, false)
		raw := packed(false, ws.NewBinaryFrame([]byte("hello")), ws.NewPongFrame([]byte("x")), ws.NewBinaryFrame(make([]byte, 200)))
		var got []byte
		for i := range raw {
			sent := make(chan struct{})
			go func() {
				b.Write(raw[i : i+1])
				close(sent)
			}()
			c.SetReadDeadline(time.Now().Add(time.Second))
			for {
				p := make([]byte, 300)
				n, err := c.Read(p)
				got = append(got, p[:n]...)
				if errors.Is(err, os.ErrDeadlineExceeded) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			<-sent
		}
		if want := append([]byte("hello"), make([]byte, 200)...); !bytes.Equal(got, want) {
			t.Errorf("%d bytes", len(got))
		}
	})
}

// TestNothingFollowsACutFrame checks that nothing is sent after a part of a frame: it would be
// taken for the rest.
func TestNothingFollowsACutFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		c := over(a, true)
		result := make(chan error)
		go func() {
			_, err := c.Write(make([]byte, 1000))
			result <- err
		}()
		io.ReadFull(b, make([]byte, 100))
		c.SetWriteDeadline(time.Unix(1, 0))
		if err := <-result; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
		c.SetWriteDeadline(time.Time{})
		if _, err := c.Write([]byte("x")); err == nil {
			t.Error("written into the middle of a frame")
		}
		// A write that has sent nothing can be repeated.
		d := over(b, true)
		d.SetWriteDeadline(time.Unix(1, 0))
		if _, err := d.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
		d.SetWriteDeadline(time.Time{})
		go func() {
			_, err := d.Write([]byte("x"))
			result <- err
		}()
		io.ReadFull(a, make([]byte, 7))
		if err := <-result; err != nil {
			t.Error(err)
		}
	})
}

// TestCloseIsOrderlyAndBounded checks that Close sends a Close frame, waits at most a second for a
// stuck peer, and does not wait for a blocked Write.
func TestCloseIsOrderlyAndBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		c := over(a, true)
		go c.Close() // ends when the frame is read
		f := readFrame(t, b)
		if code, _ := ws.ParseCloseFrameData(f.Payload); f.Header.OpCode != ws.OpClose || code != ws.StatusNormalClosure {
			t.Errorf("%v %d", f.Header, code)
		}
		if _, err := b.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("not closed: %v", err)
		}

		a, _ = net.Pipe()
		c = over(a, true)
		start := time.Now()
		c.Close()
		if took := time.Since(start); took != closeWait {
			t.Errorf("Close took %v", took)
		}

		a, _ = net.Pipe()
		c = over(a, true)
		result := make(chan error)
		go func() {
			_, err := c.Write([]byte("stuck"))
			result <- err
		}()
		synctest.Wait()
		start = time.Now()
		c.Close()
		if took := time.Since(start); took != 0 {
			t.Errorf("Close beside a stuck writer took %v", took)
		}
		if err := <-result; err == nil {
			t.Error("the writer was not told")
		}
		if err := c.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
	})
}
