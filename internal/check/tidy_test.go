package check

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"mqtt/internal/broker"
	"mqtt/internal/proto"
)

// lagging is the broker's end of a connection, of which the broker sees the first bytes and the end late.
type lagging struct {
	net.Conn
	lag  time.Duration
	once sync.Once
}

func (l *lagging) Read(b []byte) (int, error) {
	l.once.Do(func() { time.Sleep(l.lag) })
	n, err := l.Conn.Read(b)
	if err == io.EOF {
		time.Sleep(l.lag)
	}
	return n, err
}

// halves is an end of a pipe of which the end of the stream can be awaited.
type halves struct{ net.Conn }

// CloseWrite does nothing: a pipe ends in both directions at once, when the other side closes.
func (halves) CloseWrite() error { return nil }

// allCases runs the cases.
func allCases(ctx context.Context, r *runner) error {
	_, err := r.run(ctx)
	return err
}

// interrupted runs a runner in a synctest bubble, interrupts it at the nth event of the trace that at reports true for, and
// expects that the broker then has no session and no retained message, and gets none later. lag returns how late the
// broker reads a connection that was opened before the interrupt. It reports whether the run was interrupted.
func interrupted(t *testing.T, run func(context.Context, *runner) error, nth int, at func(id string, p *Packet) bool, lag func() time.Duration, selectors ...string) (in bool) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := startBroker(t, broker.Options{SysInterval: -1})
		ctx, interrupt := context.WithCancel(t.Context())
		defer interrupt()
		var events atomic.Int64
		r := newRunner(Options{
			Selectors: selectors, Limit: 3 * time.Second, SecondUser: &User{Name: "other"},
			Dial: func(context.Context, proto.Version) (net.Conn, error) {
				conn, err := l.dialThrough(func(c net.Conn) net.Conn {
					if ctx.Err() != nil {
						return c
					}
					return &lagging{Conn: c, lag: lag()}
				})
				return halves{conn}, err
			},
			Trace: func(id string, p *Packet) {
				if at(id, p) && events.Add(1) == int64(nth) {
					interrupt()
				}
			},
		})
		err := run(ctx, r)
		in = ctx.Err() != nil
		if (err != nil) != in {
			t.Errorf("interrupted %v, the run ended with %v", in, err)
		}
		time.Sleep(5 * time.Second) // less than a lasting session lives
		if s := l.broker.Stats(); s.Sessions != 0 || s.Retained != 0 {
			t.Errorf("interrupted at %d: %d sessions and %d retained messages are left", nth, s.Sessions, s.Retained)
		}
		time.Sleep(10 * time.Minute) // for delayed wills
		if s := l.broker.Stats(); s.Retained != 0 {
			t.Errorf("interrupted at %d: %d retained messages came later", nth, s.Retained)
		}
	})
	return in
}

// TestInterruptedConnect interrupts a case whose CONNECT the broker has not read yet.
func TestInterruptedConnect(t *testing.T) {
	for _, selector := range []string{"client-id-assigned-names-session", "session-present-1", "will-delay-and-session-end"} {
		t.Run(selector, func(t *testing.T) {
			t.Parallel()
			lasting := func(id string, p *Packet) bool { return !strings.HasSuffix(id, "/discover") && isLasting(p) }
			for nth := 1; interrupted(t, allCases, nth, lasting, func() time.Duration { return 500 * time.Millisecond }, selector); nth++ {
			}
		})
	}
}

// isLasting reports whether p is a CONNECT for a session that outlives its connection.
func isLasting(p *Packet) bool {
	return strings.HasPrefix(p.Text, "CONNECT ") && (strings.Contains(p.Text, "clean-start=0") || strings.Contains(p.Text, "clean-session=0") || strings.Contains(p.Text, "session-expiry"))
}

// TestInterruptedAnywhere interrupts cases at many packets, while the broker is late by times that differ.
func TestInterruptedAnywhere(t *testing.T) {
	for seed, selectors := range [][]string{
		{"3.1.2.4", "3.1.2.5", "3.1.2.7", "3.1.2.11"}, {"3.1.3", "3.1.4"}, {"3.3.1"}, {"3.2.2", "4.1"}, {"will-retained", "will-removes-retained", "second-user-session"},
	} {
		t.Run(strings.Join(selectors, " "), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(1, uint64(seed)))
			var mu sync.Mutex
			lag := func() time.Duration {
				mu.Lock()
				defer mu.Unlock()
				return time.Duration(random.IntN(900)) * time.Millisecond
			}
			always := func(string, *Packet) bool { return true }
			for nth := 1; interrupted(t, allCases, nth, always, lag, selectors...); nth += 1 + nth/8 {
			}
		})
	}
}

// TestInterruptedLimits interrupts the measurement of retained messages.
func TestInterruptedLimits(t *testing.T) {
	limits := func(ctx context.Context, r *runner) error {
		_, err := r.limits(ctx)
		return err
	}
	retained := func(_ string, p *Packet) bool {
		return strings.HasPrefix(p.Text, "PUBLISH ") && strings.Contains(p.Text, "retain=1")
	}
	for _, nth := range []int{1, 2, 100, 201} {
		if !interrupted(t, limits, nth, retained, func() time.Duration { return 100 * time.Millisecond }) {
			t.Errorf("not interrupted at %d", nth)
		}
	}
}
