package conn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"mqtt/internal/proto"
	"mqtt/internal/session"
)

// TestLostReasons checks Lost for every reason code, in CONNACK and in DISCONNECT [MQTT-4.13.2-1].
func TestLostReasons(t *testing.T) {
	pass := []proto.Reason{0x00, 0x80, 0x83, 0x88, 0x89, 0x8B, 0x8D, 0x93, 0x96, 0x97, 0x98, 0x9F, 0xA0}
	for i := range 256 {
		r := proto.Reason(i)
		want := slices.Contains(pass, r)
		for _, err := range []error{&Refused{Reason: r}, &Disconnected{Reason: r}} {
			if Lost(err) != want || Lost(fmt.Errorf("hold: %w", err)) != want {
				t.Errorf("%v: lost is %v", err, !want)
			}
		}
	}
}

// TestLost checks Lost for errors of all kinds.
func TestLost(t *testing.T) {
	for _, k := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{context.Canceled, false},
		{context.DeadlineExceeded, false},
		{ErrHungUp, true},
		{ErrTimeout, true},
		{ErrWindow, false},
		{ErrClosed, false},
		{&OpenError{Err: errors.New("connection refused")}, true},
		{&OpenError{Err: context.DeadlineExceeded}, true},
		{&OpenError{Err: &tls.CertificateVerificationError{}}, false},
		{&Broken{Op: "read", Err: io.ErrUnexpectedEOF}, true},
		{&Broken{Op: "keep alive", Err: ErrTimeout}, true},
		{&Violation{Err: &proto.Error{}}, false},
		{&Limit{}, false},
		{&proto.Error{}, false},
		{errors.New("of the owner"), false},
	} {
		if Lost(k.err) != k.want || k.err != nil && Lost(fmt.Errorf("hold: %w", k.err)) != k.want {
			t.Errorf("%v: lost is %v", k.err, !k.want)
		}
	}
}

// TestBackoffWait checks that the wait doubles from Min to Max, is random, and is never below Min
// or above Max.
func TestBackoffWait(t *testing.T) {
	b := Backoff{Min: 100 * time.Millisecond, Max: time.Second}
	for n, bounds := range [][2]time.Duration{{100, 150}, {150, 300}, {300, 600}, {600, 1000}, {750, 1000}, {750, 1000}, {750, 1000}} {
		least, most := bounds[0]*time.Millisecond, bounds[1]*time.Millisecond
		low, high := most, time.Duration(0)
		for range 500 {
			d := b.wait(n)
			low, high = min(low, d), max(high, d)
		}
		if tenth := (most - least) / 10; low < least || high > most || low > least+tenth || high < most-tenth {
			t.Errorf("wait %d: %v to %v, want all of %v to %v", n, low, high, least, most)
		}
	}
	for _, b := range []Backoff{{Min: 2 * time.Second, Max: 3 * time.Second}, {Min: time.Second, Max: time.Second}, {Min: 5, Max: 7}, {Min: time.Second}} {
		for n := range 2000 {
			if d := b.wait(n % 20); d < b.Min || d > max(b.Min, b.Max) {
				t.Fatalf("%v..%v: wait %d is %v", b.Min, b.Max, n%20, d)
			}
		}
	}
	if d := (&Backoff{Min: time.Second, Max: time.Hour}).wait(1 << 20); d < time.Hour/2 || d > time.Hour {
		t.Errorf("wait %v", d)
	}
	if d := (&Backoff{}).wait(3); d != 0 {
		t.Errorf("wait %v", d)
	}
}

// failing counts tries of a server that is not there before the nth.
func failing(t *testing.T, good map[int]func(*peer)) (*Config, *int) {
	tries := 0
	var scripts []func(*peer)
	for _, i := range slices.Sorted(func(yield func(int) bool) {
		for i := range good {
			if !yield(i) {
				return
			}
		}
	}) {
		scripts = append(scripts, good[i])
	}
	cfg := script(t, proto.V5, scripts...)
	dial := cfg.Dial
	cfg.Dial = func(ctx context.Context, v proto.Version) (net.Conn, error) {
		tries++
		if good[tries] == nil {
			return nil, errors.New("connection refused")
		}
		return dial(ctx, v)
	}
	return cfg, &tries
}

// TestHold checks how many attempts Hold makes, and what ends it.
func TestHold(t *testing.T) {
	drop := func(p *peer) { p.greet(false) }
	lost := func(p *peer) { p.greet(false); p.send(msg(0, 0, "a", "")) } // after it was of use
	busy := func(p *peer) { p.hello(); p.send(&proto.Connack{Reason: proto.ServerBusy}); p.end() }
	banned := func(p *peer) { p.hello(); p.send(&proto.Connack{Reason: proto.Banned}); p.end() }
	done := func(p *peer) { p.greet(false); p.bye() }
	type plan = map[int]func(*peer)
	for _, k := range []struct {
		name  string
		tries int
		first bool
		good  plan
		want  int // tries
		ok    bool
	}{
		{"no tries", 0, true, plan{}, 1, false},
		{"no tries after the first", 0, true, plan{1: drop}, 1, false},
		{"the first is not tried again", -1, false, plan{}, 1, false},
		{"the first is not tried again though busy", -1, false, plan{1: busy}, 1, false},
		{"the first is tried again", 3, true, plan{3: busy, 4: done}, 4, true},
		{"tries run out", 3, true, plan{}, 4, false},
		{"tries in a row", 2, false, plan{1: lost, 3: lost, 5: done}, 5, true},
		{"tries in a row run out", 2, false, plan{1: lost, 3: lost}, 5, false},
		{"a server that accepts and closes the stream", 2, false, plan{1: drop, 2: drop, 3: drop}, 3, false},
		{"without end", -1, false, plan{1: drop, 100: done}, 100, true},
		{"no help", -1, true, plan{1: drop, 3: banned}, 3, false},
	} {
		t.Run(k.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg, tries := failing(t, k.good)
				var waited time.Duration
				var losses int
				begin := time.Now()
				b := Backoff{Min: time.Second, Max: 10 * time.Second, Tries: k.tries, First: k.first, Notice: func(err error, wait time.Duration) {
					if !Lost(err) {
						t.Errorf("notice of %v", err)
					}
					losses++
					waited += wait
				}}
				err := Hold(t.Context(), cfg, new(session.Session), b, func(ctx context.Context, c *Conn) error {
					ev, err := c.NextBy(ctx, time.Now().Add(time.Millisecond))
					if err == nil && ev.Kind == Message {
						ev, err = c.Next(ctx)
					}
					if err == nil && ev.Kind == Idle {
						begin = begin.Add(time.Millisecond)
						err = c.Close(ctx, nil)
					}
					return err
				})
				if *tries != k.want || (err == nil) != k.ok {
					t.Errorf("%d tries, error %v", *tries, err)
				}
				if d := time.Since(begin); d != waited || losses != k.want-1 {
					t.Errorf("%d losses, waits of %v took %v", losses, waited, d)
				}
			})
		})
	}
}

// TestRetries checks that a connection which lasted longer than the wait before it, or brought a
// message, resets the count. Others are failures in a row, each with a longer wait.
func TestRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := Retries{Backoff: Backoff{Min: time.Second, Max: time.Minute, Tries: 3}}
		again := func(want int) {
			t.Helper()
			wait, ok := tries.Next()
			if ok != (want > 0) {
				t.Fatalf("another try: %v", ok)
			}
			if !ok {
				return
			}
			if about := time.Second << (want - 1); wait > about*3/2 || wait < about*3/4 || wait < time.Second {
				t.Fatalf("wait %v, want about %v", wait, about)
			}
			time.Sleep(wait)
		}
		again(1)
		again(2)
		tries.Opened(new(Conn))
		time.Sleep(time.Minute)
		again(1)
		tries.Opened(new(Conn))
		time.Sleep(time.Millisecond)
		again(2)
		tries.Opened(&Conn{productive: true})
		again(1)
		tries.Opened(new(Conn))
		again(2)
		tries.Opened(new(Conn))
		again(3)
		tries.Opened(new(Conn))
		again(0)
	})
}

// TestHoldEnds checks that Hold returns when ctx ends, in a wait and in serve, and after an error
// of serve, and that the connection is closed then.
func TestHoldEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		cfg, _ := failing(t, nil)
		b := Backoff{Min: time.Hour, Max: time.Hour, Tries: -1, First: true}
		if err := Hold(ctx, cfg, new(session.Session), b, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}

		ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		cfg = script(t, proto.V5, func(p *peer) { p.greet(false); p.end() })
		err := Hold(ctx, cfg, new(session.Session), b, func(ctx context.Context, c *Conn) error {
			_, err := c.Next(ctx)
			return err
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}

		mine := errors.New("enough")
		cfg = script(t, proto.V5, func(p *peer) { p.greet(false); p.end() })
		var held *Conn
		err = Hold(t.Context(), cfg, new(session.Session), b, func(_ context.Context, c *Conn) error { held = c; return mine })
		if err != mine || nextError(t, held) != ErrClosed {
			t.Errorf("error %v", err)
		}
	})
}
