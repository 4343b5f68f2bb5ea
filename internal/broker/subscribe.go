package broker

import (
	"slices"
	"strconv"
	"strings"

	"mqtt/internal/proto"
)

// filtersAtOnce is the number of filters of a SUBSCRIBE or UNSUBSCRIBE that are handled at once: no
// lock and no transaction is held for longer.
const filtersAtOnce = 64

// subscribe handles a SUBSCRIBE. It sends a SUBACK with a reason code for each filter
// [MQTT-3.8.4-6], and then the retained messages.
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
		return disconnectError(proto.SubscriptionIdentifiersNotSupported, "")
	}
	if c.v == proto.V31 { // SUBACK has no failure code in 3.1
		for i := range p.Filters {
			if v := c.maySubscribe(&p.Filters[i]); v.reason == proto.TopicFilterInvalid {
				return disconnectError(v.reason, v.why)
			}
		}
	}
	ack := &proto.Suback{Kind: proto.SUBACK, PacketID: p.PacketID, Reasons: make([]proto.Reason, len(p.Filters))}
	if err := c.checkAckSize(ack); err != nil {
		return err
	}
	s := c.s
	s.mu.Lock()
	c.subscribing = true // retained messages come after the SUBACK
	s.mu.Unlock()
	o := pendingSubscribe{filters: p.Filters, reasons: ack.Reasons, id: p.Props.Num(proto.SubscriptionIdentifier, 0), left: bt.lookups}
	c.addSubscriptions(bt, &o)
	for len(o.filters) > 0 && !c.ends() {
		bt.runInTurn(func() { c.addSubscriptions(bt, &o) })
	}
	bt.lookups = o.left
	if o.why != "" && c.problem && c.v5() {
		ack.Props = ack.Props.AppendText(proto.ReasonString, clip(o.why))
	}
	err := c.suback(bt, ack)
	s.mu.Lock()
	defer s.mu.Unlock()
	c.subscribing = false
	if !c.closing {
		c.out.add(&c.b.blocks, bt.reply)
		bt.reply = bt.reply[:0]
		c.out.sync = true
		bt.wakeWriter(c)
		s.sendQueued(bt.time(), &bt.count)
	}
	return err
}

// ends reports whether the client must end, so that work it asked for can be skipped. After a
// failed write its remaining packets are still handled.
func (c *client) ends() bool {
	select {
	case <-c.dying:
		c.s.mu.Lock()
		defer c.s.mu.Unlock()
		return !c.end.unwritten
	default:
		return false
	}
}

const sharePrefix = "$share/"

// pendingSubscribe is the part of a SUBSCRIBE that has not been handled.
type pendingSubscribe struct {
	filters []proto.Subscription
	reasons []proto.Reason
	id      uint32 // the subscription identifier
	why     string // reason of the last refusal
	left    int    // retained topics that may be looked at before walks are needed
}

// maxFilters limits the filters of one packet, unless a session may have more: each filter of so
// few gets its own reason code.
const maxFilters = 1024

// tooMany returns an error if a SUBSCRIBE or UNSUBSCRIBE has too many filters: each costs many
// times its bytes.
func (c *client) tooMany(f proto.Frame) error {
	if most := max(maxFilters, c.b.opt.Subscriptions); f.CountFilters(c.v) > most {
		return disconnectError(proto.QuotaExceeded, f.Type().String()+" with more than "+strconv.Itoa(most)+" filters")
	}
	return nil
}

// verdict is Success, or the reason why a client must not have a subscription.
type verdict struct {
	reason proto.Reason
	why    string
}

// addSubscriptions adds the next subscriptions of a SUBSCRIBE to the session and to the router.
// Each replaces one with the same filter [MQTT-3.8.4-3]. Walks deliver the messages retained
// before, and the router those that arrive later: nothing may be retained in between.
func (c *client) addSubscriptions(bt *batch, o *pendingSubscribe) {
	b, s := c.b, c.s
	n := min(len(o.filters), filtersAtOnce)
	verdicts := make([]verdict, n)
	for i := range verdicts { // without locks, because the ACL may take time
		verdicts[i] = c.maySubscribe(&o.filters[i])
	}
	var subs []*subscription
	if slices.ContainsFunc(o.filters[:n], func(w proto.Subscription) bool {
		return w.RetainHandling < 2 && !strings.HasPrefix(w.Filter, sharePrefix)
	}) {
		b.retained.mu.RLock()
		defer b.retained.mu.RUnlock()
	}
	s.mu.Lock()
	before := len(s.subs)
	for i := range verdicts {
		v := verdicts[i]
		if !v.reason.Failed() {
			w := o.filters[i]
			w.QoS = min(w.QoS, b.opt.Without.maximumQoS())
			if c.bridge { // a bridge must not get its own messages back
				w.NoLocal, w.RetainAsPublished = true, true
			}
			sub := newSubscription(w, o.id)
			if v = s.subscribe(sub, &o.left); !v.reason.Failed() {
				v.reason = proto.Reason(w.QoS)
				subs = append(subs, sub)
			}
		}
		if v.reason.Failed() {
			o.why = v.why
			c.noteDenied(&bt.count, o.filters[i].Filter, v)
			if c.v == proto.V31 { // SUBACK has no failure code in 3.1
				v.reason = proto.Reason(o.filters[i].QoS)
			}
		}
		o.reasons[i] = v.reason
	}
	b.stats.subscriptions.Add(int64(len(s.subs) - before))
	s.mu.Unlock()
	b.router.add(s, subs...)
	o.filters, o.reasons = o.filters[n:], o.reasons[n:]
}

// subscribe adds sub to the session's subscriptions if there is room. It looks at up to *left
// retained topics for one that needs a walk, and subtracts them. mu is held, and retained.mu for
// reading if a walk may be needed.
func (s *session) subscribe(sub *subscription, left *int) verdict {
	b := s.b
	old := s.subs[sub.Filter]
	if old == nil {
		if len(s.subs) >= b.opt.Subscriptions || b.available(forSession, s.durable) < int64(sub.size()) {
			return verdict{proto.QuotaExceeded, "too many subscriptions"}
		}
		s.filters += sub.size()
		if s.subs == nil {
			s.subs = make(map[string]*subscription)
		}
	} else {
		s.replace(old, sub)
	}
	if sendsRetained(sub, old == nil) {
		sub.since = b.retained.serial
		at := cursor{filter: sub.path}
		if found, none := b.retained.next(&at, walkView{serial: sub.since}, left, 1, nil); !none || len(found) > 0 || sub.walk != nil || isSys(sub.path) {
			s.addWalk(sub, "", sub.since)
		}
	}
	s.subs[sub.Filter] = sub
	s.putSubscription(sub)
	s.charge()
	return verdict{}
}

// checkAckSize returns an error if the answer would exceed the client's Maximum Packet Size even
// without a reason string [MQTT-3.1.2-24].
func (c *client) checkAckSize(ack *proto.Suback) error {
	if c.maxPacket == 0 {
		return nil
	}
	if b, _ := ack.Append(nil, c.v); len(b) > c.maxPacket {
		return disconnectError(proto.PacketTooLarge, ack.Kind.String()+" exceeds the client's Maximum Packet Size")
	}
	return nil
}

// suback appends the answer, without its reason string if that would exceed the client's Maximum
// Packet Size [MQTT-3.9.2-1].
func (c *client) suback(bt *batch, ack *proto.Suback) error {
	bt.count.answers++
	at := len(bt.reply)
	bt.reply, _ = ack.Append(bt.reply, c.v)
	if c.maxPacket > 0 && len(bt.reply)-at > c.maxPacket && len(ack.Props) > 0 {
		ack.Props = nil
		bt.reply, _ = ack.Append(bt.reply[:at], c.v)
	}
	return nil
}

// maySubscribe decides on a subscription. session.mu is not held.
func (c *client) maySubscribe(sub *proto.Subscription) verdict {
	o := &c.b.opt
	if err := proto.CheckFilter(sub.Filter); err != nil {
		return verdict{proto.TopicFilterInvalid, err.Error()}
	}
	share, path := proto.SplitShare(sub.Filter)
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

// unsubscribe handles an UNSUBSCRIBE.
func (c *client) unsubscribe(bt *batch, f proto.Frame) error {
	if err := c.tooMany(f); err != nil {
		return err
	}
	var p proto.Unsubscribe
	if err := p.Decode(f, c.v); err != nil {
		return err
	}
	bt.flush()
	ack := proto.Suback{Kind: proto.UNSUBACK, PacketID: p.PacketID, Reasons: make([]proto.Reason, len(p.Filters))}
	for i, filter := range p.Filters {
		ack.Reasons[i] = proto.NoSubscriptionExisted
		if proto.CheckFilter(filter) != nil {
			if ack.Reasons[i] = proto.TopicFilterInvalid; !c.v5() {
				return disconnectError(proto.TopicFilterInvalid, "unsubscribe from a malformed filter")
			}
		}
	}
	if err := c.checkAckSize(&ack); err != nil {
		return err
	}
	for i := 0; i < len(p.Filters) && !c.ends(); i += filtersAtOnce {
		n := min(i+filtersAtOnce, len(p.Filters))
		some := func() { c.b.router.remove(c.s, c.removeSubscriptions(bt, p.Filters[i:n], ack.Reasons[i:n])...) } // [MQTT-3.10.4-1]
		if i == 0 {
			some()
		} else {
			bt.runInTurn(some)
		}
	}
	return c.suback(bt, &ack)
}

// removeSubscriptions removes the subscriptions with these filters from the session, and sets the
// reasons of those that existed.
func (c *client) removeSubscriptions(bt *batch, filters []string, reasons []proto.Reason) (gone []*subscription) {
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
		s.abandonWalk(sub)
		if s.durable {
			c.b.opt.Store.DropSubscription(s.id, filter)
		}
		gone = append(gone, sub)
	}
	s.charge()
	c.b.stats.subscriptions.Add(-int64(len(gone)))
	if len(s.walks) > 0 && s.firstWalk() == nil {
		s.sendQueued(bt.time(), &bt.count)
	}
	return gone
}
