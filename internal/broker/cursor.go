package broker

import "strings"

// cursor is a position among the topics that a filter takes in. It is a value: it outlives
// changes of what is retained, and the process.
type cursor struct {
	filter string
	from   string // no topic before it is of interest any more
}

// A step of a walk looks at so many topics at most, and finds so many messages and bytes.
const (
	stepTopics   = 1000
	stepMessages = 64
	stepBytes    = 64 << 10
	searchCost   = 10
)

// near is how many topics that cannot match are passed one by one before the next one that
// can is searched for.
const scanBefore = 4

// next appends up to n messages to found, as v has them, and moves c. It looks at about
// *left topics at most, and takes those off; a search costs as much as searchCost of them. done is
// true if there are no more messages. r.mu is held for reading.
func (r *retained) next(c *cursor, v walkView, left *int, n int, found []*Message) (_ []*Message, done bool) {
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
				found = append(found, m)
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
			return found, true
		}
		c.from = hop
	}
	return found, false
}

// advance compares a topic with a filter. It reports whether the filter takes in the topic,
// and the first position after it at which there may be another that the filter takes in: ""
// is the next topic. more is false if there can be none. Wildcards at the first level leave
// out topics that begin with $ [MQTT-4.7.2-1].
func advance(filter, topic string) (match bool, from string, more bool) {
	plus := -1 // where in topic the last level ends that + stands for
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
			if rest == "#" { // a/# takes in a as well
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

// levelEnd returns where the level that begins at i ends.
func levelEnd(s string, i int) int {
	if n := strings.IndexByte(s[i:], '/'); n >= 0 {
		return i + n
	}
	return len(s)
}
