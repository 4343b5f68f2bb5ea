package conn

import (
	"context"
	"errors"
	"net"
	"os"
	"time"

	"mqtt/internal/proto"
)

// linger bounds how long Close waits for the server to close too.
const linger = 500 * time.Millisecond

// Close writes what is queued, sends p (nil is an ordinary DISCONNECT, and so is any
// before version 5) and closes the stream [MQTT-3.14.4-2]. It waits a moment for the server to close as well: a stream
// that is closed while bytes come in is reset, and a reset can overtake what was
// sent last. The acknowledgement of the last Message is sent too, and none that was
// deferred. Where the session outlives the connection, exchanges of QoS 2 are seen
// through before p, as far as the server does its part in a moment: what is left open
// would be there for the next connection to trip over. An error means that not all of it
// was handed over.
func (c *Conn) Close(ctx context.Context, p *proto.Disconnect) error {
	if c.err != nil {
		return c.err
	}
	if p == nil || c.v < proto.V5 {
		p = &proto.Disconnect{} // before version 5 it says nothing else
	}
	if err := c.farewell(ctx, p); err != nil {
		return c.end(err)
	}
	c.unwatch()
	hangUp(c.nc, linger)
	c.end(ErrClosed)
	return nil
}

// farewell sends what is owed and queued, and p last.
func (c *Conn) farewell(ctx context.Context, p *proto.Disconnect) error {
	if c.owed.Kind != 0 {
		if err := c.acknowledge(ctx); err != nil {
			return err
		}
	}
	if c.outlives(p) {
		if err := c.seeThrough(ctx, time.Now().Add(linger)); err != nil {
			return err
		}
	}
	var over *Limit
	if err := c.queue(p); errors.As(err, &over) {
		if err := c.queue(&proto.Disconnect{Reason: p.Reason}); err != nil { // [MQTT-3.14.2-3], [MQTT-3.14.2-4]
			return err
		}
	} else if err != nil {
		return err
	}
	return c.flush(ctx)
}

// outlives tells whether the server keeps the session when p ends the connection
// [MQTT-3.1.2-23], 3.1.1 [MQTT-3.1.2-4].
func (c *Conn) outlives(p *proto.Disconnect) bool {
	if c.v < proto.V5 {
		return c.expiry > 0
	}
	return p.Props.Num(proto.SessionExpiryInterval, c.expiry) > 0
}

// seeThrough answers PUBREL with PUBCOMP until no message awaits its PUBREL, or limit.
// A message that comes meanwhile is left to the server.
func (c *Conn) seeThrough(ctx context.Context, limit time.Time) error {
	for c.awaitsRelease() {
		f, ok, err := c.r.Buffered()
		switch {
		case err != nil:
			return c.violated(err)
		case !ok:
			idle, err := c.wait(ctx, limit)
			if err != nil || idle && !time.Now().Before(limit) {
				return err
			}
			continue
		}
		c.traceReceived(f)
		if f.Type() != proto.PUBLISH {
			if _, err := c.take(f); err != nil {
				return err
			}
		}
	}
	return nil
}

// awaitsRelease tells whether the server owes a PUBREL: for a message whose PUBREC is not
// held back.
func (c *Conn) awaitsRelease() bool {
	n := c.sess.Receiver.Len()
	for _, h := range c.held {
		if h.ack.Kind == proto.PUBREC {
			n--
		}
	}
	return n > 0
}

// Discard takes back what is queued and not written, the acknowledgement of the last
// Message with it. It is for an owner that could not hand on what it got and is about
// to Close: the server keeps those messages, and delivers them to the next connection
// of a session that lasts. A packet that was written in part cannot be taken back: that
// is the connection's end.
func (c *Conn) Discard() {
	if c.err != nil {
		return
	}
	if c.owed.Kind == proto.PUBREC {
		c.sess.Receiver.Release(c.owed.PacketID)
	}
	c.owed = proto.Ack{}
	c.letGo()
	if c.written > 0 {
		c.end(ErrClosed)
		return
	}
	for f := range packets(c.out) {
		a := proto.Ack{Kind: proto.PUBREC}
		if f.Type() == proto.PUBREC && a.Decode(f, c.v) == nil {
			c.sess.Receiver.Release(a.PacketID)
		}
	}
	c.out = c.out[:0]
}

// Abort closes the stream without a DISCONNECT.
func (c *Conn) Abort() { c.end(ErrClosed) }

// hangUp closes our half and reads until the server closes its own, for at most d.
func hangUp(nc net.Conn, d time.Duration) {
	half, ok := nc.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	limit := time.Now().Add(d)
	buf := make([]byte, 4<<10)
	for {
		nc.SetReadDeadline(limit) // each time: a Wake is no reason to hurry
		_, err := nc.Read(buf)
		if err != nil && (!errors.Is(err, os.ErrDeadlineExceeded) || !time.Now().Before(limit)) {
			return
		}
	}
}
