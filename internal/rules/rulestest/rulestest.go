// Package rulestest lets tests watch their connections with the observer of package rules.
package rulestest

import (
	"errors"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"mqtt/internal/proto"
	"mqtt/internal/rules"
)

// Watcher observes the connections of a test. A violation fails the test, unless the side that broke
// the rule is excused.
type Watcher struct {
	sessions *rules.Sessions
	end      rules.Role

	mu      sync.Mutex
	excused rules.Role
	found   []rules.Violation
}

// New returns a watcher of connections whose near end is the client's or the server's.
func New(t testing.TB, end rules.Role) *Watcher {
	w := &Watcher{sessions: rules.NewSessions(), end: end}
	t.Cleanup(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, v := range w.found {
			if v.Broken&w.excused == 0 {
				t.Errorf("the %s broke %s of MQTT %s (%s): %s: %x", v.Broken, v.Name(), v.Version, v.Text, v.Got, v.Packet)
			}
		}
	})
	return w
}

// Excuse says that one side breaks rules on purpose in this test.
func (w *Watcher) Excuse(who rules.Role) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.excused |= who
}

// Conn returns a connection that passes everything to nc and is observed.
func (w *Watcher) Conn(nc net.Conn) net.Conn {
	c := &watched{Conn: nc, watcher: w, observer: w.sessions.Connection(), reads: rules.Out, writes: rules.In}
	if w.end == rules.Server {
		c.reads, c.writes = rules.In, rules.Out
	}
	return c
}

// keep keeps violations until the end of the test.
func (w *Watcher) keep(found []rules.Violation) {
	if len(found) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, v := range found {
		if len(w.found) < 100 && v.Broken&w.excused == 0 {
			w.found = append(w.found, v)
		}
	}
}

// watched is a connection with an observer.
type watched struct {
	net.Conn
	watcher       *Watcher
	reads, writes rules.Way

	mu       sync.Mutex
	observer *rules.Observer
	partial  [2][]byte // by way: bytes that are not yet a packet
	broken   [2]bool
}

func (c *watched) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.see(c.reads, b[:n])
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		c.end(c.reads)
	}
	return n, err
}

func (c *watched) Write(b []byte) (int, error) {
	c.see(c.writes, b)
	return c.Conn.Write(b)
}

func (c *watched) Close() error {
	c.end(c.writes)
	if c.reads == rules.Out {
		c.end(c.reads) // a client reads in the goroutine that closes
	}
	return c.Conn.Close()
}

// see observes bytes that travel in direction way.
func (c *watched) see(way rules.Way, b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken[way] {
		return
	}
	raw := append(c.partial[way], b...)
	now := time.Now()
	for {
		_, size, err := proto.Split(raw, 0)
		if err != nil {
			c.watcher.keep(c.observer.Broken(way, raw, err, now))
			c.broken[way] = true
			return
		}
		if size == 0 {
			break
		}
		c.watcher.keep(c.observer.Observe(way, raw[:size], now))
		raw = raw[size:]
	}
	c.partial[way] = append(c.partial[way][:0], raw...)
}

// end observes that the sender in direction way closed the connection.
func (c *watched) end(way rules.Way) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watcher.keep(c.observer.Closed(way, time.Now()))
}
