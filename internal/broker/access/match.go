package access

import "strings"

// next takes the first level off a rule's filter, with a name in the place of %u and
// %c. A name with a slash has more than one level.
func (r *rule) next(s, user, client string) (level, rest string, more bool) {
	level, rest, more = strings.Cut(s, "/")
	name := ""
	switch {
	case !r.pattern:
		return
	case level == "%u":
		name = user
	case level == "%c":
		name = client
	default:
		return
	}
	level, tail, deep := strings.Cut(name, "/")
	switch {
	case deep && more:
		return level, tail + "/" + rest, true
	case deep:
		return level, tail, true
	}
	return level, rest, more
}

// dollar tells whether a topic that begins with $ meets a filter that does not.
func dollar(filter, topic string) bool {
	return strings.HasPrefix(topic, "$") && !strings.HasPrefix(filter, "$")
}

// covers tells whether the rule takes in the whole of a topic or, if filter is true,
// everything that a filter takes in.
func (r *rule) covers(topic, user, client string, filter bool) bool {
	if dollar(r.filter, topic) {
		return false
	}
	ours, theirs := r.filter, topic
	for {
		a, x, deeper := r.next(ours, user, client)
		b, y, more := strings.Cut(theirs, "/")
		switch {
		case a == "#":
			return true
		case filter && b == "#":
			return false
		case a != "+" && a != b:
			return false
		case !deeper && !more:
			return true
		case deeper && !more:
			return x == "#" // a/# takes in a as well
		case !deeper:
			return false
		}
		ours, theirs = x, y
	}
}

// meets tells whether there is a topic that both the rule and a filter take in.
func (r *rule) meets(filter, user, client string) bool {
	if dollar(r.filter, filter) || strings.HasPrefix(r.filter, "$") && !strings.HasPrefix(filter, "$") {
		return false
	}
	ours, theirs := r.filter, filter
	for {
		a, x, deeper := r.next(ours, user, client)
		b, y, more := strings.Cut(theirs, "/")
		switch {
		case a == "#" || b == "#":
			return true
		case a != "+" && b != "+" && a != b:
			return false
		case !deeper && !more:
			return true
		case deeper && !more:
			return x == "#"
		case !deeper:
			return y == "#"
		}
		ours, theirs = x, y
	}
}
