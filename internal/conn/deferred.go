package conn

import "mqtt/internal/proto"

// Deferred is the acknowledgement of a Message that its owner has taken over with Defer
// and owes until Acknowledge. It belongs to one connection, and means nothing once that
// has ended. The zero value is that of a message at QoS 0.
type Deferred struct {
	c *Conn
	n uint64 // its place among all that were held back on c
}

// heldAck is an acknowledgement that waits: for its owner, or for one before it.
type heldAck struct {
	ack  proto.Ack
	done bool // nobody waits for it any more
}

// Defer takes the acknowledgement of the last Message from the connection: Next and
// Close do not send it, Acknowledge does. It is called before the next Next, and keeps
// what Refuse said. The server counts the message among those in flight until then, and
// a server that kept the session sends a message that was never acknowledged again: as a
// Message, at QoS 2 too.
func (c *Conn) Defer() Deferred {
	if c.owed.Kind == 0 || c.err != nil {
		return Deferred{}
	}
	c.held = append(c.held, heldAck{ack: c.owed})
	c.owed.Kind = 0
	return Deferred{c, c.passed + uint64(len(c.held)) - 1}
}

// Acknowledge queues what was deferred, as soon as all that came before it is
// acknowledged [MQTT-4.6.0-2], [MQTT-4.6.0-3]. Nothing happens the second time, and
// nothing with what belongs to another connection or to one that has ended.
func (c *Conn) Acknowledge(d Deferred) {
	if d.c != c || c.err != nil || d.n < c.passed {
		return
	}
	c.held[d.n-c.passed].done = true
	for len(c.held) > 0 && c.held[0].done {
		a := c.held[0].ack
		c.held = c.held[1:]
		c.passed++
		if err := c.append(a); err != nil {
			c.end(err)
			return
		}
	}
}

// inTurn queues an acknowledgement that nobody holds back, behind those that are held.
func (c *Conn) inTurn(a proto.Ack) error {
	if len(c.held) > 0 {
		c.held = append(c.held, heldAck{a, true})
		return nil
	}
	return c.append(a)
}

// append queues a. A message that it refuses is over [MQTT-4.3.3-9].
func (c *Conn) append(a proto.Ack) error {
	if a.Kind == proto.PUBREC && a.Reason.Failed() {
		c.sess.Receiver.Release(a.PacketID)
	}
	start := len(c.out)
	var err error
	c.out, err = a.Append(c.out, c.v)
	c.trace(start)
	return err
}

// holds tells whether the PUBREC of a message is held back.
func (c *Conn) holds(id uint16) bool {
	for i := range c.held {
		if a := &c.held[i].ack; a.Kind == proto.PUBREC && a.PacketID == id {
			return true
		}
	}
	return false
}

// letGo makes void what is held. A message at QoS 2 that its owner had not acknowledged
// is new when it comes again.
func (c *Conn) letGo() {
	for _, h := range c.held {
		if h.ack.Kind == proto.PUBREC && (!h.done || h.ack.Reason.Failed()) {
			c.sess.Receiver.Release(h.ack.PacketID)
		}
	}
	c.passed += uint64(len(c.held))
	c.held = nil
}
