package broker

import (
	"fmt"

	"mqtt/internal/proto"
)

// acked decodes a PUBACK, PUBREC or PUBCOMP. The batch applies all of them when it finishes, under
// one lock.
func (c *client) acked(bt *batch, f proto.Frame) error {
	a := proto.Ack{Kind: f.Type()}
	if err := a.Decode(f, c.v); err != nil {
		return err
	}
	a.Props = nil
	bt.acks = append(bt.acks, a)
	return nil
}

// applyAcks applies the client's acknowledgements to the ledger, and sends messages for which the
// inflight window has room now. session.mu is held.
func (c *client) applyAcks(bt *batch) error {
	if len(bt.acks) == 0 {
		return nil
	}
	s := c.s
	store := c.b.opt.Store
	var err error
	for i := range bt.acks {
		a := &bt.acks[i]
		step, e := s.sender.Acknowledge(a.Kind, a.PacketID, a.Reason)
		if e != nil {
			err = fmt.Errorf("acknowledge packet identifier %d: %w", a.PacketID, e)
			break
		}
		if step.Done {
			s.completed(s.sender.Freed(a.PacketID))
		}
		if step.Release && step.Known && s.durable {
			store.Pubrec(s.id, step.Tag)
		}
		if step.Release && !c.closing {
			r := proto.Success
			if !step.Known {
				r = proto.PacketIdentifierNotFound
			}
			c.pubrel(a.PacketID, r)
			c.out.sync = c.out.sync || s.durable
		}
	}
	s.sender.Shrink(idleSlots)
	c.noteProgress()
	s.sendQueued(bt.time(), &bt.count)
	c.resumePublishers()
	return err
}

// pubrel sends a PUBREL. session.mu is held.
func (c *client) pubrel(id uint16, r proto.Reason) {
	rel := proto.Ack{Kind: proto.PUBREL, PacketID: id, Reason: r}
	b, _ := rel.Append(c.out.buffer(&c.b.blocks, 8), c.v)
	c.out.setBuffer(b)
	c.b.stats.answers.Add(1)
}

// released handles a PUBREL.
func (c *client) released(bt *batch, f proto.Frame) error {
	a := proto.Ack{Kind: proto.PUBREL}
	if err := a.Decode(f, c.v); err != nil {
		return err
	}
	bt.flush() // acknowledgements keep their order
	comp := proto.Ack{Kind: proto.PUBCOMP, PacketID: a.PacketID}
	known := c.s.receiver.Release(a.PacketID)
	switch {
	case known:
		c.unacked = max(0, c.unacked-1)
		if c.s.durable {
			c.b.opt.Store.Release(c.s.id, a.PacketID)
		}
	case c.v5():
		comp.Reason = proto.PacketIdentifierNotFound
	}
	bt.answer(c, &comp)
	return nil
}
