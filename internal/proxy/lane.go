package proxy

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"mqtt/internal/faults"
	"mqtt/internal/jsonline"
	"mqtt/internal/proto"
	"mqtt/internal/rules"
)

// lane relays one direction of a connection. It belongs to one goroutine, except limit and moved.
type lane struct {
	c        *connection
	in       bool // from the client
	other    *lane
	from, to net.Conn
	window   window
	moved    atomic.Uint64 // reads

	apply     faults.Lane
	began     bool      // a packet has been handled
	left      int       // bytes of the current packet that have not come yet
	came      time.Time // when the newest bytes came
	forced    bool      // the next packet is handled although it is not complete
	opaque    bool      // the bytes are not MQTT
	stalled   bool      // nothing is forwarded any more
	disturbed bool      // the current packet passes through apply
	run       int       // bytes at the start of the window's bytes that can be written as they are
	scratch   []byte    // altered packets

	seen    Packet // the packet that watchers are told of
	source  Source // of it
	v       proto.Version
	stamp   []byte // stampOf as text
	stampOf time.Time

	mu    sync.Mutex // of the following
	by    time.Time  // when reading ends
	flush time.Time  // when a packet has waited long enough for the next one
	idle  time.Time  // when a large buffer is given back
}

func newLane(c *connection, in bool) *lane {
	return &lane{c: c, in: in, window: newWindow(&c.p.memory)}
}

// stamped returns the time of the newest bytes as text, if there is somebody to read it.
func (l *lane) stamped() []byte {
	if len(l.c.p.opt.Watchers) > 0 && !l.stampOf.Equal(l.came) {
		l.stamp, l.stampOf = jsonline.AppendTime(l.stamp[:0], l.came), l.came
	}
	return l.stamp
}

// ending says how a lane has ended.
type ending byte

const (
	sourceClosed ending = iota + 1 // in order
	sourceFailed
	targetFailed
	cut // by the proxy
)

// String returns the word for a Watcher.
func (e ending) String() string {
	switch e {
	case sourceClosed:
		return "closed"
	case cut:
		return "cut"
	}
	return "lost"
}

func (l *lane) way() rules.Way {
	if l.in {
		return rules.In
	}
	return rules.Out
}

// peer names who sends.
func (l *lane) peer() string {
	if l.in {
		return "client"
	}
	return "server"
}

// errCut ends a lane on purpose.
var errCut = errors.New("the connection was cut")

// targetError is an error of writing.
type targetError struct{ error }

// relay relays until the direction ends.
func (l *lane) relay() ending {
	if !l.c.p.looks {
		return endingOf(l.raw())
	}
	for {
		err := l.handle()
		if err == nil {
			err = l.forward()
		}
		if err == nil {
			err = l.read()
		}
		if err == nil {
			continue
		}
		if errors.Is(err, io.EOF) {
			if late := l.rest(); late != nil {
				return endingOf(late)
			}
		}
		return endingOf(err)
	}
}

func endingOf(err error) ending {
	var target targetError
	switch {
	case errors.Is(err, errCut), errors.Is(err, os.ErrDeadlineExceeded):
		return cut
	case errors.As(err, &target):
		return targetFailed
	case errors.Is(err, io.EOF):
		return sourceClosed
	}
	return sourceFailed
}

// early returns the error of a connection that ends before CONNECT, and reports it unless the client
// has just closed it.
func (l *lane) early(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		l.c.report("closed: no CONNECT came in time", nil)
		return errCut
	case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, net.ErrClosed) && l.c.ctx.Err() == nil:
		l.c.report("ended before CONNECT", err)
	}
	return err
}

// current returns the action of the packet that is being forwarded.
func (l *lane) current() faults.Action { return l.apply.Action() }

// rest forwards what is left at the end of the stream: a packet that waits for a next one, and part
// of a packet.
func (l *lane) rest() error {
	b := l.window.bytes()
	if len(b) > 0 && !l.stalled {
		l.tell(b)
	}
	if l.stalled {
		return nil
	}
	if err := l.release(); err != nil {
		return err
	}
	return l.write(b)
}

// forward writes the bytes at the start of the window that pass as they are.
func (l *lane) forward() error {
	if l.run == 0 {
		return nil
	}
	b := l.window.bytes()[:l.run]
	l.run = 0
	l.window.done(len(b))
	return l.write(b)
}

// write writes to the other peer. The first bytes from the client open the connection to the server.
func (l *lane) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if l.to == nil {
		if err := l.c.open(); err != nil {
			return errCut
		}
	}
	if _, err := l.to.Write(b); err != nil {
		return targetError{err}
	}
	l.moved.Add(1)
	return nil
}

// sleep waits until at, or until the connection is cut.
func (l *lane) sleep(at time.Time) error {
	d := time.Until(at)
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-l.c.ctx.Done():
		return errCut
	}
}

// first decides whether the first bytes of a direction are MQTT. It reports false if more are needed.
func (l *lane) first(b []byte) (known bool) {
	if l.in {
		return l.firstIn(b)
	}
	if t := proto.Type(b[0] >> 4); b[0]&0x0F != 0 || t != proto.CONNACK && t != proto.AUTH && t != proto.DISCONNECT && !whole(b, l.version()) {
		l.foreign(b, nil)
	}
	return true
}

func (l *lane) firstIn(b []byte) (known bool) {
	if b[0] != byte(proto.CONNECT)<<4 {
		if !whole(b, proto.V311) && !whole(b, proto.V5) {
			l.foreign(b, nil)
		}
		return true
	}
	if size, err := proto.PacketSize(b); size == 0 && err == nil {
		return false // the rest of the fixed header
	}
	at := 2
	for at < 5 && b[at-1] >= 0x80 {
		at++
	}
	for _, name := range []string{"\x00\x04MQTT", "\x00\x06MQIsdp"} {
		if have := b[min(at, len(b)):]; string(have[:min(len(have), len(name))]) == name[:min(len(have), len(name))] {
			return true
		}
	}
	l.foreign(b, nil)
	return true
}

// whole reports whether b begins with a packet that can be decoded.
func whole(b []byte, v proto.Version) bool {
	f, n, err := proto.Split(b, 0)
	if n == 0 || err != nil {
		return false
	}
	_, err = proto.Decode(f, v)
	return err == nil
}

func (l *lane) version() proto.Version {
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	return l.c.follow.Version()
}

// foreign notes that b and what follows it in this direction are not MQTT.
func (l *lane) foreign(b []byte, err error) {
	l.opaque = true
	c := l.c
	c.mu.Lock()
	var found []rules.Violation
	if c.observer != nil && !c.broken {
		bad := err
		if bad == nil {
			bad = &proto.Error{Type: proto.Type(b[0] >> 4), Reason: proto.MalformedPacket, What: "not an MQTT packet"}
		}
		found = c.observer.Broken(l.way(), b, bad, l.came)
	}
	source := c.source
	c.mu.Unlock()
	c.violations(&source, found)
	c.alien(l.peer(), err)
	if !l.began {
		l.begin()
	}
}
