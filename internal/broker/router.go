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
	share string // the share's name, "" if it is not shared
	path  string // the filter without $share and name
	grant *grant // of this subscription alone
	since uint64 // the serial of the last retained message that came before it, where a walk delivers those
	walk  *walk  // guarded by session.mu
}

// newSubscription takes the filter, which must be valid, apart.
func newSubscription(of proto.Subscription, id uint32) *subscription {
	sub := &subscription{Subscription: of, id: id}
	sub.share, sub.path = proto.SplitShare(of.Filter)
	sub.grant = &grant{qos: of.QoS, rap: of.RetainAsPublished}
	if id != 0 {
		sub.grant.ids = sub.grant.ids.AppendNum(proto.SubscriptionIdentifier, id)
	}
	return sub
}

// size is what the subscription counts for against the limits, in bytes: at most,
// since levels are shared.
func (sub *subscription) size() int {
	return 200 + len(sub.Filter) + 150*strings.Count(sub.Filter, "/")
}

// node is a level of the tree of filters. Wildcards are levels like others.
type node struct {
	children map[string]*node
	subs     map[*session]*subscription
	groups   map[string]*group
}

func (n *node) empty() bool { return len(n.children)+len(n.subs)+len(n.groups) == 0 }

// router holds all subscriptions, and for topics of late who gets their messages.
type router struct {
	acl ACL

	mu      sync.RWMutex
	root    node
	plain   int           // subscriptions that are not shared
	waiting atomic.Int64  // messages of shares that wait for a member
	gen     atomic.Uint64 // changes with every change of the tree, under mu

	cacheMu sync.RWMutex
	cache   map[string]*route
	weight  int // of the cache, in bytes about
}

const maxCache = 16 << 20 // bytes of routes

// add puts subscriptions in, each in the place of one of the same filter.
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

// put is add for one, with mu held.
func (r *router) put(s *session, sub *subscription) {
	n := &r.root
	for path, more := sub.path, true; more; {
		var level string
		level, path, more = strings.Cut(path, "/")
		child := n.children[level]
		if child == nil {
			child = &node{}
			if n.children == nil {
				n.children = make(map[string]*node, 1)
			}
			n.children[strings.Clone(level)] = child
		}
		n = child
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

// remove takes subscriptions out and prunes what is empty then.
func (r *router) remove(s *session, subs ...*subscription) {
	if len(subs) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, sub := range subs {
		r.take(&r.root, sub.path, s, sub)
	}
	s.epoch.Add(1)
	r.gen.Add(1)
}

func (r *router) take(n *node, path string, s *session, sub *subscription) {
	level, rest, more := strings.Cut(path, "/")
	child := n.children[level]
	if child == nil {
		return
	}
	switch {
	case more:
		r.take(child, rest, s, sub)
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
	if child.empty() {
		delete(n.children, level)
	}
}

// group returns the shared subscription with that whole filter, nil if there is none.
func (r *router) group(filter string) *group {
	share, path := proto.SplitShare(filter)
	r.mu.RLock()
	defer r.mu.RUnlock()
	n := &r.root
	for more := true; more && n != nil; {
		var level string
		level, path, more = strings.Cut(path, "/")
		n = n.children[level]
	}
	if n == nil {
		return nil
	}
	return n.groups[share]
}

// revise makes every route be looked up anew.
func (r *router) revise() {
	r.mu.Lock()
	r.gen.Add(1)
	r.mu.Unlock()
}

// wanted tells whether anybody subscribes to a filter that begins with that level.
func (r *router) wanted(level string) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.root.children[level] != nil
}

// match calls found for every node whose filter takes in topic. Wildcards at the
// first level leave out topics that begin with $ [MQTT-4.7.2-1].
func (n *node) match(topic string, first bool, found func(*node)) {
	level, rest, more := strings.Cut(topic, "/")
	wild := !first || !strings.HasPrefix(topic, "$")
	if wild {
		if c := n.children["#"]; c != nil {
			found(c)
		}
		if c := n.children["+"]; c != nil {
			c.step(rest, more, found)
		}
	}
	if level == "#" || level == "+" {
		return // a topic name has no such level
	}
	if c := n.children[level]; c != nil {
		c.step(rest, more, found)
	}
}

func (n *node) step(rest string, more bool, found func(*node)) {
	if more {
		n.match(rest, false, found)
		return
	}
	found(n)
	if c := n.children["#"]; c != nil { // a/# takes in a as well
		found(c)
	}
}
