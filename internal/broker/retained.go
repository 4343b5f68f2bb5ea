package broker

import (
	"bytes"
	"strings"
	"sync"
)

// retained holds the last retained message of each topic. Who publishes one holds
// the lock until all subscribers have it, and who subscribes until all that was
// there is on its way: nobody gets an old value after a new one, or one twice.
//
// BUG: a message that has expired keeps its place until somebody subscribes to it.
type retained struct {
	mu    sync.RWMutex
	root  shelf
	count int
	bytes int
}

// shelfSize is what a level takes besides its name, in bytes about: a map with room
// for a few names below.
const shelfSize = 300

// shelf is a level of the tree of topic names.
type shelf struct {
	children map[string]*shelf
	m        *Message
}

// limit names what forbids to keep m, "" if nothing does: there are so many messages at
// most, and so many bytes left. One that is no larger than what it replaces may be kept,
// and one without a payload clears [MQTT-3.3.1-6].
func (r *retained) limit(m *Message, most int, left int64) string {
	if len(m.Payload) == 0 {
		return ""
	}
	grown := m.size()
	if old := r.get(string(m.Topic)); old != nil {
		grown -= old.size()
	} else {
		if r.count >= most {
			return "retained messages"
		}
		grown += len(m.Topic) + shelfSize*(1+bytes.Count(m.Topic, []byte("/"))) // at most
	}
	if grown > 0 && int64(grown) > left {
		return memoryLimit
	}
	return ""
}

// remove clears the message of a topic.
func (r *retained) remove(topic string) {
	if old := r.clear(&r.root, topic); old != nil {
		r.count--
		r.bytes -= old.size()
	}
}

// put keeps a copy of m for its topic, and returns it.
func (r *retained) put(m *Message) *Message {
	n := &r.root
	kept := m.clone()
	for path, more := string(kept.Topic), true; more; {
		var level string
		level, path, more = strings.Cut(path, "/")
		child := n.children[level]
		if child == nil {
			child = &shelf{}
			if n.children == nil {
				n.children = make(map[string]*shelf, 1)
			}
			n.children[strings.Clone(level)] = child
			r.bytes += shelfSize + len(level)
		}
		n = child
	}
	if n.m == nil {
		r.count++
	} else {
		r.bytes -= n.m.size()
	}
	n.m = kept
	r.bytes += kept.size()
	return kept
}

// drop clears m if it is still what is kept for its topic.
func (r *retained) drop(m *Message) bool {
	if r.get(string(m.Topic)) != m {
		return false
	}
	r.remove(string(m.Topic))
	return true
}

// get returns the message of that topic, nil if there is none.
func (r *retained) get(topic string) *Message {
	n := &r.root
	for more := true; more && n != nil; {
		var level string
		level, topic, more = strings.Cut(topic, "/")
		n = n.children[level]
	}
	if n == nil {
		return nil
	}
	return n.m
}

// clear takes the message of path out, with the levels that nobody needs then.
func (r *retained) clear(n *shelf, path string) *Message {
	level, rest, more := strings.Cut(path, "/")
	child := n.children[level]
	if child == nil {
		return nil
	}
	var old *Message
	if more {
		old = r.clear(child, rest)
	} else {
		old, child.m = child.m, nil
	}
	if child.m == nil && len(child.children) == 0 {
		delete(n.children, level)
		r.bytes -= shelfSize + len(level)
	}
	return old
}

// match calls found for the message of each topic that filter takes in, wildcards at
// the first level not for topics that begin with $ [MQTT-4.7.2-1], until it is false.
func (r *retained) match(filter string, found func(*Message) bool) { r.root.match(filter, true, found) }

func (n *shelf) match(filter string, first bool, found func(*Message) bool) bool {
	level, rest, more := strings.Cut(filter, "/")
	switch level {
	case "#":
		return n.all(first, found)
	case "+":
		for name, c := range n.children {
			if first && strings.HasPrefix(name, "$") {
				continue
			}
			if !c.step(rest, more, found) {
				return false
			}
		}
	default:
		if c := n.children[level]; c != nil {
			return c.step(rest, more, found)
		}
	}
	return true
}

func (n *shelf) step(rest string, more bool, found func(*Message) bool) bool {
	if more {
		return n.match(rest, false, found)
	}
	return n.m == nil || found(n.m)
}

// all yields the messages here and below: a/# takes in a as well.
func (n *shelf) all(first bool, found func(*Message) bool) bool {
	if n.m != nil && !found(n.m) {
		return false
	}
	for name, c := range n.children {
		if first && strings.HasPrefix(name, "$") {
			continue
		}
		if !c.all(false, found) {
			return false
		}
	}
	return true
}
