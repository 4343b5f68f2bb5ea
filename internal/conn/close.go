package conn

import (
	"context"
	"errors"
	"time"

	"mqtt/internal/proto"
	"mqtt/internal/transport"
)

// closeTimeout bounds how long Close waits for the server, and keptCloseTimeout does so if the server
// keeps the session and messages of it were acknowledged.
const (
	closeTimeout     = 500 * time.Millisecond
	keptCloseTimeout = 3 * time.Second
)

// Close writes the queue and p, and closes the stream [MQTT-3.14.4-2]. If p is nil, or the version
// is lower than 5, it sends an ordinary DISCONNECT. The last Message is acknowledged too, unless
// Config.Confirm is set and the owner has not called Confirm. Deferred acknowledgements are not
// sent.
//
// Close waits up to 0.5 s for the server to close its half of the stream: if a stream is closed
// while data arrives, it is reset, and the reset can discard what was sent last. If the server
// keeps the session, Close first waits up to 0.5 s for the PUBRELs of received QoS 2 messages, so
// that the next connection does not have to complete these exchanges. If messages of that session
// were acknowledged, it then waits up to 3 s, and does not close our half in the first 0.5 s: some
// servers stop reading when they cannot write, and would send again what they have not read the
// acknowledgement of.
//
// An error means that not everything was written.
func (c *Conn) Close(ctx context.Context, p *proto.Disconnect) error {
	if c.err != nil {
		return c.err
	}
	if p == nil || c.v < proto.V5 {
		p = &proto.Disconnect{} // before version 5 it has no contents
	}
	if err := c.sendDisconnect(ctx, p); err != nil {
		return c.fail(err)
	}
	c.unwatch()
	if c.received && c.sessionSurvives(p) {
		transport.AwaitClose(c.nc, closeTimeout)
		transport.Linger(c.nc, keptCloseTimeout-closeTimeout, 0)
	} else {
		transport.Linger(c.nc, closeTimeout, 0)
	}
	c.fail(ErrClosed)
	return nil
}

// sendDisconnect writes the acknowledgement of the last message, the queue, and p.
func (c *Conn) sendDisconnect(ctx context.Context, p *proto.Disconnect) error {
	c.dropUnconfirmed()
	if c.pendingAck.Kind != 0 {
		if err := c.acknowledge(ctx); err != nil {
			return err
		}
	}
	if c.sessionSurvives(p) {
		if err := c.finishQoS2(ctx, time.Now().Add(closeTimeout)); err != nil {
			return err
		}
	}
	var limit *Limit
	if err := c.queue(p); errors.As(err, &limit) {
		if err := c.queue(&proto.Disconnect{Reason: p.Reason}); err != nil { // [MQTT-3.14.2-3], [MQTT-3.14.2-4]
			return err
		}
	} else if err != nil {
		return err
	}
	return c.flush(ctx)
}

// sessionSurvives reports whether the server keeps the session after p [MQTT-3.1.2-23], 3.1.1
// [MQTT-3.1.2-4].
func (c *Conn) sessionSurvives(p *proto.Disconnect) bool {
	if c.v < proto.V5 {
		return c.expiry > 0
	}
	return p.Props.Num(proto.SessionExpiryInterval, c.expiry) > 0
}

// Complete completes the QoS 2 messages whose PUBREC was queued: it answers their PUBRELs with PUBCOMP,
// until limit or until ctx ends. Messages that arrive meanwhile are not acknowledged. An owner that has
// what it wants calls it before Close, which may otherwise end an exchange in the middle. It returns
// the number of messages whose PUBREL did not come.
func (c *Conn) Complete(ctx context.Context, limit time.Time) int {
	if c.err != nil || c.violation != nil {
		return 0
	}
	c.dropUnconfirmed()
	if c.awaitsPubrel() && c.finishQoS2(ctx, limit) == nil && c.awaitsPubrel() {
		return c.sess.Receiver.Len()
	}
	return 0
}

// finishQoS2 answers PUBREL with PUBCOMP until no message awaits its PUBREL, or until limit.
// Messages that arrive meanwhile are not acknowledged: the server keeps them.
func (c *Conn) finishQoS2(ctx context.Context, limit time.Time) error {
	for c.awaitsPubrel() {
		f, ok, err := c.r.Buffered()
		switch {
		case err != nil:
			return c.protocolError(err)
		case !ok:
			idle, err := c.wait(ctx, limit)
			if err != nil || idle && !time.Now().Before(limit) {
				return err
			}
			continue
		}
		c.traceReceived(f)
		if f.Type() != proto.PUBLISH {
			if _, err := c.handle(f); err != nil {
				return err
			}
		}
	}
	return nil
}

// awaitsPubrel reports whether a message awaits its PUBREL. Messages whose PUBREC is deferred do
// not count.
func (c *Conn) awaitsPubrel() bool {
	n := c.sess.Receiver.Len()
	for _, d := range c.deferred {
		if d.ack.Kind == proto.PUBREC {
			n--
		}
	}
	return n > 0
}

// Discard drops all queued packets that were not written, and the acknowledgement of the last
// Message. It is called before Close by an owner that could not process what it received: the
// server keeps these messages, and delivers them on the next connection of the session. If a packet
// was written in part, Discard closes the connection.
func (c *Conn) Discard() {
	if c.err != nil {
		return
	}
	if c.pendingAck.Kind == proto.PUBREC {
		c.sess.Receiver.Release(c.pendingAck.PacketID)
	}
	c.pendingAck = proto.Ack{}
	c.dropUnconfirmed()
	c.dropDeferred()
	if c.written > 0 {
		c.fail(ErrClosed)
		return
	}
	c.release(c.out)
	c.out = c.out[:0]
}

// Abort closes the stream without DISCONNECT, and drops the acknowledgements that wait for Confirm.
func (c *Conn) Abort() {
	c.dropUnconfirmed()
	c.fail(ErrClosed)
}
