package broker

import (
	"slices"
	"strings"
	"unsafe"
)

// route is the set of sessions and groups that get the messages of one topic, at one generation of
// the tree. It is immutable.
type route struct {
	gen     uint64
	topic   []byte
	name    string // the same bytes as topic
	targets []target
	groups  []*group
	steps   int // cost of building it
	weight  int // size in the cache, in bytes, about
}

// target is a session that gets the messages once, however many of its filters match
// [MQTT-3.3.4-2].
type target struct {
	s      *session
	epoch  uint32 // version of the session's subscriptions
	grant  *grant
	own    *grant // for messages of the session's own client; nil: it gets none of them
	merged bool   // grant and own are copies that may be changed
	since  uint64 // walks deliver retained messages up to this serial; 0 if a subscription has no walk
}

// hasReceivers reports whether the route leads to any session.
func (rt *route) hasReceivers() bool { return len(rt.targets)+len(rt.groups) > 0 }

// targetOf returns the target that is s, nil if there is none.
func (rt *route) targetOf(s *session) *target {
	for i := range rt.targets {
		if rt.targets[i].s == s {
			return &rt.targets[i]
		}
	}
	return nil
}

// cached returns the current route of a topic name from the cache, nil if it must be built.
func (r *router) cached(topic []byte) *route {
	r.cacheMu.RLock()
	rt := r.cache[string(topic)]
	r.cacheMu.RUnlock()
	if rt != nil && rt.gen == r.gen.Load() {
		return rt
	}
	return nil
}

// find returns the current route of a topic name.
func (r *router) find(topic []byte) *route {
	if rt := r.cached(topic); rt != nil {
		return rt
	}
	return r.build(topic, nil)
}

// find returns the current route of a topic name. If it must be built, the run is flushed and the
// batch's transaction ends first, because building takes time in proportion to the filters.
func (bt *batch) find(topic []byte) *route {
	r := &bt.b.router
	if rt := r.cached(topic); rt != nil {
		return rt
	}
	bt.flush()
	store := bt.b.opt.Store
	if store != nil {
		store.End()
	}
	rt := r.build(topic, bt.b.workSlots)
	if store != nil {
		store.Begin()
	}
	bt.cost += rt.steps / 8
	return rt
}

// size returns the memory that the route takes, in bytes, about.
func (rt *route) size() int {
	n := 300 + len(rt.name) + 48*cap(rt.targets) + 8*cap(rt.groups)
	for i := range rt.targets {
		if t := &rt.targets[i]; t.merged {
			n += 2*64 + len(t.grant.ids) + 48
			if t.own != nil {
				n += len(t.own.ids)
			}
		}
	}
	return n
}

// addToCache adds a route to the cache.
func (r *router) addToCache(rt *route) {
	size := rt.size()
	r.cacheMu.Lock()
	defer r.cacheMu.Unlock()
	if old := r.cache[rt.name]; old != nil {
		r.weight -= old.weight
		delete(r.cache, rt.name)
	}
	rt.weight = size
	if size > r.maxWeight {
		return
	}
	if r.weight += size; r.cache == nil || r.weight > r.maxWeight {
		r.cache, r.weight = make(map[string]*route), size
	}
	r.cache[rt.name] = rt
}

// matchedSub is a subscription that matches a topic, and the epoch of its session at that time.
type matchedSub struct {
	s     *session
	sub   *subscription
	epoch uint32
}

// buildAtOnce is the number of nodes that are visited before the lock and the processor are
// released.
const buildAtOnce = 512

// build makes the route of a topic. It finds every subscription that exists from beginning to end
// of the search, and some of those that are added or removed meanwhile. turns, if not nil, is
// acquired for each step but the first.
func (r *router) build(topic []byte, turns chan struct{}) *route {
	rt := &route{name: string(topic)}
	rt.topic = unsafe.Slice(unsafe.StringData(rt.name), len(rt.name)) // never written to
	w := search{work: []branch{{&r.root, rt.name, true}}}
	r.mu.RLock()
	rt.gen = r.gen.Load()
	for w.step(buildAtOnce); len(w.work) > 0; w.step(buildAtOnce) {
		r.mu.RUnlock()
		if turns != nil {
			turns <- struct{}{}
			<-turns
		}
		r.mu.RLock()
	}
	r.mu.RUnlock()
	rt.steps, rt.groups = w.steps, w.groups
	rt.targets = make([]target, 0, len(w.matches))
	index := make(map[*session]int)
	for _, f := range w.matches {
		i, ok := index[f.s]
		if !ok {
			if r.acl != nil && !r.acl.Allow(f.s.who.Load(), rt.name, Read) {
				i = -1
			} else {
				i = len(rt.targets)
				rt.targets = append(rt.targets, target{s: f.s, epoch: f.epoch})
			}
			if w.nodes > 1 {
				index[f.s] = i
			}
		}
		if i >= 0 {
			rt.targets[i].merge(f.sub)
		}
	}
	r.addToCache(rt)
	return rt
}

// search is a search in the tree for the filters that match a topic.
type search struct {
	work    []branch
	matches []matchedSub
	groups  []*group
	nodes   int // nodes with subscriptions among the matches
	steps   int
	levels  int // levels that were compared and are not yet counted in steps
}

// branch is a node whose children are compared with the rest of the topic.
type branch struct {
	n     *node
	rest  string
	first bool
}

// step visits about n nodes. router.mu is held for reading, but not between steps: a node that is
// removed meanwhile has no filters any more.
func (w *search) step(n int) {
	for end := w.steps + n; w.steps < end && len(w.work) > 0; {
		last := len(w.work) - 1
		b := w.work[last]
		w.work = w.work[:last]
		w.steps++
		b.n.match(b.rest, b.first, w)
		w.steps += w.levels / 8
		w.levels %= 8
	}
}

// collect adds the subscriptions and groups of a node whose filter matches the topic.
func (w *search) collect(n *node) {
	for _, g := range n.groups {
		w.groups = append(w.groups, g)
	}
	if len(n.subs) > 0 {
		w.nodes++
		w.steps += len(n.subs) / 16
	}
	for s, sub := range n.subs {
		w.matches = append(w.matches, matchedSub{s, sub, s.epoch.Load()})
	}
}

// match visits the children of a node. Wildcards at the first level do not match topics that begin
// with $ [MQTT-4.7.2-1].
func (n *node) match(topic string, first bool, w *search) {
	if !first || !strings.HasPrefix(topic, "$") {
		if c := n.children["#"]; c != nil {
			w.collect(c)
		}
		if c := n.children["+"]; c != nil {
			c.follow(topic, w)
		}
	}
	level := topic[:levelEnd(topic, 0)]
	if level == "#" || level == "+" {
		return // no topic name has such a level
	}
	if c := n.children[level]; c != nil {
		c.follow(topic, w)
	}
}

// follow compares the path to a node with the topic, and adds the node to the work if it matches.
func (n *node) follow(topic string, w *search) {
	for path := n.path; ; {
		w.levels++
		filter, rest, more := strings.Cut(path, "/")
		level, topicRest, topicMore := strings.Cut(topic, "/")
		switch {
		case filter == "#":
			w.collect(n)
			return
		case filter != "+" && filter != level:
			return
		case !more && topicMore:
			w.work = append(w.work, branch{n: n, rest: topicRest})
			return
		case !more:
			w.collect(n)
			if c := n.children["#"]; c != nil { // a/# also matches a
				w.collect(c)
			}
			return
		case !topicMore:
			if rest == "#" {
				w.collect(n)
			}
			return
		}
		path, topic = rest, topicRest
	}
}

// merge adds a subscription to the target. The target gets the highest QoS [MQTT-3.3.4-2] and every
// identifier [MQTT-3.3.4-4]. For messages of the session's own client only subscriptions without
// no-local count [MQTT-3.8.3-3].
func (t *target) merge(sub *subscription) {
	if t.grant == nil || sub.since < t.since {
		t.since = sub.since
	}
	first := t.grant == nil
	switch {
	case first:
		t.grant = sub.grant
	case !t.merged:
		t.merged = true
		t.grant = t.grant.copy()
		if t.own != nil {
			t.own = t.own.copy()
		}
		fallthrough
	default:
		t.grant.add(sub.grant)
	}
	switch {
	case sub.NoLocal:
	case t.own == nil && t.merged:
		t.own = sub.grant.copy()
	case t.own == nil:
		t.own = sub.grant
	default:
		t.own.add(sub.grant)
	}
}

// copy returns a copy of the grant that may be changed.
func (g *grant) copy() *grant {
	n := *g
	n.ids = slices.Clone(g.ids)
	return &n
}

// add combines g with another grant.
func (g *grant) add(o *grant) {
	g.qos, g.rap = max(g.qos, o.qos), g.rap || o.rap
	g.ids = append(g.ids, o.ids...)
}
