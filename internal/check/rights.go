package check

import (
	"context"
	"fmt"
	"time"

	"mqtt/internal/proto"
)

// RightsError says that the server refuses the user what every case needs: to subscribe and publish below
// mqtt-check/.
type RightsError struct {
	Topic     string
	Subscribe bool   // the subscription was refused, and not the message
	Why       string // the packet that refuses
}

func (e *RightsError) Error() string {
	if e.Subscribe {
		return fmt.Sprintf("the server refuses a subscription to %q: %s", e.Topic, e.Why)
	}
	return fmt.Sprintf("the server refuses a message on %q: %s", e.Topic, e.Why)
}

// probeRights finds whether a message on a topic of the run comes to a subscriber. It returns a RightsError if the
// server refuses that in so many words. One that says nothing may lose messages, which is what the cases are for.
func (r *runner) probeRights(ctx context.Context, f *Found) (refused error) {
	c := r.newC(ctx, &job{k: &Case{Name: "discover"}, v: f.Version, found: f})
	came := false
	c.script(0, func(c *C) {
		p, topic := c.Connect(), c.Topic("rights")
		p.Send(&proto.Subscribe{PacketID: 1, Filters: []proto.Subscription{{Filter: topic}}})
		if ack := p.Suback(1); len(ack.Reasons) == 1 && ack.Reasons[0] >= 0x80 {
			refused = &RightsError{topic, true, p.describe(ack)}
			return
		}
		m := message(topic, "rights", c.storedQoS())
		if m.QoS > 0 {
			m.PacketID = 2
		}
		p.Send(&m)
		for end := time.Now().Add(r.opt.Limit); !came; {
			packet, err := p.read(time.Until(end))
			if err != nil {
				return
			}
			switch a := packet.(type) {
			case *proto.Publish:
				came = true
			case *proto.Ack:
				if a.Kind == proto.PUBACK && a.Reason >= 0x80 {
					refused = &RightsError{topic, false, p.describe(a)}
					return
				}
			}
		}
	})
	if !came {
		f.fact("Delivery", "no", "a first message on "+c.Topic("rights")+" did not come to its subscriber")
	}
	return refused
}

// NoDelivery reports whether the first message on a topic of the run did not come to its subscriber, without a
// word of the server about it, in a version. The user may lack the right to publish or subscribe there.
func (r *Report) NoDelivery() bool {
	for _, f := range r.Server.Facts {
		if f.Name == "Delivery" {
			return true
		}
	}
	return false
}

// mayUse subscribes to a topic that is not below mqtt-check/ and expects a message on it. If none comes, the script ends:
// the user may lack the right.
func (p *Peer) mayUse(topic string) {
	p.Subscribe(topic, 0)
	p.Publish(message(topic, "mine", 0))
	packet, err := p.read(p.c.r.opt.Limit)
	if err != nil {
		p.c.Unsure("no message on %q comes to its subscriber: the user may lack the right", topic)
	}
	if m, ok := packet.(*proto.Publish); !ok || string(m.Topic) != topic {
		p.c.Fail("a message on "+topic, "%s", p.describe(packet))
	}
}
