package watch

import (
	"strings"
	"time"
)

// A node is a level of topics.
type node struct {
	name   string // of the level
	topic  string // the whole topic; only of nodes with own
	parent *node
	depth  int // 1 for the first level

	kids   []*node
	sorted int              // kids[:sorted] are in natural order of names
	index  map[string]*node // kids by name, once they are many

	own    *topicData // what came for this very topic; nil if it is only a part of others
	topics int        // at and below this node

	counter           // of messages at and below this node
	last    time.Time // when the last of them came
	open    openness
	hit     uint64 // the number of the filter that this node, or one below it, last matched
}

// openness says whether the levels below a node are shown.
type openness byte

const (
	byItself openness = iota // shown while there are few topics
	opened
	closed
)

const (
	maxDepth   = 64  // further levels are a part of the last one
	indexAbove = 16  // kids from which on an index pays
	fewTopics  = 100 // up to this many are shown without being asked for
)

// add returns a new node with a place for messages. It returns nil if a limit is reached.
func (m *Model) add(topic string) *node {
	if len(m.list) >= m.limits.Topics || m.names+len(topic) > m.limits.Names {
		return nil
	}
	at, rest, more := &m.root, topic, true
	for depth := 1; more; depth++ {
		name := rest
		if depth < maxDepth {
			name, rest, more = strings.Cut(rest, "/")
		} else {
			more = false
		}
		next := at.kid(name)
		if next == nil {
			missing := 1
			if more {
				missing = min(2+strings.Count(rest, "/"), maxDepth-depth+1)
			}
			if m.nodes+missing > m.limits.Nodes {
				return nil // nothing was added: all further levels are missing, too
			}
			m.nodes++
			next = &node{name: name, parent: at, depth: depth}
			at.adopt(next)
		}
		at = next
	}
	at.topic, at.own = topic, &topicData{}
	for n := at; n != nil; n = n.parent {
		n.topics++
	}
	m.names += len(topic)
	m.topics[topic] = at
	m.list = append(m.list, at)
	m.version++
	if m.wanted.matches(topic) {
		at.mark(m.wanted.number)
	}
	return at
}

// kid returns the node of the next level with that name, or nil.
func (n *node) kid(name string) *node {
	if n.index != nil {
		return n.index[name]
	}
	for _, k := range n.kids {
		if k.name == name {
			return k
		}
	}
	return nil
}

func (n *node) adopt(kid *node) {
	n.kids = append(n.kids, kid)
	if n.index == nil && len(n.kids) > indexAbove {
		n.index = make(map[string]*node)
		for _, k := range n.kids {
			n.index[k.name] = k
		}
	} else if n.index != nil {
		n.index[kid.name] = kid
	}
}

// mark records that the filter of that number matches n: the nodes above are shown, too.
func (n *node) mark(filter uint64) {
	for ; n != nil && n.hit != filter; n = n.parent {
		n.hit = filter
	}
}

// path returns the topic of n, which need not have messages of its own.
func (n *node) path() string {
	switch {
	case n.own != nil:
		return n.topic
	case n.depth <= 1:
		return n.name
	}
	return n.parent.path() + "/" + n.name
}

// countUp counts messages for n and the levels above it.
func (n *node) countUp(messages uint64, now time.Time) {
	for ; n != nil; n = n.parent {
		n.count += messages
		n.last = now
	}
}

// isOpen reports whether the levels below n are shown.
func (n *node) isOpen(topics int) bool {
	switch n.open {
	case opened:
		return true
	case closed:
		return false
	}
	return topics <= fewTopics || n.parent != nil && len(n.parent.kids) == 1
}
