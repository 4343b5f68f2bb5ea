package broker

import "mqtt/internal/proto"

// outcome is what happened to one message: the union of the outcomes of its subscribers. A
// subscriber that may not read the message adds nothing. One that is away at QoS 0, or whose
// Maximum Packet Size is too small, adds only matched.
type outcome byte

const (
	matched  outcome = 1 << iota // there is a subscriber
	accepted                     // it was sent to a subscriber, or queued
	full                         // a subscriber had no room for it
	denied                       // there is no room to retain it, so it was not delivered either
)

// mark adds o to the outcome of message i of the run.
func (bt *batch) mark(i int, o outcome) {
	if len(bt.each) == 0 {
		if bt.run|o == bt.run {
			return
		}
		bt.each = append(bt.each, make([]outcome, len(bt.msgs))...)
	}
	bt.each[i] |= o
}

// outcome returns the outcome of message i of the run.
func (bt *batch) outcome(i int) outcome {
	if len(bt.each) == 0 {
		return bt.run
	}
	return bt.run | bt.each[i]
}

// verdict returns the reason code that acknowledges a message with that outcome. Success means that
// every subscriber with room has the message. The message is refused if no subscriber has room.
func (o outcome) verdict() (proto.Reason, string) {
	switch {
	case o&denied != 0:
		return proto.QuotaExceeded, "no room for another retained message"
	case o&(accepted|full) == full:
		return proto.QuotaExceeded, "every subscriber's queue is full"
	case o&matched == 0:
		return proto.NoMatchingSubscribers, ""
	}
	return proto.Success, ""
}

// refusable reports whether the messages of the run can be refused: an MQTT 5 client must have
// published them at QoS 1 or 2. A will has no packet identifier.
func (bt *batch) refusable() bool {
	return bt.qos > 0 && bt.from != nil && bt.from.v5() && bt.ids[0] != 0
}

// acknowledge acknowledges the messages of the run in their order [MQTT-4.6.0-2], [MQTT-4.6.0-3].
func (bt *batch) acknowledge() {
	c := bt.from
	for i, id := range bt.ids {
		if id == 0 {
			continue // the client's will, which the broker publishes
		}
		r, text := bt.outcome(i).verdict()
		if r.Failed() && c.v5() {
			c.noteRefused(&bt.count, bt.route.topic, bt.qos, r, text)
			if bt.qos == 2 {
				c.s.receiver.Release(id)
				if c.s.durable {
					c.b.opt.Store.Release(c.s.id, id)
				}
			}
		}
		c.answer(bt, bt.qos, id, r, text)
	}
}
