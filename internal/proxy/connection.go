package proxy

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"mqtt/internal/faults"
	"mqtt/internal/proto"
	"mqtt/internal/rules"
)

// Times of the end of a connection.
const (
	lastWords  = time.Second            // to read what a peer sent before it took no more
	halfClosed = time.Minute            // without any byte, after one peer has closed its side
	lingerTime = 500 * time.Millisecond // for the client to read the last bytes
	lingerMost = 1 << 20                // bytes that the client may send meanwhile
)

// connection relays between one client and the server.
type connection struct {
	p       *Proxy
	near    net.Conn // to the client
	started time.Time
	in, out *lane
	ctx     context.Context // ends when the connection is cut
	stop    context.CancelFunc
	opened  bool // it has sent CONNECT; Proxy.mu is held

	bytesIn, bytesOut atomic.Uint64

	mu       sync.Mutex
	source   Source
	follow   proto.Follower
	observer *rules.Observer // nil: not judged
	set      *generation     // whose faults apply
	faults   faults.Connection
	far      net.Conn // to the server; nil while there is none
	running  int      // lanes
	nearOver bool     // the client has closed its side
	broken   bool     // cut: nothing is judged or delivered any more
	foreign  bool     // bytes that are no MQTT were reported
}

func newConnection(p *Proxy, near net.Conn) *connection {
	c := &connection{p: p, near: near, started: time.Now()}
	c.source.Address = addressOf(near)
	c.ctx, c.stop = context.WithCancel(context.Background())
	if p.sessions != nil {
		c.observer = p.sessions.Connection()
	}
	c.in, c.out = newLane(c, true), newLane(c, false)
	c.in.other, c.out.other = c.out, c.in
	return c
}

func addressOf(conn net.Conn) string {
	if a := conn.RemoteAddr(); a != nil && a.String() != "" && a.String() != "@" {
		return a.String()
	}
	return "a unix socket"
}

// serve relays until the connection has ended.
func (c *connection) serve() {
	c.running = 1
	c.in.from = c.near
	c.in.until(c.started.Add(c.p.opt.ConnectTimeout))
	c.run(c.in)
}

// run relays one direction. The lane that ends last closes the connection.
func (c *connection) run(l *lane) {
	how := l.relay()
	l.window.release()
	c.ended(l, how)
	c.mu.Lock()
	c.running--
	last := c.running == 0
	c.mu.Unlock()
	if last {
		c.finish()
	}
}

// ended is called when a lane has ended.
func (c *connection) ended(l *lane, how ending) {
	c.closed(l, how)
	c.mu.Lock()
	if l.in && (how == sourceClosed || how == sourceFailed) {
		c.nearOver = true
	}
	far := c.far
	c.mu.Unlock()
	if far == nil { // there is no other lane
		return
	}
	switch how {
	case sourceClosed:
		closeWrite(l.to)
		c.boundHalf(l.other)
	case sourceFailed:
		closeWrite(l.to)
		l.other.limit(lastWords)
	case targetFailed:
		l.other.limit(lastWords) // it may say why
	case cut:
		c.cut()
	}
}

// closed tells watchers and rules how a direction has ended.
func (c *connection) closed(l *lane, how ending) {
	if !c.p.looks {
		return
	}
	c.mu.Lock()
	source := c.source
	var found []rules.Violation
	if c.observer != nil && !c.broken {
		switch how {
		case sourceClosed, sourceFailed:
			found = c.observer.Closed(l.way(), time.Now())
		case targetFailed: // the other lane sees how its source ends
		default:
			c.observer.Cut(time.Now())
			c.broken = true
		}
	}
	c.mu.Unlock()
	c.violations(&source, found)
	for _, w := range c.p.opt.Watchers {
		w.End(&source, l.in, how.String())
	}
}

func (c *connection) violations(s *Source, found []rules.Violation) {
	for _, v := range found {
		c.p.opt.Violation(*s, v)
	}
}

func closeWrite(conn net.Conn) {
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		conn.SetWriteDeadline(time.Now().Add(lastWords))
		half.CloseWrite()
	}
}

// drain reads for a moment what the client still sends after our side was closed: to close a
// connection with unread bytes would discard what the client has not read yet.
func drain(near net.Conn) {
	closeWrite(near)
	near.SetReadDeadline(time.Now().Add(lingerTime))
	buf := make([]byte, 4<<10)
	for total := 0; total < lingerMost; {
		n, err := near.Read(buf)
		if err != nil {
			return
		}
		total += n
	}
}

// boundHalf ends the connection when nothing has moved in the remaining direction for halfClosed.
func (c *connection) boundHalf(l *lane) {
	moved := l.moved.Load()
	timer := time.AfterFunc(c.p.half, func() {
		if l.moved.Load() != moved {
			c.boundHalf(l)
			return
		}
		c.cut()
	})
	context.AfterFunc(c.ctx, func() { timer.Stop() })
}

// finish closes both sides, after all lanes have ended.
func (c *connection) finish() {
	c.mu.Lock()
	far, orderly := c.far, !c.broken && !c.nearOver
	c.mu.Unlock()
	if orderly && c.ctx.Err() == nil {
		drain(c.near)
	}
	c.stop()
	c.near.Close()
	if far != nil {
		far.Close()
	} else if c.p.looks { // the other direction never began
		c.mu.Lock()
		source := c.source
		c.mu.Unlock()
		for _, w := range c.p.opt.Watchers {
			w.End(&source, false, cut.String())
		}
	}
	c.p.gone(c)
}

// cut ends the connection at once.
func (c *connection) cut() {
	c.mu.Lock()
	if c.observer != nil && !c.broken {
		c.observer.Cut(time.Now())
	}
	c.broken = true
	far := c.far
	c.mu.Unlock()
	c.stop()
	c.near.Close()
	if far != nil {
		far.Close()
	}
}

// open connects to the server and starts the lane from it.
func (c *connection) open() error {
	ctx, cancel := context.WithTimeout(c.ctx, c.p.opt.DialTimeout)
	defer cancel()
	far, err := c.p.opt.Dial(ctx)
	if err != nil {
		if c.ctx.Err() == nil {
			c.report("the server cannot be reached", err)
		}
		return err
	}
	c.mu.Lock()
	gone := c.broken
	if !gone {
		c.far = far
		c.running++
	}
	c.mu.Unlock()
	if gone {
		far.Close()
		return net.ErrClosed
	}
	c.in.to, c.out.from, c.out.to = far, far, c.near
	go c.run(c.out) // ends with the connection
	return nil
}

// report tells the user about the connection.
func (c *connection) report(text string, err error) {
	c.mu.Lock()
	source := c.source
	c.mu.Unlock()
	c.p.opt.Report(source, text, err)
}

// alien reports once that bytes of a peer are not MQTT.
func (c *connection) alien(who string, err error) {
	c.mu.Lock()
	before := c.foreign
	c.foreign = true
	c.mu.Unlock()
	if !before {
		c.report(fmt.Sprintf("what the %s sends is not MQTT and passes unchanged", who), err)
	}
}

// info describes the connection.
func (c *connection) info() Info {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Info{ID: c.source.Connection, Client: c.source.Client, Address: c.source.Address,
		Started: c.started.UTC(), In: c.bytesIn.Load(), Out: c.bytesOut.Load()}
}

// faulted takes over the faults that were set last.
func (c *connection) faulted() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.renew()
}

// renew is faulted. mu is held.
func (c *connection) renew() {
	g := c.p.current.Load()
	if c.set != g {
		c.set, c.faults = g, nil
		if g.plan != nil {
			c.faults = g.plan.Connection()
		}
	}
}
