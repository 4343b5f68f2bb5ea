package conn

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mqtt/internal/proto"
	"mqtt/internal/session"
)

// TestTakenOverByOurselves checks that Hold tries once more if the session was taken over by a
// CONNECT of ours that had been given up, and gives up if another client took it over.
func TestTakenOverByOurselves(t *testing.T) {
	greet := func(p *peer) { p.greet(false) }
	silent := func(p *peer) { p.hello(); p.bye() } // the CONNECT is taken back
	taken := func(p *peer) {
		p.greet(true)
		p.send(&proto.Disconnect{Reason: proto.SessionTakenOver})
		p.end()
	}
	done := func(p *peer) { p.greet(true); p.bye() }
	for _, k := range []struct {
		name    string
		scripts []func(*peer)
		ok      bool
	}{
		{"by ourselves", []func(*peer){greet, silent, taken, done}, true},
		{"by somebody else", []func(*peer){greet, taken}, false},
		{"by ourselves, then by somebody else", []func(*peer){greet, silent, taken, taken}, false},
	} {
		t.Run(k.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := script(t, proto.V5, k.scripts...)
				cfg.Timeout = time.Second
				cfg.Connect.Props = props(proto.SessionExpiryInterval, 100)
				b := Backoff{Min: time.Millisecond, Max: time.Millisecond, Tries: -1}
				err := Hold(t.Context(), cfg, new(session.Session), b, func(ctx context.Context, c *Conn) error {
					ev, err := c.NextBy(ctx, time.Now().Add(time.Minute))
					if err == nil && ev.Kind == Idle {
						err = c.Close(ctx, nil)
					}
					return err
				})
				if (err == nil) != k.ok || err != nil && !takenOver(err) {
					t.Errorf("error %v", err)
				}
			})
		})
	}
}

// TestDiscard checks that Discard leaves out the acknowledgements of the last message, and of
// earlier ones that were not written.
func TestDiscard(t *testing.T) {
	for _, v := range versions {
		synctest.Test(t, func(t *testing.T) {
			cfg := script(t, v, func(p *peer) {
				p.greet(false)
				p.send(msg(1, 1, "a", "1"))
				p.expect(ack(proto.PUBACK, 1)) // one that was handed on
				p.send(msg(1, 2, "a", "2"), msg(2, 3, "a", "3"), msg(1, 4, "a", "4"))
				p.bye()
			})
			c := start(t, cfg)
			for _, payload := range []string{"1", "2", "3", "4"} {
				nextMessage(t, c, payload)
			}
			c.Discard()
			closed(t, c)
			c.Discard() // of one that is closed: nothing
		})
	}
}

// TestDiscardInsideAPacket checks that Discard closes the connection if a packet was written in
// part, because DISCONNECT must not follow it.
func TestDiscardInsideAPacket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := script(t, proto.V5, func(p *peer) { p.greet(false); p.end() })
		c := start(t, cfg)
		publish(t, c, msg(0, 0, "a", "whole"), 1)
		c.written = 3 // as after a write that found room for three bytes
		c.Discard()
		if err := c.Close(t.Context(), nil); !errors.Is(err, ErrClosed) {
			t.Errorf("error %v", err)
		}
	})
}

// dated records all deadlines.
type dated struct {
	net.Conn
	mu  *sync.Mutex
	all *[]time.Time
}

func (d dated) note(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	*d.all = append(*d.all, t)
}
func (d dated) SetDeadline(t time.Time) error      { d.note(t); return d.Conn.SetDeadline(t) }
func (d dated) SetReadDeadline(t time.Time) error  { d.note(t); return d.Conn.SetReadDeadline(t) }
func (d dated) SetWriteDeadline(t time.Time) error { d.note(t); return d.Conn.SetWriteDeadline(t) }

// TestDeadlinesAreMonotonic checks that all deadlines of dial, keep alive, writes and close have a
// monotonic clock reading, so that a change of the wall clock has no effect. The clock of synctest
// has none, so the test takes some real milliseconds.
func TestDeadlinesAreMonotonic(t *testing.T) {
	cfg := script(t, proto.V5, func(p *peer) {
		p.greet(false)
		p.send(msg(1, 1, "a", "1"))
		p.expect(msg(1, 1, "b", "2"), ack(proto.PUBACK, 1))
		p.send(ack(proto.PUBACK, 1))
		for p.frame().Type() == proto.PINGREQ {
			p.send("d000")
		}
		p.end()
	})
	var mu sync.Mutex
	var all []time.Time
	dial := cfg.Dial
	cfg.Dial = func(ctx context.Context, v proto.Version) (net.Conn, error) {
		nc, err := dial(ctx, v)
		return dated{nc, &mu, &all}, err
	}
	cfg.Connect.KeepAlive, cfg.Timeout = 10, 10*time.Second
	c := start(t, cfg)
	nextMessage(t, c, "1")
	publish(t, c, msg(1, 0, "b", "2"), 7)
	nextDelivered(t, c, 7, proto.Success)
	set := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(all)
	}
	before := set()
	c.clock.keepAlive = 5 * time.Millisecond
	c.clock.pongDue = time.Time{}
	for set() < before+8 {
		if ev, err := c.NextBy(t.Context(), time.Now().Add(20*time.Millisecond)); err != nil || ev.Kind != Idle {
			t.Fatalf("event %d, error %v", ev.Kind, err)
		}
	}
	closed(t, c)
	mu.Lock()
	defer mu.Unlock()
	monotonic := 0
	for _, at := range all {
		switch {
		case strings.Contains(at.String(), " m="):
			monotonic++
		case !at.IsZero() && !at.Equal(past): // never, and at once
			t.Errorf("a deadline by the wall clock: %v", at)
		}
	}
	if monotonic < 6 {
		t.Errorf("only %d of %d deadlines are monotonic", monotonic, len(all))
	}
}
