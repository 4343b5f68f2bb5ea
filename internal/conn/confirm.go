package conn

import (
	"time"

	"mqtt/internal/proto"
)

// Confirm says that every Message that Next has returned is safe: it was written, for example. It
// queues their acknowledgements, with the reason of Refuse for the last one. It is needed if
// Config.Confirm is set, and does no harm otherwise.
//
// After the connection has ended, Confirm says the same about a QoS 2 message whose acknowledgement
// was not sent: if the server sends it again on the next connection, it is not returned again.
// Without Confirm it is.
func (c *Conn) Confirm() {
	if c.err != nil {
		c.pendingAck.Kind = 0
		c.unconfirmed = nil
		return
	}
	if c.pendingAck.Kind != 0 {
		a := c.pendingAck
		c.pendingAck.Kind = 0
		if err := c.queueInOrder(a); err != nil {
			c.fail(err)
			return
		}
	}
	if len(c.unconfirmed) == 0 {
		return
	}
	if c.cfg.Trace != nil {
		for f := range packets(c.unconfirmed) {
			c.cfg.Trace(true, f, c.v)
		}
	}
	c.out = append(c.out, c.unconfirmed...)
	c.unconfirmed = c.unconfirmed[:0]
}

// dropUnconfirmed drops the acknowledgements of messages that were not confirmed. If the server sends
// a QoS 2 message among them again, it is new.
func (c *Conn) dropUnconfirmed() {
	if !c.cfg.Confirm {
		return
	}
	if c.pendingAck.Kind == proto.PUBREC {
		c.sess.Receiver.Release(c.pendingAck.PacketID)
	}
	c.pendingAck = proto.Ack{}
	c.release(c.unconfirmed)
	c.unconfirmed = nil
}

// release releases the packet identifiers of the PUBRECs in b, which are not sent.
func (c *Conn) release(b []byte) {
	for f := range packets(b) {
		a := proto.Ack{Kind: proto.PUBREC}
		if f.Type() == proto.PUBREC && a.Decode(f, c.v) == nil {
			c.sess.Receiver.Release(a.PacketID)
		}
	}
}

// unsettled reports whether the owner has yet to confirm messages.
func (c *Conn) unsettled() bool { return len(c.unconfirmed) > 0 && c.err == nil }

// writeAcks writes the queue after the server has sent its last packet, if it holds nothing but
// acknowledgements: they keep the server from sending messages again that the owner has. Messages of
// our own are not written, but left for the next connection.
func (c *Conn) writeAcks() {
	rest := c.out[c.written:]
	if len(rest) == 0 || c.written > 0 {
		return
	}
	for f := range packets(rest) {
		switch f.Type() {
		case proto.PUBACK, proto.PUBREC, proto.PUBCOMP:
		default:
			return
		}
	}
	c.nc.SetWriteDeadline(time.Now().Add(graceTime))
	n, _ := c.nc.Write(rest)
	c.written += n
}
