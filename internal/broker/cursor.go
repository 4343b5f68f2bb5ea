package broker

import "strings"

// cursor is a position among the topics that match a filter. It is a value, so it stays valid when
// retained messages change, and across a restart.
type cursor struct {
	filter string
	from   string // topics before it have been visited
}

// These constants limit one step of a walk: the topics it looks at, and the messages and bytes it
// finds.
const (
	stepTopics   = 1000
	stepMessages = 64
	stepBytes    = 64 << 10
	searchCost   = 10
)

// scanBefore is the number of topics without a match that are visited one by one before the tree is
// searched for the next candidate.
const scanBefore = 4

// next appends up to n messages that v shows to msgs, and advances c. It looks at about *left
// topics at most and subtracts them; a search counts as searchCost topics. done is true if there
// are no more messages. r.mu is held for reading.
func (r *retained) next(c *cursor, v walkView, left *int, n int, msgs []*Message) (_ []*Message, done bool) {
	for bytes := 0; *left > 0 && n > 0 && bytes < stepBytes; {
		hop, passed, stopped := "", 0, false
		*left -= searchCost
		r.topics.Ascend(stored{topic: c.from}, func(x stored) bool {
			*left--
			if hop != "" && topicBefore(x.topic, hop) {
				passed++
				stopped = passed == scanBefore || *left <= 0
				return !stopped
			}
			match, from, more := advance(c.filter, x.topic)
			if m := x.at(v); match && m != nil {
				msgs = append(msgs, m)
				n--
				bytes += m.size()
			}
			hop, passed = from, 0
			if stopped = more && (*left <= 0 || n == 0 || bytes >= stepBytes); stopped && hop == "" {
				hop = x.topic + "/"
			}
			return more && !stopped
		})
		if !stopped {
			return msgs, true
		}
		c.from = hop
	}
	return msgs, false
}

// advance compares a topic with a filter. It reports whether they match, and the first later
// position where another topic may match; "" means the next topic. more is false if no later topic
// can match. Wildcards at the first level do not match topics that begin with $ [MQTT-4.7.2-1].
func advance(filter, topic string) (match bool, from string, more bool) {
	plus := -1 // where the last level ends in topic that matched +
	skip := func() (string, bool) {
		if plus < 0 {
			return "", false
		}
		return topic[:plus] + "\x01", true
	}
	for f, t := 0, 0; ; {
		fend, tend := levelEnd(filter, f), levelEnd(topic, t)
		level, name := filter[f:fend], topic[t:tend]
		switch {
		case (level == "#" || level == "+") && f == 0 && strings.HasPrefix(name, "$"):
			return false, "%", true // the character after $
		case level == "#":
			return true, "", true
		case level == "+":
			plus = tend
		case level == name:
		case topicBefore(name, level):
			return false, topic[:t] + level, true
		default:
			from, more = skip()
			return false, from, more
		}
		switch last, bottom := fend == len(filter), tend == len(topic); {
		case last:
			from, more = skip()
			return bottom, from, more
		case bottom:
			rest := filter[fend+1:]
			if rest == "#" { // a/# also matches a
				return true, "", true
			}
			if level = rest[:levelEnd(rest, 0)]; level == "+" {
				level = ""
			}
			return false, topic + "/" + level, true
		}
		f, t = fend+1, tend+1
	}
}

// levelEnd returns the end of the level that begins at i.
func levelEnd(s string, i int) int {
	if n := strings.IndexByte(s[i:], '/'); n >= 0 {
		return i + n
	}
	return len(s)
}
