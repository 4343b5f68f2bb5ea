package conn

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"mqtt/internal/proto"
	"mqtt/internal/session"
)

// TestLaw5ReadsGoOn checks that a packet is complete whatever the byte at which a read timed out.
func TestLaw5ReadsGoOn(t *testing.T) {
	m := wire(t, proto.V5, msg(1, 7, "a/b", "payload", proto.ContentType, "text/plain"))
	synctest.Test(t, func(t *testing.T) {
		timedOut := make(chan struct{})
		c := start(t, script(t, proto.V5, func(p *peer) {
			p.greet(false)
			for n := 1; n < len(m); n++ {
				p.send(m[:n])
				<-timedOut
				p.send(m[n:])
				p.expect(ack(proto.PUBACK, 7))
			}
			p.bye()
		}))
		for n := 1; n < len(m); n++ {
			for range 2 {
				if ev, err := c.NextBy(t.Context(), time.Now().Add(time.Millisecond)); err != nil || ev.Kind != Idle {
					t.Fatalf("cut at %d: event %d, error %v", n, ev.Kind, err)
				}
			}
			timedOut <- struct{}{}
			nextMessage(t, c, "payload")
			look(t, c)
		}
		closed(t, c)
	})
}

// TestLaw5WritesEnd checks that the error after a failed write is the server's DISCONNECT.
func TestLaw5WritesEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, script(t, proto.V5, func(p *peer) {
			p.greet(false)
			p.send(msg(0, 0, "a", "x"), &proto.Disconnect{Reason: proto.ServerShuttingDown, Props: props(proto.ReasonString, "night")})
		}))
		publish(t, c, msg(0, 0, "t", strings.Repeat("x", flushSize)), 0) // was taken
		err := c.Publish(t.Context(), msg(0, 0, "t", "x"), 0)
		var d *Disconnected
		if !errors.As(err, &d) || d.Reason != proto.ServerShuttingDown || !strings.HasSuffix(err.Error(), ": night") || !Lost(err) {
			t.Fatalf("error %v", err)
		}
		for range 2 {
			if again := nextError(t, c); again != err {
				t.Errorf("then %v", again)
			}
		}
	})
}

// TestLaw5WritesEndSilently checks that a failed write without a reason of the server is a lost
// connection, also before version 5.
func TestLaw5WritesEndSilently(t *testing.T) {
	for _, v := range versions {
		synctest.Test(t, func(t *testing.T) {
			c := start(t, script(t, v, func(p *peer) { p.greet(false) }))
			var b *Broken
			publish(t, c, msg(0, 0, "t", strings.Repeat("x", flushSize)), 0)
			if err := nextError(t, c); !errors.As(err, &b) || b.Op != "write" || !Lost(err) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestLaw5EndOfContext checks that the end of ctx before a write changes neither queue nor
// connection: DISCONNECT is still sent after the queue.
func TestLaw5EndOfContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, script(t, proto.V5, func(p *peer) {
			p.greet(false)
			p.send(msg(1, 1, "a", "x"))
			p.expect(ack(proto.PUBACK, 1), msg(0, 0, "t", strings.Repeat("x", flushSize)))
			p.bye()
		}))
		next(t, c, Message)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := c.Next(ctx); !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v", err)
		}
		if err := c.Publish(ctx, msg(0, 0, "t", strings.Repeat("x", flushSize)), 0); err != nil {
			t.Fatalf("error %v", err)
		}
		if err := c.Publish(ctx, msg(0, 0, "t", "is not taken"), 0); !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v", err)
		}
		closed(t, c)
	})
}

// TestLaw5EndOfContextInAWrite checks that the end of ctx ends a stuck write and the connection.
func TestLaw5EndOfContextInAWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		over := make(chan struct{})
		c := start(t, script(t, proto.V5, func(p *peer) {
			p.greet(false)
			<-over
		}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := c.Publish(ctx, msg(0, 0, "t", strings.Repeat("x", flushSize)), 0); err != nil {
			t.Fatalf("error %v", err)
		}
		if err := nextError(t, c); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		close(over)
	})
}

// mute is a context that must not be used.
type mute struct{ t *testing.T }

func (m mute) Deadline() (time.Time, bool) { m.t.Error("ctx was asked"); return time.Time{}, false }
func (m mute) Done() <-chan struct{}       { m.t.Error("ctx was asked"); return nil }
func (m mute) Err() error                  { m.t.Error("ctx was asked"); return context.Canceled }
func (m mute) Value(any) any               { return nil }

// TestLaw6FastPath checks that a packet in the buffer is returned without a look at ctx, the clock,
// Wake or the stream.
func TestLaw6FastPath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var nc *counted
		c := start(t, counting(script(t, proto.V5, func(p *peer) {
			p.greet(false)
			p.send(msg(0, 0, "a", "0"), msg(1, 1, "a", "1"), msg(2, 2, "a", "2"), msg(0, 0, "a", "3"))
			p.expect(ack(proto.PUBACK, 1), ack(proto.PUBREC, 2))
			p.bye()
		}), &nc))
		nextMessage(t, c, "0")
		nc.calls, nc.writes = 0, nil
		c.woken.Store(true)
		for i, limit := range []time.Time{{}, time.Unix(1, 0), time.Now().Add(-time.Hour)} {
			if !c.Ready() {
				t.Errorf("not ready before message %d", i+1)
			}
			ev, err := c.NextBy(mute{t}, limit)
			if err != nil || ev.Kind != Message || ev.Message.Payload[0] != byte('1'+i) {
				t.Fatalf("event %d, error %v", ev.Kind, err)
			}
		}
		if nc.calls != 0 || len(nc.writes) != 0 {
			t.Errorf("%d calls and %d writes", nc.calls, len(nc.writes))
		}
		next(t, c, Idle) // the bell, at last
		closed(t, c)
	})
}

// TestLaw6Ready checks that Ready reports false if Next may have to wait or write first.
func TestLaw6Ready(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, script(t, proto.V5, func(p *peer) {
			p.greet(false)
			p.send(msg(2, 1, "a", "first"))
			p.expect(ack(proto.PUBREC, 1))
			p.send(msg(2, 2, "a", "second"), ack(proto.PUBREL, 1))
			p.expect(ack(proto.PUBREC, 2), ack(proto.PUBCOMP, 1))
			p.send(msg(0, 0, "a", "third"), dup(msg(2, 2, "a", "second")))
			p.expect(ack(proto.PUBREC, 2))
			p.send(msg(0, 0, "a", "fourth"), "d000")
			p.bye()
		}))
		for _, payload := range []string{"first", "second", "third", "fourth"} {
			nextMessage(t, c, payload)
			if c.Ready() {
				t.Errorf("ready after %q, although there is no event", payload)
			}
		}
		look(t, c)
		closed(t, c)
	})
}

// TestLaw7Relief checks that two sides that both write first do not block each other, even over a
// pipe without a buffer.
func TestLaw7Relief(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		payload := strings.Repeat("x", 10_000)
		c := start(t, script(t, proto.V5, func(p *peer) {
			p.greet(false)
			for range 100 {
				p.send(msg(0, 0, "to/client", payload))
			}
			for range 100 {
				p.expect(msg(0, 0, "to/server", payload))
			}
			p.bye()
		}))
		for range 100 {
			publish(t, c, msg(0, 0, "to/server", payload), 0)
		}
		for range 100 {
			nextMessage(t, c, payload)
		}
		closed(t, c)
	})
}

// TestLaw7ReliefBounded checks that relief stops reading after reliefMax, and that the write's
// deadline ends the connection.
func TestLaw7ReliefBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent atomic.Int64
		cfg := script(t, proto.V5, func(p *peer) {
			p.greet(false)
			flood := wire(t, proto.V5, msg(0, 0, "to/client", strings.Repeat("x", 100_000)))
			for sent.Load() < 4*reliefMax {
				n, err := p.nc.Write(flood)
				if sent.Add(int64(n)); err != nil {
					return
				}
			}
		})
		cfg.Connect.KeepAlive = 60
		c := start(t, cfg)
		begin := time.Now()
		var stalled atomic.Int64
		time.AfterFunc(time.Minute, func() { stalled.Store(sent.Load()) })
		publish(t, c, msg(0, 0, "to/server", strings.Repeat("x", flushSize)), 0)
		err := c.err
		var b *Broken
		if !errors.As(err, &b) || b.Op != "write" || time.Since(begin) < 90*time.Second || time.Since(begin) > 91*time.Second {
			t.Errorf("error %v after %v", err, time.Since(begin))
		}
		if n := stalled.Load(); n < reliefMax-200_000 || n > 2*reliefMax {
			t.Errorf("%d bytes were read", n)
		}
	})
}

// TestLaw8SessionsOutliveConnections checks that Hold delivers every message over as many
// connections as necessary, and that a Conn that has ended stays so; 3.1.1 [MQTT-3.3.1-1],
// [MQTT-4.4.0-1], [MQTT-4.6.0-1].
func TestLaw8SessionsOutliveConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := script(t, proto.V311,
			func(p *peer) { p.greet(false); p.expect(msg(1, 1, "t", "a"), msg(1, 2, "t", "b")) },
			func(p *peer) { p.hello() },
			func(p *peer) {
				p.greet(true)
				p.expect(dup(msg(1, 1, "t", "a")), dup(msg(1, 2, "t", "b")))
				p.send(ack(proto.PUBACK, 1))
			},
			func(p *peer) {
				p.greet(true)
				p.expect(dup(msg(1, 2, "t", "b")))
				p.send(ack(proto.PUBACK, 2))
				p.bye()
			})
		cfg.Connect.CleanStart = false
		var s session.Session
		var served []*Conn
		var done []uint64
		err := Hold(t.Context(), cfg, &s, Backoff{Min: time.Second, Max: time.Second, Tries: 2}, func(ctx context.Context, c *Conn) error {
			served = append(served, c)
			if len(served) == 1 {
				publish(t, c, msg(1, 0, "t", "a"), 10)
				publish(t, c, msg(1, 0, "t", "b"), 11)
			}
			for c.Pending() > 0 {
				ev, err := c.Next(ctx)
				if err != nil {
					return err
				}
				done = append(done, ev.Tag)
			}
			return c.Close(ctx, nil)
		})
		if err != nil || len(served) != 3 || len(done) != 2 || done[0] != 10 || done[1] != 11 {
			t.Errorf("error %v, %d connections, delivered %v", err, len(served), done)
		}
		for i, c := range served {
			err := nextError(t, c)
			if c.Publish(t.Context(), msg(0, 0, "t", ""), 0) != err || c.Send(t.Context(), &proto.Ping{Kind: proto.PINGREQ}) != err ||
				c.Close(t.Context(), nil) != err || c.Ready() {
				t.Errorf("connection %d is not as dead as %v", i, err)
			}
			if (err == ErrClosed) != (i == 2) {
				t.Errorf("connection %d ended with %v", i, err)
			}
		}
		if s.Sender.Pending() != 0 {
			t.Errorf("%d in flight", s.Sender.Pending())
		}
	})
}
