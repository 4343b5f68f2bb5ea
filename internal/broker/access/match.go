package access

import "strings"

// expand appends the rule's filter with %u and %c replaced by the names. A name with a slash has more
// than one level.
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

// dollar reports whether topic begins with $ and filter does not: then they do not match.
func dollar(filter, topic string) bool {
	return strings.HasPrefix(topic, "$") && !strings.HasPrefix(filter, "$")
}

// covers reports whether the filter ours of a rule matches the topic theirs or, if filter is true,
// every topic that the filter theirs matches.
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
			return x == "#" // a/# matches a too
		case !deeper:
			return false
		}
		ours, theirs = x, y
	}
}

// meets reports whether there is a topic that both filters match.
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
