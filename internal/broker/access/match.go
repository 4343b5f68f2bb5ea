package access

import "strings"

// expand appends the rule's filter with the names in the place of %u and %c, wherever they
// stand. A name with a slash has more than one level.
func (r *rule) expand(b []byte, user, client string) []byte {
	for s := r.filter; s != ""; {
		name, more := "", 1
		switch {
		case strings.HasPrefix(s, "%u"):
			name, more = user, 2
		case strings.HasPrefix(s, "%c"):
			name, more = client, 2
		default:
			name = s[:1]
		}
		b = append(b, name...)
		s = s[more:]
	}
	return b
}

// dollar tells whether a topic that begins with $ meets a filter that does not.
func dollar(filter, topic string) bool {
	return strings.HasPrefix(topic, "$") && !strings.HasPrefix(filter, "$")
}

// covers tells whether a rule's filter takes in the whole of a topic or, if filter is true,
// everything that a filter takes in.
func covers(ours, theirs string, filter bool) bool {
	if dollar(ours, theirs) {
		return false
	}
	for {
		a, x, deeper := strings.Cut(ours, "/")
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

// meets tells whether there is a topic that both a rule's filter and another one take in.
func meets(ours, theirs string) bool {
	if dollar(ours, theirs) || dollar(theirs, ours) {
		return false
	}
	for {
		a, x, deeper := strings.Cut(ours, "/")
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
