package broker

import (
	"strings"
	"sync"
	"sync/atomic"

	"mqtt/internal/proto"
)

// subscription is one filter of one session.
type subscription struct {
	proto.Subscription
	id    uint32 // subscription identifier, 0 if it has none
	share string // name of the shared subscription, "" if it is not shared
	path  string // the filter without $share and the name
	grant *grant // of this subscription alone
	since uint64 // a walk delivers retained messages up to this serial; 0 without a walk
	walk  *walk  // guarded by session.mu
}

// newSubscription returns the subscription for a valid filter.
func newSubscription(of proto.Subscription, id uint32) *subscription {
	sub := &subscription{Subscription: of, id: id}
	sub.share, sub.path = proto.SplitShare(of.Filter)
	sub.grant = &grant{qos: of.QoS, rap: of.RetainAsPublished}
	if id != 0 {
		sub.grant.ids = sub.grant.ids.AppendNum(proto.SubscriptionIdentifier, id)
	}
	return sub
}

// size returns how many bytes the subscription counts against the limits. It is an upper bound,
// because nodes are shared.
func (sub *subscription) size() int { return 600 + 3*len(sub.Filter) }

// node is a place in the tree of filters where filters end or branch. Wildcards are levels like
// others. The path of a node leads to it from its parent and has one level or more, so there are no
// more than two nodes for each filter, however deep it is.
//
// A search may visit a node while the tree changes. The path of a node never changes, and a node
// that replaces another one shares its maps.
type node struct {
	path     string
	children map[string]*node // by the first level of their paths
	subs     map[*session]*subscription
	groups   map[string]*group
}

func (n *node) empty() bool { return len(n.children)+len(n.subs)+len(n.groups) == 0 }

// under returns a node with the maps of n and another path.
func (n *node) under(path string) *node {
	return &node{path, n.children, n.subs, n.groups}
}

// attach makes child the child of n for the first level of its path.
func (n *node) attach(child *node) {
	if n.children == nil {
		n.children = make(map[string]*node, 1)
	}
	level := child.path[:levelEnd(child.path, 0)]
	delete(n.children, level) // the key must not keep another path in memory
	n.children[level] = child
}

// common returns how many bytes the whole levels take that both paths begin with.
func common(a, b string) int {
	n, i := 0, 0
	for ; i < len(a) && i < len(b) && a[i] == b[i]; i++ {
		if a[i] == '/' {
			n = i
		}
	}
	if (i == len(a) || a[i] == '/') && (i == len(b) || b[i] == '/') {
		n = i
	}
	return n
}

// router holds all subscriptions, and a cache of routes.
type router struct {
	acl ACL

	mu      sync.RWMutex
	root    node
	plain   int           // subscriptions that are not shared
	waiting atomic.Int64  // messages of shared subscriptions that are queued
	gen     atomic.Uint64 // generation: changes with every change of the tree, under mu

	cacheMu   sync.RWMutex
	cache     map[string]*route
	weight    int // size of the cache, in bytes, about
	maxWeight int // limit of weight
}

const maxCache = 16 << 20 // bytes of routes

// add adds subscriptions. Each replaces one of the session with the same filter.
func (r *router) add(s *session, subs ...*subscription) {
	if len(subs) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, sub := range subs {
		r.put(s, sub)
	}
	s.epoch.Add(1)
	r.gen.Add(1)
}

// put is add for one subscription, with mu held.
func (r *router) put(s *session, sub *subscription) {
	n := &r.root
	for path, more := sub.path, true; more; {
		child := n.children[path[:levelEnd(path, 0)]]
		if child == nil {
			child = &node{path: strings.Clone(path)}
			n.attach(child)
		}
		k := common(child.path, path)
		if k < len(child.path) {
			upper := &node{path: child.path[:k]}
			upper.attach(child.under(child.path[k+1:]))
			n.attach(upper)
			child = upper
		}
		n = child
		if more = k < len(path); more {
			path = path[k+1:]
		}
	}
	if sub.share != "" {
		g := n.groups[sub.share]
		if g == nil {
			g = &group{filter: sub.Filter, all: &r.waiting}
			if n.groups == nil {
				n.groups = make(map[string]*group, 1)
			}
			n.groups[sub.share] = g
		}
		g.join(s, sub)
		s.joined(g)
		return
	}
	if n.subs == nil {
		n.subs = make(map[*session]*subscription, 1)
	}
	if n.subs[s] == nil {
		r.plain++
	}
	n.subs[s] = sub
}

// remove removes subscriptions, and the nodes that are empty after that.
func (r *router) remove(s *session, subs ...*subscription) {
	if len(subs) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, sub := range subs {
		r.removeBelow(&r.root, sub.path, s, sub)
	}
	s.epoch.Add(1)
	r.gen.Add(1)
}

func (r *router) removeBelow(n *node, path string, s *session, sub *subscription) {
	level := path[:levelEnd(path, 0)]
	child := n.children[level]
	if child == nil || common(child.path, path) < len(child.path) {
		return
	}
	switch {
	case len(child.path) < len(path):
		r.removeBelow(child, path[len(child.path)+1:], s, sub)
	case sub.share != "":
		if g := child.groups[sub.share]; g != nil {
			s.departed(g)
			if g.leave(s) {
				delete(child.groups, sub.share)
			}
		}
	case child.subs[s] != nil:
		delete(child.subs, s)
		r.plain--
	}
	switch {
	case child.empty():
		delete(n.children, level)
	case len(child.children) == 1 && len(child.subs)+len(child.groups) == 0:
		for _, only := range child.children {
			n.attach(only.under(child.path + "/" + only.path))
		}
	}
}

// group returns the shared subscription with that whole filter, nil if there is none.
func (r *router) group(filter string) *group {
	share, path := proto.SplitShare(filter)
	r.mu.RLock()
	defer r.mu.RUnlock()
	for n := &r.root; ; {
		n = n.children[path[:levelEnd(path, 0)]]
		switch {
		case n == nil || common(n.path, path) < len(n.path):
			return nil
		case len(n.path) == len(path):
			return n.groups[share]
		}
		path = path[len(n.path)+1:]
	}
}

// invalidate makes all cached routes obsolete.
func (r *router) invalidate() {
	r.mu.Lock()
	r.gen.Add(1)
	r.mu.Unlock()
}

// reidentify makes routes to s obsolete, because session.who has changed. Routes that other
// goroutines use already are too old for s from now on, too. session.mu is held, and router.mu is
// not needed: a route that is being built either sees the new identity or is of an older
// generation.
func (r *router) reidentify(s *session) {
	r.gen.Add(1)
	s.epoch.Add(1)
}

// wanted reports whether a subscribed filter begins with that level.
func (r *router) wanted(level string) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.root.children[level] != nil
}
