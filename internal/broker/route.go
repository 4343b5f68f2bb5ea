package broker

import "unsafe"

// route says who gets the messages of one topic, at one generation of the tree. It
// is immutable.
type route struct {
	gen     uint64
	topic   []byte
	name    string // the same bytes
	targets []target
	groups  []*group
}

// target is a session that gets the messages once, however many of its filters
// match [MQTT-3.3.4-2].
type target struct {
	s     *session
	epoch uint32 // of the session's subscriptions
	grant *grant
	own   *grant // for messages that the session's own client published; nil: none of them
	since uint64 // the serial of the last retained message before its subscriptions, 0 if not all have a walk
}

// some tells whether there is anybody.
func (rt *route) some() bool { return len(rt.targets)+len(rt.groups) > 0 }

// of returns the target that is s, nil if there is none.
func (rt *route) of(s *session) *target {
	for i := range rt.targets {
		if rt.targets[i].s == s {
			return &rt.targets[i]
		}
	}
	return nil
}

// find returns the route of a topic name, as of now.
func (r *router) find(topic []byte) *route {
	r.cacheMu.RLock()
	rt := r.cache[string(topic)]
	r.cacheMu.RUnlock()
	if rt != nil && rt.gen == r.gen.Load() {
		return rt
	}
	rt = r.build(topic)
	weight := func(rt *route) int { return 200 + len(rt.topic) + 64*len(rt.targets) + 8*len(rt.groups) }
	r.cacheMu.Lock()
	defer r.cacheMu.Unlock()
	if old := r.cache[rt.name]; old != nil {
		r.weight -= weight(old)
		delete(r.cache, rt.name)
	}
	if r.weight += weight(rt); r.cache == nil || r.weight > maxCache {
		r.cache, r.weight = make(map[string]*route), weight(rt)
	}
	r.cache[rt.name] = rt
	return rt
}

// build walks the tree.
func (r *router) build(topic []byte) *route {
	rt := &route{name: string(topic)}
	rt.topic = unsafe.Slice(unsafe.StringData(rt.name), len(rt.name)) // never written to
	r.mu.RLock()
	defer r.mu.RUnlock()
	rt.gen = r.gen.Load()
	var nodes []*node
	r.root.match(rt.name, true, func(n *node) { nodes = append(nodes, n) })
	total, with := 0, 0
	for _, n := range nodes {
		for _, g := range n.groups {
			rt.groups = append(rt.groups, g)
		}
		if len(n.subs) > 0 {
			total += len(n.subs)
			with++
		}
	}
	rt.targets = make([]target, 0, total)
	var index map[*session]int
	if with > 1 {
		index = make(map[*session]int, total)
	}
	for _, n := range nodes {
		for s, sub := range n.subs {
			if i, ok := index[s]; ok {
				rt.targets[i].merge(sub)
				continue
			}
			if r.acl != nil && !r.acl.Allow(s.who.Load(), rt.name, Read) {
				continue
			}
			if index != nil {
				index[s] = len(rt.targets)
			}
			rt.targets = append(rt.targets, target{s: s, epoch: s.epoch.Load()})
			rt.targets[len(rt.targets)-1].merge(sub)
		}
	}
	return rt
}

// merge adds a subscription: the highest QoS [MQTT-3.3.4-2] and every identifier
// [MQTT-3.3.4-4]. What the session's own client published passes only those
// without no-local [MQTT-3.8.3-3].
func (t *target) merge(sub *subscription) {
	if t.grant == nil || sub.since < t.since {
		t.since = sub.since
	}
	t.grant = t.grant.with(sub.grant)
	if !sub.NoLocal {
		t.own = t.own.with(sub.grant)
	}
}

// with returns what two grants come to together. g may be nil.
func (g *grant) with(o *grant) *grant {
	if g == nil {
		return o
	}
	n := &grant{qos: max(g.qos, o.qos), rap: g.rap || o.rap}
	n.ids = append(append(n.ids, g.ids...), o.ids...)
	return n
}
