package conn

import "mqtt/internal/proto"

// Deferred is an acknowledgement that the owner sends later, with Acknowledge. It belongs to one
// connection and has no effect once that has ended. The zero value belongs to a message at QoS 0.
type Deferred struct {
	c *Conn
	n uint64 // number of deferred acknowledgements of c before it
}

// deferredAck is an acknowledgement in the order of receipt: one that the owner has deferred, or
// one that follows it.
type deferredAck struct {
	ack   proto.Ack
	ready bool // only waits for those before it
}

// Defer takes over the acknowledgement of the last Message, with the reason of Refuse if that was
// called: Next and Close do not send it, Acknowledge does. It is called before the next call of
// Next. Until then the message counts as in flight for the server. A server that keeps the session
// sends a message without acknowledgement again, and Next returns it again, also at QoS 2.
func (c *Conn) Defer() Deferred {
	if c.pendingAck.Kind == 0 || c.err != nil {
		return Deferred{}
	}
	c.deferred = append(c.deferred, deferredAck{ack: c.pendingAck})
	c.pendingAck.Kind = 0
	return Deferred{c, c.deferredDone + uint64(len(c.deferred)) - 1}
}

// Acknowledge queues a deferred acknowledgement when all earlier messages have been acknowledged
// [MQTT-4.6.0-2], [MQTT-4.6.0-3]. It does nothing if d was acknowledged before, if d belongs to
// another connection, or if the connection has ended.
func (c *Conn) Acknowledge(d Deferred) {
	if d.c != c || c.err != nil || d.n < c.deferredDone {
		return
	}
	c.deferred[d.n-c.deferredDone].ready = true
	for len(c.deferred) > 0 && c.deferred[0].ready {
		a := c.deferred[0].ack
		c.deferred = c.deferred[1:]
		c.deferredDone++
		if err := c.appendAck(a); err != nil {
			c.fail(err)
			return
		}
	}
}

// queueInOrder queues an acknowledgement after those that are deferred.
func (c *Conn) queueInOrder(a proto.Ack) error {
	if len(c.deferred) > 0 {
		c.deferred = append(c.deferred, deferredAck{a, true})
		return nil
	}
	return c.appendAck(a)
}

// appendAck queues a. A PUBREC with an error releases the packet identifier [MQTT-4.3.3-9].
func (c *Conn) appendAck(a proto.Ack) error {
	if a.Kind == proto.PUBREC && a.Reason.Failed() {
		c.sess.Receiver.Release(a.PacketID)
	}
	if a.Kind != proto.PUBREL {
		c.received = true
	}
	var err error
	if c.cfg.Confirm && (a.Kind == proto.PUBACK || a.Kind == proto.PUBREC) {
		c.unconfirmed, err = a.Append(c.unconfirmed, c.v)
		return err
	}
	start := len(c.out)
	c.out, err = a.Append(c.out, c.v)
	c.trace(start)
	return err
}

// isDeferred reports whether the PUBREC of a message is deferred.
func (c *Conn) isDeferred(id uint16) bool {
	for i := range c.deferred {
		if a := &c.deferred[i].ack; a.Kind == proto.PUBREC && a.PacketID == id {
			return true
		}
	}
	return false
}

// dropDeferred drops all deferred acknowledgements. A QoS 2 message that the owner has not
// acknowledged is new when the server sends it again.
func (c *Conn) dropDeferred() {
	for _, d := range c.deferred {
		if d.ack.Kind == proto.PUBREC && (!d.ready || d.ack.Reason.Failed()) {
			c.sess.Receiver.Release(d.ack.PacketID)
		}
	}
	c.deferredDone += uint64(len(c.deferred))
	c.deferred = nil
}
