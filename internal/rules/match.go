package rules

import (
	"slices"
	"strings"

	"mqtt/internal/proto"
)

// subscriptions are the topic filters that a session has or had. A filter is never removed: messages
// that were on their way may still come.
type subscriptions struct {
	filters []filter
	size    int
	missing bool // some are not known
}

// filter is a topic filter, with all that its subscriptions have ever allowed.
type filter struct {
	text     string
	granted  int8     // highest QoS granted; -1 if none was
	waiting  [3]uint8 // SUBSCRIBE packets by QoS that are not answered
	shared   bool
	retained bool     // retained messages may come, or messages with their flag
	ids      []uint32 // Subscription Identifiers; a few, or none
	idless   bool     // there was one without an identifier, or there were too many
}

// qos returns the highest QoS that the filter allows, or -1 if it allows nothing.
func (f *filter) qos() int8 {
	q := f.granted
	for i, n := range f.waiting {
		if n > 0 {
			q = max(q, int8(i))
		}
	}
	return q
}

// ask notes a topic filter of a SUBSCRIBE that the server got. It returns the filter's index, and
// false if there are too many filters.
func (s *subscriptions) ask(x *proto.Subscription, id uint32, v proto.Version) (int, bool) {
	if s.missing {
		return 0, false
	}
	i := slices.IndexFunc(s.filters, func(f filter) bool { return f.text == x.Filter })
	if i < 0 {
		shared := strings.HasPrefix(x.Filter, "$share/")
		if len(s.filters) >= maxFilters || s.size+len(x.Filter) > maxFilterBytes || proto.CheckFilter(x.Filter) != nil || shared && v < proto.V5 {
			*s = subscriptions{missing: true}
			return 0, false
		}
		i = len(s.filters)
		s.filters = append(s.filters, filter{text: x.Filter, granted: -1, shared: shared})
		s.size += len(x.Filter)
	}
	f := &s.filters[i]
	if f.waiting[x.QoS] == 255 {
		*s = subscriptions{missing: true}
		return 0, false
	}
	f.waiting[x.QoS]++
	f.retained = f.retained || x.RetainAsPublished || x.RetainHandling != 2
	switch {
	case id == 0, len(f.ids) >= 8:
		f.idless = true
	case !slices.Contains(f.ids, id):
		f.ids = append(f.ids, id)
	}
	return i, true
}

// settle notes the answer to a topic filter.
func (s *subscriptions) settle(a asked, code proto.Reason) {
	if a.filter >= len(s.filters) {
		return
	}
	f := &s.filters[a.filter]
	if f.waiting[a.qos] > 0 {
		f.waiting[a.qos]--
	}
	if !code.Failed() {
		f.granted = max(f.granted, int8(code))
	}
}

// merge adds the filters of another connection.
func (s *subscriptions) merge(first *subscriptions) {
	if first.missing || s.missing || len(first.filters) > 0 {
		// Requests refer to filters by their index, so the two lists cannot be joined.
		*s = subscriptions{missing: true}
	}
}

// match is what the subscriptions of a session allow for one topic. It is kept for the next PUBLISH
// with the same topic.
type match struct {
	topic    []byte
	valid    bool
	some     bool // a filter matches
	dollar   bool // one would match if topics with $ were not special
	qos      int8
	retained bool
	idless   bool
	ids      []uint32
}

func (m *match) forget() { m.valid = false }

// find makes m the match of a topic.
func (m *match) find(s *subscriptions, topic []byte) {
	if m.valid && string(m.topic) == string(topic) {
		return
	}
	*m = match{topic: append(m.topic[:0], topic...), valid: true, qos: -1, ids: m.ids[:0]}
	for i := range s.filters {
		f := &s.filters[i]
		q := f.qos()
		if q < 0 {
			continue
		}
		if !proto.Match(f.text, topic) {
			m.dollar = m.dollar || topic[0] == '$' && matchDollar(f.text, m.topic)
			continue
		}
		m.some = true
		m.qos = max(m.qos, q)
		m.retained = m.retained || f.retained
		m.idless = m.idless || f.idless
		m.ids = append(m.ids, f.ids...)
	}
}

// matchDollar reports whether a filter that begins with a wildcard would match a topic that begins
// with $ if such topics were not special. It changes topic for a moment.
func matchDollar(filter string, topic []byte) bool {
	if _, plain := proto.SplitShare(filter); plain == "" || plain[0] != '+' && plain[0] != '#' {
		return false
	}
	topic[0] = '_'
	defer func() { topic[0] = '$' }()
	return proto.Match(filter, topic)
}

// checkSubscription judges whether the server may send a message to this client.
func (o *Observer) checkSubscription(s *side, p *proto.Publish, packet []byte) {
	if !o.session.whole || o.session.missing || s.lost || len(p.Topic) == 0 {
		return
	}
	m := &o.match
	m.find(&o.session.subscriptions, p.Topic)
	switch {
	case !m.some && m.dollar:
		o.report(Out, ruleDollar, packet, "topic %q for a filter that begins with a wildcard", clip(p.Topic))
	case !m.some:
		o.report(Out, ruleTopicMatch, packet, "topic %q, which matches no subscription", clip(p.Topic))
	case int8(p.QoS) > m.qos:
		o.report(Out, rulePublishQoS, packet, "QoS %d, and QoS %d was granted for topic %q", p.QoS, m.qos, clip(p.Topic))
	case p.Retain && !m.retained:
		o.report(Out, ruleRetainHandling2, packet, "RETAIN 1 on topic %q, whose subscriptions have Retain Handling 2", clip(p.Topic))
	}
	if m.some && s.version >= proto.V5 {
		o.checkIdentifiers(p, packet)
	}
}

// checkIdentifiers judges the Subscription Identifiers of a message.
func (o *Observer) checkIdentifiers(p *proto.Publish, packet []byte) {
	m := &o.match
	some := false
	if len(p.Props) > 0 {
		for x := range p.Props.All() {
			if x.ID != proto.SubscriptionIdentifier {
				continue
			}
			some = true
			if !slices.Contains(m.ids, x.Num) && !o.tooManyIDs() {
				o.report(Out, ruleSubscriptionIDKnown, packet, "Subscription Identifier %d, which no matching subscription has", x.Num)
			}
		}
	}
	if !some && !m.idless {
		o.report(Out, ruleSubscriptionIDSent, packet, "no Subscription Identifier on topic %q", clip(p.Topic))
	}
}

// tooManyIDs reports whether a filter has had more identifiers than are kept.
func (o *Observer) tooManyIDs() bool {
	return slices.ContainsFunc(o.session.filters, func(f filter) bool { return len(f.ids) >= 8 })
}
