package conn

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"mqtt/internal/proto"
	"mqtt/internal/session"
)

// loopback is like script, over TCP and with one connection, for behaviour that depends on the
// kernel.
func loopback(t *testing.T, v proto.Version, play func(*peer)) *Config {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { // ends with its script
		defer close(done)
		defer l.Close()
		nc, err := l.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		defer nc.Close()
		nc.SetDeadline(time.Now().Add(20 * time.Second))
		play(newPeer(t, nc, v))
	}()
	t.Cleanup(func() { <-done })
	return &Config{
		Connect: proto.Connect{Version: v, CleanStart: true, ClientID: "me"},
		Dial: func(ctx context.Context, _ proto.Version) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
		},
	}
}

// TestKernelPoll checks that polling reads what has arrived, does not wait, and loses nothing.
func TestKernelPoll(t *testing.T) {
	sent, more := make(chan struct{}), make(chan struct{})
	c := start(t, loopback(t, proto.V5, func(p *peer) {
		p.greet(false)
		<-more
		p.send(msg(1, 1, "a", "x"))
		close(sent)
		p.expect(ack(proto.PUBACK, 1))
		p.bye()
	}))
	begin := time.Now()
	for range 100 {
		look(t, c)
	}
	if d := time.Since(begin); d > 2*time.Second {
		t.Errorf("polling a hundred times took %v", d)
	}
	close(more)
	<-sent
	for begin := time.Now(); ; {
		ev, err := c.NextBy(t.Context(), time.Unix(1, 0))
		if err != nil || time.Since(begin) > 10*time.Second {
			t.Fatalf("error %v", err)
		}
		if ev.Kind == Message {
			break
		}
	}
	look(t, c)
	if n := testing.AllocsPerRun(100, func() { c.NextBy(t.Context(), time.Unix(1, 0)) }); n != 0 {
		t.Errorf("polling allocates %v times", n)
	}
	closed(t, c)
}

// TestKernelPollAtTheEnd checks that polling finds the end of the stream.
func TestKernelPollAtTheEnd(t *testing.T) {
	c := start(t, loopback(t, proto.V5, func(p *peer) { p.greet(false) }))
	for begin := time.Now(); ; {
		ev, err := c.NextBy(t.Context(), time.Unix(1, 0))
		if err != nil {
			if !Lost(err) {
				t.Errorf("error %v", err)
			}
			return
		}
		if ev.Kind != Idle || time.Since(begin) > 10*time.Second {
			t.Fatalf("event %d", ev.Kind)
		}
	}
}

// TestKernelClose checks that DISCONNECT is the last packet, that the stream ends within a second
// although the server keeps its half open, and that data of the server causes no reset
// [MQTT-3.14.4-1], [MQTT-3.14.4-2]; 3.1.1 [MQTT-3.14.4-1], [MQTT-3.14.4-2].
func TestKernelClose(t *testing.T) {
	t.Parallel()
	for _, v := range versions {
		t.Run(v.String(), func(t *testing.T) {
			t.Parallel()
			over := make(chan struct{})
			c := start(t, loopback(t, v, func(p *peer) {
				p.greet(false)
				p.send(msg(0, 0, "a", strings.Repeat("x", 100_000)))
				p.expect(msg(0, 0, "t", strings.Repeat("x", 100_000)))
				p.bye()
				<-over
			}))
			publish(t, c, msg(0, 0, "t", strings.Repeat("x", 100_000)), 0)
			begin := time.Now()
			go c.Wake() // does not hurry it; ends at once
			closed(t, c)
			if d := time.Since(begin); d < closeTimeout || d > closeTimeout+time.Second {
				t.Errorf("closed after %v", d)
			}
			close(over)
		})
	}
}

// TestKernelCloseBothSides checks that Close does not wait if the server closes its half.
func TestKernelCloseBothSides(t *testing.T) {
	c := start(t, loopback(t, proto.V5, func(p *peer) { p.greet(false); p.bye() }))
	begin := time.Now()
	closed(t, c)
	if d := time.Since(begin); d >= closeTimeout {
		t.Errorf("closed after %v", d)
	}
}

// TestKernelCloseSlowServer checks that a server that keeps the session gets the acknowledgements
// although it is slow and still sends: some give up when they cannot, with acknowledgements unread.
func TestKernelCloseSlowServer(t *testing.T) {
	t.Parallel()
	for _, v := range versions {
		t.Run(v.String(), func(t *testing.T) {
			t.Parallel()
			cfg := loopback(t, v, func(p *peer) {
				p.greet(false)
				p.send(msg(1, 1, "a", "1"))
				time.Sleep(closeTimeout + 300*time.Millisecond)
				p.send(msg(1, 2, "a", "2"))
				time.Sleep(50 * time.Millisecond) // for a reset to arrive, after which a write fails
				p.send(msg(1, 3, "a", "3"))
				p.expect(ack(proto.PUBACK, 1))
				p.bye()
			})
			lasting(cfg)
			c := start(t, cfg)
			nextMessage(t, c, "1")
			closed(t, c)
		})
	}
}

// TestKernelCloseKeptSession checks that a server that keeps the session reads the acknowledgements and
// DISCONNECT before the end of the stream.
func TestKernelCloseKeptSession(t *testing.T) {
	t.Parallel()
	for _, v := range versions {
		t.Run(v.String(), func(t *testing.T) {
			t.Parallel()
			cfg := loopback(t, v, func(p *peer) {
				p.greet(false)
				p.send(msg(1, 1, "a", "1"))
				p.expect(ack(proto.PUBACK, 1), "e000")
				p.nc.SetReadDeadline(time.Now().Add(closeTimeout / 2))
				if _, err := p.r.Next(); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("the stream ended: %v", err)
				}
			})
			lasting(cfg)
			c := start(t, cfg)
			nextMessage(t, c, "1")
			begin := time.Now()
			closed(t, c)
			if d := time.Since(begin); d > 10*time.Second {
				t.Errorf("closed after %v", d)
			}
		})
	}
}

// TestKernelViolation checks that the server is told of a violation, and that the stream ends
// within a second [MQTT-3.14.4-1], [MQTT-3.14.4-2].
func TestKernelViolation(t *testing.T) {
	over := make(chan struct{})
	c := start(t, loopback(t, proto.V5, func(p *peer) {
		p.greet(false)
		begin := time.Now()
		p.send("3605000161000100")
		p.expect("e00181")
		p.end()
		if d := time.Since(begin); d > time.Second {
			t.Errorf("the end after %v", d)
		}
		<-over
	}))
	nextError(t, c)
	close(over)
}

// TestKernelReset checks that a reset after DISCONNECT does not hide it.
func TestKernelReset(t *testing.T) {
	gone := make(chan struct{})
	c := start(t, loopback(t, proto.V5, func(p *peer) {
		p.greet(false)
		p.send(&proto.Disconnect{Reason: proto.QuotaExceeded})
		p.nc.(*net.TCPConn).SetLinger(0)
		for p.r.Len() == 0 { // what it leaves unread makes the end a reset
			if err := p.r.Fill(); err != nil {
				p.fatalf("fill: %v", err)
			}
		}
		p.nc.Close()
		close(gone)
	}))
	var err error
	payload := strings.Repeat("x", flushSize)
	for err == nil {
		err = c.Publish(t.Context(), msg(0, 0, "t", payload), 0)
		if err == nil {
			select {
			case <-gone:
			case <-time.After(10 * time.Second):
				t.Fatal("the server goes on")
			}
		}
	}
	var d *Disconnected
	if !errors.As(err, &d) || d.Reason != proto.QuotaExceeded {
		t.Errorf("error %v", err)
	}
}

// TestKernelResetSilently checks that a reset without DISCONNECT is a lost connection.
func TestKernelResetSilently(t *testing.T) {
	c := start(t, loopback(t, proto.V5, func(p *peer) {
		p.greet(false)
		p.nc.(*net.TCPConn).SetLinger(0)
	}))
	var b *Broken
	if err := nextError(t, c); !errors.As(err, &b) || !Lost(err) {
		t.Errorf("error %v", err)
	}
}

// TestKernelResetBeforeConnack checks that a reset before CONNACK is ErrHungUp, as the fallback
// needs it.
func TestKernelResetBeforeConnack(t *testing.T) {
	_, err := Dial(t.Context(), loopback(t, proto.V5, func(p *peer) { p.hello(); p.nc.(*net.TCPConn).SetLinger(0) }), new(session.Session))
	if !errors.Is(err, ErrHungUp) {
		t.Errorf("error %v", err)
	}
}

// TestKernelHalfClose checks that the queue is written to a server that has closed its half only.
func TestKernelHalfClose(t *testing.T) {
	c := start(t, loopback(t, proto.V5, func(p *peer) {
		p.greet(false)
		p.send(msg(1, 1, "a", "last"))
		p.nc.(*net.TCPConn).CloseWrite()
		p.expect(ack(proto.PUBACK, 1))
		p.end()
	}))
	nextMessage(t, c, "last")
	if err := nextError(t, c); !Lost(err) || errors.Is(err, io.EOF) {
		t.Errorf("error %v", err)
	}
}

// TestKernelRelief has both sides write 8 MiB first, over sockets.
func TestKernelRelief(t *testing.T) {
	payload := strings.Repeat("x", 64<<10)
	c := start(t, loopback(t, proto.V5, func(p *peer) {
		p.greet(false)
		for range 60 {
			p.send(msg(0, 0, "to/client", payload))
		}
		for range 128 {
			p.expect(msg(0, 0, "to/server", payload))
		}
		p.bye()
	}))
	for range 128 {
		publish(t, c, msg(0, 0, "to/server", payload), 0)
	}
	for range 60 {
		nextMessage(t, c, payload)
	}
	closed(t, c)
}

// TestKernelWait checks that Wake, ctx and the limit end a wait on a socket.
func TestKernelWait(t *testing.T) {
	c := start(t, loopback(t, proto.V5, func(p *peer) { p.greet(false); p.bye() }))
	for range 200 {
		go c.Wake() // ends at once
		next(t, c, Idle)
	}
	for range 200 {
		ctx, cancel := context.WithCancel(t.Context())
		go cancel()
		if _, err := c.Next(ctx); !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v", err)
		}
	}
	if ev, err := c.NextBy(t.Context(), time.Now().Add(time.Millisecond)); err != nil || ev.Kind != Idle {
		t.Errorf("event %d, error %v", ev.Kind, err)
	}
	closed(t, c)
}
