package broker

import "mqtt/internal/proto"

// outcome is what became of one message: the union of the outcomes at its subscribers. A subscriber
// that may not read the message adds nothing. One that is away at QoS 0, or takes only smaller
// packets, adds no more than matched.
type outcome byte

const (
	matched  outcome = 1 << iota // there is a subscriber
	accepted                     // it was sent to a subscriber, or queued
	full                         // a subscriber had no room for it
	denied                       // there is no room to retain it, so it was not delivered either
)

// mark adds to the outcome of message i of the run.
func (bt *batch) mark(i int, o outcome) {
	if len(bt.each) == 0 {
		if bt.run|o == bt.run {
			return
		}
		bt.each = append(bt.each, make([]outcome, len(bt.msgs))...)
	}
	bt.each[i] |= o
}

// outcome returns what became of message i of the run.
func (bt *batch) outcome(i int) outcome {
	if len(bt.each) == 0 {
		return bt.run
	}
	return bt.run | bt.each[i]
}

// verdict returns the reason code that acknowledges a message with that outcome. Success means that
// every subscriber with room has the message. It is refused if no subscriber has room.
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

// refusable reports whether the messages of the run can be refused: those that an MQTT 5 client
// published at QoS 1 or 2. A will has no packet identifier.
func (bt *batch) refusable() bool {
	return bt.qos > 0 && bt.from != nil && bt.from.v5() && bt.ids[0] != 0
}

// acknowledge answers the messages of the run in their order [MQTT-4.6.0-2], [MQTT-4.6.0-3].
func (bt *batch) acknowledge() {
	c := bt.from
	for i, id := range bt.ids {
		if id == 0 {
			continue // a message that the broker publishes for the client: its will
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
