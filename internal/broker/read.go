package broker

import (
	"errors"
	"io"
	"time"

	"mqtt/internal/proto"
)

// read handles packets until the connection ends, and returns the reason.
func (c *client) read() error {
	c.last = time.Now()
	for {
		if !c.in.Ready() { // a client may send packets before CONNACK
			if err := c.fill(); err != nil {
				return err
			}
		}
		bt := c.b.batch(c)
		n, err := c.handlePackets(bt)
		c.noteRead(n, time.Now())
		waits := len(bt.slow) > 0
		if late := bt.finish(); err == nil {
			err = late
		}
		if err != nil {
			return err
		}
		if waits {
			c.last, c.lastLook = time.Now(), false // its packets were not read while it waited
		}
	}
}

// batchCost limits the cost of one batch, in estimated deliveries: others wait for its transaction,
// and so does the end of the client.
const batchCost = 1 << 16

// handlePackets handles the packets that have been read, or as many as one batch may have.
func (c *client) handlePackets(bt *batch) (n int, err error) {
	for bt.cost < batchCost {
		f, ok, err := c.in.Buffered()
		if !ok || err != nil {
			return n, err
		}
		n++
		bt.count.packets++
		if err := c.packet(bt, f); err != nil {
			return n, err
		}
		if n&63 == 0 && c.ends() {
			return n, errGone
		}
	}
	if c.ends() {
		return n, errGone
	}
	return n, nil
}

// fill reads once. Meanwhile it enforces the keep alive: a client that has sent nothing for one and
// a half times the keep alive is disconnected [MQTT-3.1.2-22].
func (c *client) fill() error {
	if err := c.accountInput(); err != nil {
		return err
	}
	for {
		before := c.in.Len()
		err := c.in.Fill()
		if err == nil {
			c.b.stats.bytesReceived.Add(int64(c.in.Len() - before))
			c.heard = true
			return nil
		}
		if !timedOut(err) {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return errGone
			}
			return err
		}
		select {
		case <-c.dying:
			if c.readLast() {
				continue
			}
			return errGone // c.end has the reason
		default:
		}
		late := time.Since(c.last) - c.silenceLimit
		switch {
		case c.silenceLimit == 0 || late < 0:
			err = c.rearm()
		case c.lastLook:
			return disconnectError(proto.KeepAliveTimeout, "")
		default: // the deadline may have passed only because the whole process was suspended
			c.lastLook = true
			err = c.readBy(time.Now().Add(lookTime + min(late, c.silenceLimit)))
		}
		if err != nil {
			return err
		}
	}
}

// readLast reports whether to continue reading from a client after a write to it has failed. What the
// client sent before counts, and after its DISCONNECT the connection is not lost [MQTT-3.14.4-3].
// It is called after a read timed out, sets the next deadline, and returns false when there is
// nothing more to wait for.
func (c *client) readLast() bool {
	c.s.mu.Lock()
	broken := c.end.unwritten
	c.s.mu.Unlock()
	now := time.Now()
	switch {
	case !broken:
		return false
	case c.until.IsZero():
		c.until = now.Add(closeTimeout)
	case !c.heard:
		return false
	}
	c.heard = false
	at := now.Add(lastReadTime)
	if at.After(c.until) {
		at = c.until
	}
	return at.After(now) && c.conn.SetReadDeadline(at) == nil
}

// readPacket is fill and Buffered for a client without a session.
func (c *client) readPacket() (proto.Frame, error) {
	for {
		f, ok, err := c.in.Buffered()
		if ok || err != nil {
			return f, err
		}
		if err := c.accountInput(); err != nil {
			return f, err
		}
		err = c.in.Fill()
		if timedOut(err) && !c.lastLook && !c.evicted.Load() { // see fill
			c.lastLook = true
			c.conn.SetReadDeadline(time.Now().Add(lookTime))
			c.conn.SetWriteDeadline(time.Now().Add(closeTimeout))
			continue
		}
		if err != nil {
			return f, err
		}
	}
}

// errGone is the error of a connection that the client closed without DISCONNECT.
var errGone = errors.New("closed without a DISCONNECT")

// These constants limit for how long bytes of one unfinished packet are a sign of life.
const (
	partialTime = time.Minute // minimum
	partialRate = 1 << 10     // bytes per second that prolong partialTime
)

// noteRead updates the last sign of life after a read of n whole packets, or of more bytes of an
// unfinished one.
func (c *client) noteRead(n int, now time.Time) {
	if n > 0 {
		c.finished = true
		c.last, c.partial, c.lastLook = now, time.Time{}, false
		return
	}
	if c.partial.IsZero() {
		c.partial = now
	}
	if now.Sub(c.partial) <= partialTime+time.Duration(c.in.Len())*time.Second/partialRate {
		c.last, c.lastLook = now, false
	}
}

// lookTime is the length of the last read after a client's keep alive is over.
const lookTime = 50 * time.Millisecond

// rearm sets the read deadline to the end of the keep alive.
func (c *client) rearm() error {
	var at time.Time
	if c.silenceLimit > 0 {
		at = c.last.Add(c.silenceLimit)
	}
	return c.readBy(at)
}

// readBy sets the read deadline, and then checks whether the client must end. The other order could
// miss that.
func (c *client) readBy(at time.Time) error {
	if err := c.conn.SetReadDeadline(at); err != nil {
		return err
	}
	select {
	case <-c.dying:
		return c.conn.SetReadDeadline(past())
	default:
		return nil
	}
}

// past returns a deadline that makes a read time out at once.
func past() time.Time { return time.Unix(1, 0) }

// packet handles one packet.
func (c *client) packet(bt *batch, f proto.Frame) error {
	switch t := f.Type(); t {
	case proto.PUBLISH:
		return c.publish(bt, f)
	case proto.PUBACK, proto.PUBREC, proto.PUBCOMP:
		return c.acked(bt, f)
	case proto.PUBREL:
		return c.released(bt, f)
	case proto.SUBSCRIBE:
		return c.subscribe(bt, f)
	case proto.UNSUBSCRIBE:
		return c.unsubscribe(bt, f)
	case proto.PINGREQ:
		p := proto.Ping{Kind: t}
		if err := p.Decode(f, c.v); err != nil {
			return err
		}
		bt.flush()
		p.Kind = proto.PINGRESP // [MQTT-3.12.4-1]
		bt.reply, _ = p.Append(bt.reply, c.v)
		bt.count.answers++
		return nil
	case proto.DISCONNECT:
		return c.disconnect(f)
	case proto.AUTH:
		return c.reauthenticate(bt, f)
	case proto.CONNECT:
		return disconnectError(proto.ProtocolError, "second CONNECT") // [MQTT-3.1.0-2]
	case proto.WILL:
		return disconnectError(proto.MalformedPacket, "reserved packet type")
	default:
		return disconnectError(proto.ProtocolError, t.String()+" from a client")
	}
}

// disconnect handles the client's DISCONNECT.
func (c *client) disconnect(f proto.Frame) error {
	var d proto.Disconnect
	if err := d.Decode(f, c.v); err != nil {
		return err
	}
	if p, ok := d.Props.Get(proto.SessionExpiryInterval); ok {
		s := c.s
		s.mu.Lock()
		if s.expiry == 0 && p.Num != 0 {
			s.mu.Unlock()
			return disconnectError(proto.ProtocolError, "session expiry set in DISCONNECT after 0 in CONNECT") // MQTT 5, 3.14.2.2.2
		}
		s.expiry = min(p.Num, c.b.opt.SessionExpiryMaximum)
		s.mu.Unlock()
	}
	return &closeReason{reason: d.Reason, fromClient: true}
}
