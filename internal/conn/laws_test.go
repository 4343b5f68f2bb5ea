package conn

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"mqtt/internal/proto"
)

// TestLaw1OneOwner checks that Conn has no lock and no goroutine, and that any goroutine may call
// Wake.
func TestLaw1OneOwner(t *testing.T) {
	var locks func(reflect.Type, int)
	locks = func(typ reflect.Type, depth int) {
		if typ.PkgPath() == "sync" {
			t.Errorf("Conn holds a %v", typ)
		}
		if typ.Kind() != reflect.Struct || depth > 3 {
			return
		}
		for i := range typ.NumField() {
			locks(typ.Field(i).Type, depth+1)
		}
	}
	locks(reflect.TypeFor[Conn](), 0)

	synctest.Test(t, func(t *testing.T) {
		const messages = 500
		c := start(t, script(t, proto.V5, func(p *peer) {
			p.greet(false)
			for i := range messages {
				p.send(msg(1, uint16(i+1), "a", "x"))
				p.expect(ack(proto.PUBACK, uint16(i+1)))
			}
			p.bye()
		}))
		before := runtime.NumGoroutine()
		stop := make(chan struct{})
		var wakers sync.WaitGroup
		for range 4 {
			wakers.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						c.Wake()
						runtime.Gosched()
					}
				}
			})
		}
		for got := 0; got < messages; {
			ev, err := c.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if ev.Kind == Message {
				got++
			}
		}
		poll := func() { c.NextBy(t.Context(), time.Now()) }
		poll()
		close(stop)
		wakers.Wait()
		n := runtime.NumGoroutine()
		for range 1_000_000 { // a goroutine counts until it has exited
			if n <= before {
				break
			}
			runtime.Gosched()
			n = runtime.NumGoroutine()
		}
		if n > before {
			t.Errorf("%d goroutines, %d before", n, before)
		}
		closed(t, c)
		c.Wake() // is harmless afterwards
	})
}

// TestLaw2WriteBeforeYouWait checks that a hundred messages which arrive together are acknowledged
// with one write, in order [MQTT-4.6.0-2]; 3.1.1 [MQTT-4.6.0-2].
func TestLaw2WriteBeforeYouWait(t *testing.T) {
	for _, v := range versions {
		synctest.Test(t, func(t *testing.T) {
			var nc *counted
			c := start(t, counting(script(t, v, func(p *peer) {
				p.greet(false)
				var all, acks []any
				for i := range 100 {
					all = append(all, msg(1, uint16(i+1), "topic", strings.Repeat("x", 64)))
					acks = append(acks, ack(proto.PUBACK, uint16(i+1)))
				}
				p.send(all...)
				p.expect(acks...)
				p.bye()
			}), &nc))
			nc.writes = nil
			for range 100 {
				next(t, c, Message)
			}
			if len(nc.writes) != 0 {
				t.Errorf("%d writes before Next had to wait", len(nc.writes))
			}
			look(t, c)
			if len(nc.writes) != 1 || len(nc.writes[0]) != 100*4 {
				t.Errorf("%d writes, want one of 400 bytes", len(nc.writes))
			}
			closed(t, c)
		})
	}
}

// TestLaw2WriteWhenFullOrClosed checks that the queue is written at 128 KiB, and by Close together
// with DISCONNECT.
func TestLaw2WriteWhenFullOrClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var nc *counted
		c := start(t, counting(script(t, proto.V311, func(p *peer) {
			p.greet(false)
			for range 130 {
				p.expect(msg(0, 0, "t", strings.Repeat("x", 1019)))
			}
			p.bye()
		}), &nc))
		nc.writes = nil
		for i := range 129 {
			publish(t, c, msg(0, 0, "t", strings.Repeat("x", 1019)), 0) // 1 KiB and 1 byte each
			if want := (i + 1) / 128; len(nc.writes) != want {
				t.Fatalf("%d writes after %d messages, want %d", len(nc.writes), i+1, want)
			}
		}
		publish(t, c, msg(0, 0, "t", strings.Repeat("x", 1019)), 0)
		closed(t, c)
		if len(nc.writes) != 2 || !bytes.HasSuffix(nc.writes[1], []byte{0xE0, 0}) {
			t.Errorf("%d writes, want a second with all that was left", len(nc.writes))
		}
	})
}

// TestLaw3DeadlineThenWake checks that no call of Wake and no end of ctx is lost, whenever it
// happens. A lost one would block the synctest bubble.
func TestLaw3DeadlineThenWake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, script(t, proto.V5, func(p *peer) {
			p.greet(false)
			p.bye()
		}))
		const rounds = 20_000
		var rung atomic.Int64
		seen := make(chan int64, 1)
		go func() { // ends after its rounds
			for i := int64(1); i <= rounds; i++ {
				rung.Store(i)
				c.Wake()
				for got := range seen {
					if got >= i {
						break
					}
				}
			}
		}()
		for i := int64(0); i < rounds; {
			ev, err := c.Next(t.Context())
			if err != nil || ev.Kind != Idle {
				t.Fatalf("event %d, error %v", ev.Kind, err)
			}
			if n := rung.Load(); n > i {
				i = n
				seen <- i
			}
		}
		for range 5_000 {
			ctx, cancel := context.WithCancel(t.Context())
			go cancel()
			if ev, err := c.Next(ctx); !errors.Is(err, context.Canceled) {
				t.Fatalf("event %d, error %v", ev.Kind, err)
			}
		}
		closed(t, c)
	})
}

// TestLaw3WakeBeforeWait checks that Wake makes the next wait return Idle, once.
func TestLaw3WakeBeforeWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, script(t, proto.V5, func(p *peer) {
			p.greet(false)
			p.bye()
		}))
		c.Wake()
		c.Wake()
		begin := time.Now()
		next(t, c, Idle)
		if d := time.Since(begin); d != 0 {
			t.Errorf("Idle after %v", d)
		}
		if ev, err := c.NextBy(t.Context(), begin.Add(time.Second)); err != nil || ev.Kind != Idle || time.Since(begin) != time.Second {
			t.Errorf("event %d, error %v after %v", ev.Kind, err, time.Since(begin))
		}
		closed(t, c)
	})
}

// TestLaw4OneDeadlineForAll checks that a wait ends at the earliest of limit, ctx's deadline,
// PINGREQ due and PINGRESP due.
func TestLaw4OneDeadlineForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := script(t, proto.V5, func(p *peer) {
			p.greet(false)
			p.expect("c000", "c000")
			p.end()
		})
		cfg.Connect.KeepAlive = 10
		c := start(t, cfg)
		begin := time.Now()
		at := func(what string, want time.Duration) {
			t.Helper()
			if d := time.Since(begin); d != want {
				t.Errorf("%s at %v, want %v", what, d, want)
			}
		}
		if ev, err := c.NextBy(t.Context(), begin.Add(time.Second)); err != nil || ev.Kind != Idle {
			t.Fatalf("event %d, error %v", ev.Kind, err)
		}
		at("limit", time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.NextBy(ctx, begin.Add(time.Hour)); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("error %v", err)
		}
		at("ctx", 2*time.Second)
		if ev, err := c.NextBy(t.Context(), begin.Add(9500*time.Millisecond)); err != nil || ev.Kind != Idle {
			t.Fatalf("event %d, error %v", ev.Kind, err)
		}
		if len(c.clock.pings) != 1 || c.clock.sent != begin.Add(9*time.Second) {
			t.Errorf("PINGREQ at %v", c.clock.sent.Sub(begin))
		}
		err := nextError(t, c)
		if !errors.Is(err, ErrTimeout) || !Lost(err) {
			t.Errorf("error %v", err)
		}
		at("pong due", 19*time.Second+graceTime)
		if c.stopWatch != nil || c.relief.timer.Stop() {
			t.Error("something still ticks")
		}
	})
}
