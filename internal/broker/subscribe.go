package broker

import (
	"strconv"
	"strings"

	"mqtt/internal/proto"
)

// wish is a subscription that a SUBSCRIBE may have.
type wish struct {
	*subscription
	retained bool // with the retained messages that it takes in
}

// subscribe takes in a SUBSCRIBE: one SUBACK with a reason for each filter
// [MQTT-3.8.4-6], then the retained messages.
func (c *client) subscribe(bt *batch, f proto.Frame) error {
	if err := c.tooMany(f); err != nil {
		return err
	}
	var p proto.Subscribe
	if err := p.Decode(f, c.v); err != nil {
		return err
	}
	bt.flush()
	if _, ok := p.Props.Get(proto.SubscriptionIdentifier); ok && c.b.opt.Without.Identifiers {
		return fault(proto.SubscriptionIdentifiersNotSupported, "")
	}
	wishes, ack, err := c.decide(bt, &p)
	if err == nil {
		err = c.suback(bt, ack)
	}
	if err != nil {
		return err
	}
	c.enrol(wishes)
	c.install(bt, wishes)
	return nil
}

// mostFilters is how many filters a packet may have, unless a session may have more of
// them: each of so few has an answer of its own.
const mostFilters = 1024

// tooMany ends a connection whose SUBSCRIBE or UNSUBSCRIBE has more filters than make
// sense: each costs many times its bytes.
func (c *client) tooMany(f proto.Frame) error {
	if most := max(mostFilters, c.b.opt.Subscriptions); f.Filters(c.v) > most {
		return fault(proto.QuotaExceeded, f.Type().String()+" with more than "+strconv.Itoa(most)+" filters")
	}
	return nil
}

// verdict is Success or why the client must not have a subscription.
type verdict struct {
	reason proto.Reason
	why    string
}

// decide judges each filter of a SUBSCRIBE.
func (c *client) decide(bt *batch, p *proto.Subscribe) (all []wish, ack *proto.Suback, err error) {
	b, s := c.b, c.s
	id := p.Props.Num(proto.SubscriptionIdentifier, 0)
	ack = &proto.Suback{Kind: proto.SUBACK, PacketID: p.PacketID}
	text := ""
	fresh, size := make(map[string]bool), 0 // the filters that the session does not have, and their bytes
	verdicts := make([]verdict, len(p.Filters))
	for i := range verdicts { // the ACL may take its time over so many
		verdicts[i] = c.maySubscribe(&p.Filters[i])
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range p.Filters {
		w := &p.Filters[i]
		r, why := verdicts[i].reason, verdicts[i].why
		if !r.Failed() {
			w.QoS = min(w.QoS, b.opt.Without.maximumQoS())
			sub := newSubscription(*w, id)
			first := s.subs[w.Filter] == nil && !fresh[w.Filter]
			if first {
				size += sub.size()
			}
			if first && (len(s.subs)+len(fresh) >= b.opt.Subscriptions || b.room(keeping, s.keep) < int64(size)) {
				r, why = proto.QuotaExceeded, "too many subscriptions"
				size -= sub.size()
			} else {
				if first {
					fresh[w.Filter] = true
				}
				r = proto.Reason(w.QoS)
				retained := sub.share == "" && (w.RetainHandling == 0 || w.RetainHandling == 1 && first)
				all = append(all, wish{sub, retained}) // [MQTT-3.3.1-9], [MQTT-3.3.1-10], [MQTT-3.3.1-11]
			}
		}
		if r.Failed() {
			text = why
			c.noteDenied(&bt.count, w.Filter, verdict{r, why})
			if c.v == proto.V31 { // it has no way to refuse
				if r == proto.TopicFilterInvalid {
					return nil, nil, fault(r, why)
				}
				r = proto.Reason(w.QoS)
			}
		}
		ack.Reasons = append(ack.Reasons, r)
	}
	if text != "" && c.problem && c.five() {
		ack.Props = ack.Props.AppendText(proto.ReasonString, clip(text))
	}
	return all, ack, nil
}

// enrol makes the subscriptions the session's, each in the place of one with its filter
// [MQTT-3.8.4-3].
func (c *client) enrol(wishes []wish) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.subs == nil {
		s.subs = make(map[string]*subscription, len(wishes))
	}
	before := len(s.subs)
	for _, w := range wishes {
		if s.subs[w.Filter] == nil {
			s.filters += w.size()
		}
		s.subs[w.Filter] = w.subscription
		s.putSubscription(w.subscription)
	}
	s.charge()
	c.b.stats.subscriptions.Add(int64(len(s.subs) - before))
}

// install has messages routed by the subscriptions, and sends what is retained. Between the
// two nothing may be retained, see retained: for the filters that want it, one by one.
func (c *client) install(bt *batch, wishes []wish) {
	b, s := c.b, c.s
	var plain []*subscription
	missed := 0
	for _, w := range wishes {
		if !w.retained {
			plain = append(plain, w.subscription)
			continue
		}
		b.router.add(s, plain...)
		plain = plain[:0]
		b.retained.mu.RLock()
		b.router.add(s, w.subscription)
		s.mu.Lock()
		c.out.add(&b.blocks, bt.reply) // the SUBACK comes first
		bt.reply = bt.reply[:0]
		send := func(m *Message) (more bool) { // a walk through all that is retained is not for nothing
			if c.retained(bt, w.subscription, m) {
				return true
			}
			missed++
			_, fits, _ := s.fits(c, overhead, min(m.QoS, w.QoS)) // a smaller one
			return fits && !c.closing && missed < b.opt.QueueMessages
		}
		b.retained.match(w.path, send)
		if strings.HasPrefix(w.path, sysPrefix) {
			b.sysMatch(w.path, send)
		}
		c.out.sync = true
		bt.touch(c)
		s.charge()
		s.mu.Unlock()
		b.retained.mu.RUnlock()
	}
	b.router.add(s, plain...)
}

// retained sends a message because of a new subscription. It is false if there is no room
// for it. session.mu is held.
func (c *client) retained(bt *batch, sub *subscription, m *Message) bool {
	if m.expired(bt.time()) {
		bt.stale = append(bt.stale, m)
		return true
	}
	if sub.NoLocal && m.From == c.s.id {
		return true
	}
	if acl := c.b.opt.ACL; acl != nil && !acl.Allow(c.who, string(m.Topic), Read) {
		return true
	}
	if !c.s.put(bt, m, sub.grant, min(m.QoS, sub.QoS), true) { // 3.1.1 [MQTT-3.3.1-8]
		bt.count.dropped++
		return false
	}
	return true
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

// maySubscribe judges a subscription. session.mu is not held.
func (c *client) maySubscribe(wish *proto.Subscription) verdict {
	o := &c.b.opt
	if err := proto.CheckFilter(wish.Filter); err != nil {
		return verdict{proto.TopicFilterInvalid, err.Error()}
	}
	share, path := proto.SplitShare(wish.Filter)
	switch {
	case strings.Count(path, "/") >= o.TopicLevels:
		return verdict{proto.TopicFilterInvalid, "too many levels"}
	case share != "" && o.Without.Shared:
		return verdict{proto.SharedSubscriptionsNotSupported, "no shared subscriptions"}
	case o.Without.Wildcards && strings.ContainsAny(path, "+#"):
		return verdict{proto.WildcardSubscriptionsNotSupported, "no wildcards"}
	case o.ACL != nil && !o.ACL.Allow(c.who, path, Subscribe):
		return verdict{proto.NotAuthorized, "filter " + clip(path)}
	}
	return verdict{}
}

// unsubscribe takes in an UNSUBSCRIBE.
func (c *client) unsubscribe(bt *batch, f proto.Frame) error {
	if err := c.tooMany(f); err != nil {
		return err
	}
	var p proto.Unsubscribe
	if err := p.Decode(f, c.v); err != nil {
		return err
	}
	bt.flush()
	ack := proto.Suback{Kind: proto.UNSUBACK, PacketID: p.PacketID}
	for _, filter := range p.Filters {
		r := proto.NoSubscriptionExisted
		if proto.CheckFilter(filter) != nil {
			if r = proto.TopicFilterInvalid; !c.five() {
				return fault(r, "unsubscribe from a malformed filter")
			}
		}
		ack.Reasons = append(ack.Reasons, r)
	}
	c.b.router.remove(c.s, c.giveUp(p.Filters, ack.Reasons)...) // [MQTT-3.10.4-1]
	return c.suback(bt, &ack)
}

// giveUp takes the subscriptions with these filters from the session, and notes which there
// were.
func (c *client) giveUp(filters []string, reasons []proto.Reason) (gone []*subscription) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, filter := range filters {
		sub := s.subs[filter]
		if sub == nil {
			continue
		}
		reasons[i] = proto.Success
		delete(s.subs, filter)
		s.filters -= sub.size()
		if s.keep {
			c.b.opt.Store.DropSubscription(s.id, filter)
		}
		gone = append(gone, sub)
	}
	s.charge()
	c.b.stats.subscriptions.Add(-int64(len(gone)))
	return gone
}
