package broker

import (
	"strings"

	"mqtt/internal/proto"
)

// subscribe takes in a SUBSCRIBE: one SUBACK with a reason for each filter
// [MQTT-3.8.4-6], then the retained messages.
func (c *client) subscribe(bt *batch, f proto.Frame) error {
	var p proto.Subscribe
	if err := p.Decode(f, c.v); err != nil {
		return err
	}
	bt.flush()
	b, s := c.b, c.s
	id := p.Props.Num(proto.SubscriptionIdentifier, 0)
	if id != 0 && b.opt.Without.Identifiers {
		return fault(proto.SubscriptionIdentifiersNotSupported, "")
	}
	ack := proto.Suback{Kind: proto.SUBACK, PacketID: p.PacketID}
	text := ""
	var fresh []*subscription // those whose retained messages are wanted
	b.retained.mu.RLock()
	defer b.retained.mu.RUnlock()
	for i := range p.Filters {
		wish := p.Filters[i]
		r, why := c.maySubscribe(&wish)
		if r.Failed() {
			if c.v == proto.V31 {
				if r == proto.TopicFilterInvalid {
					return fault(r, why)
				}
				r = proto.Reason(wish.QoS) // 3.1 has no way to refuse
			}
			text = why
			ack.Reasons = append(ack.Reasons, r)
			continue
		}
		wish.QoS = min(wish.QoS, b.opt.Without.maximumQoS())
		sub := newSubscription(wish, id)
		s.mu.Lock()
		old := s.subs[wish.Filter]
		if old == nil && (len(s.subs) >= b.opt.Subscriptions || b.room(keeping) < int64(sub.size())) {
			s.mu.Unlock()
			text = "too many subscriptions"
			r := proto.QuotaExceeded
			if c.v == proto.V31 {
				r = proto.Reason(wish.QoS)
			}
			ack.Reasons = append(ack.Reasons, r)
			continue
		}
		if s.subs == nil {
			s.subs = make(map[string]*subscription, 1)
		}
		s.subs[wish.Filter] = sub // [MQTT-3.8.4-3]
		if old == nil {
			s.filters += sub.size()
			s.charge()
		}
		s.putSubscription(sub)
		s.mu.Unlock()
		b.router.add(s, sub)
		if old == nil {
			b.stats.subscriptions.Add(1)
		}
		ack.Reasons = append(ack.Reasons, proto.Reason(wish.QoS))
		if sub.share == "" && (wish.RetainHandling == 0 || wish.RetainHandling == 1 && old == nil) {
			fresh = append(fresh, sub) // [MQTT-3.3.1-9], [MQTT-3.3.1-10], [MQTT-3.3.1-11]
		}
	}
	if text != "" && c.problem && c.five() {
		ack.Props = ack.Props.AppendText(proto.ReasonString, clip(text))
	}
	if err := c.suback(bt, &ack); err != nil || len(fresh) == 0 {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c.out.add(&b.blocks, bt.reply) // the SUBACK comes first
	bt.reply = bt.reply[:0]
	for _, sub := range fresh {
		send := func(m *Message) { c.retained(bt, sub, m) }
		b.retained.match(sub.path, send)
		if strings.HasPrefix(sub.path, sysPrefix) {
			b.sysMatch(sub.path, send)
		}
	}
	c.out.sync = true
	bt.touch(c)
	s.charge()
	return nil
}

// retained sends a message because of a new subscription. session.mu is held.
func (c *client) retained(bt *batch, sub *subscription, m *Message) {
	if m.expired(bt.time()) {
		bt.stale = append(bt.stale, m)
		return
	}
	if sub.NoLocal && m.From == c.s.id {
		return
	}
	if acl := c.b.opt.ACL; acl != nil && !acl.Allow(c.who, string(m.Topic), Read) {
		return
	}
	if !c.s.put(bt, m, sub.grant, min(m.QoS, sub.QoS), true) { // 3.1.1 [MQTT-3.3.1-8]
		bt.count.dropped++
	}
}

// suback appends the answer, without its words if the client takes only smaller
// packets [MQTT-3.9.2-1]. A client that asks for more than it can be told must go.
func (c *client) suback(bt *batch, ack *proto.Suback) error {
	at := len(bt.reply)
	bt.reply, _ = ack.Append(bt.reply, c.v)
	if c.maxPacket > 0 && len(bt.reply)-at > c.maxPacket && len(ack.Props) > 0 {
		ack.Props = nil
		bt.reply, _ = ack.Append(bt.reply[:at], c.v)
	}
	if c.maxPacket > 0 && len(bt.reply)-at > c.maxPacket {
		bt.reply = bt.reply[:at] // [MQTT-3.1.2-24]
		return fault(proto.PacketTooLarge, ack.Kind.String()+" is larger than the client takes")
	}
	return nil
}

// maySubscribe returns Success or why the client must not have that subscription.
func (c *client) maySubscribe(wish *proto.Subscription) (proto.Reason, string) {
	o := &c.b.opt
	if err := proto.CheckFilter(wish.Filter); err != nil {
		return proto.TopicFilterInvalid, err.Error()
	}
	share, path := proto.SplitShare(wish.Filter)
	switch {
	case strings.Count(path, "/") >= o.TopicLevels:
		return proto.TopicFilterInvalid, "too many levels"
	case share != "" && o.Without.Shared:
		return proto.SharedSubscriptionsNotSupported, "no shared subscriptions"
	case o.Without.Wildcards && strings.ContainsAny(path, "+#"):
		return proto.WildcardSubscriptionsNotSupported, "no wildcards"
	case o.ACL != nil && !o.ACL.Allow(c.who, path, Subscribe):
		return proto.NotAuthorized, "filter " + clip(path)
	}
	return proto.Success, ""
}

// unsubscribe takes in an UNSUBSCRIBE.
func (c *client) unsubscribe(bt *batch, f proto.Frame) error {
	var p proto.Unsubscribe
	if err := p.Decode(f, c.v); err != nil {
		return err
	}
	bt.flush()
	s := c.s
	ack := proto.Suback{Kind: proto.UNSUBACK, PacketID: p.PacketID}
	for _, filter := range p.Filters {
		if proto.CheckFilter(filter) != nil {
			if !c.five() {
				return fault(proto.TopicFilterInvalid, "unsubscribe from a malformed filter")
			}
			ack.Reasons = append(ack.Reasons, proto.TopicFilterInvalid)
			continue
		}
		s.mu.Lock()
		sub := s.subs[filter]
		delete(s.subs, filter)
		if sub != nil {
			s.filters -= sub.size()
			if s.keep {
				c.b.opt.Store.DropSubscription(s.id, filter)
			}
		}
		s.mu.Unlock()
		if sub == nil {
			ack.Reasons = append(ack.Reasons, proto.NoSubscriptionExisted)
			continue
		}
		c.b.router.remove(s, sub) // [MQTT-3.10.4-1]
		c.b.stats.subscriptions.Add(-1)
		ack.Reasons = append(ack.Reasons, proto.Success)
	}
	return c.suback(bt, &ack)
}
