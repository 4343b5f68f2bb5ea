package proto

import (
	"encoding/binary"
	"strings"
)

// special marks the bytes of x that a topic name does not have, or not without a
// closer look: NUL, the wildcards, and what is not ASCII.
func special(x uint64) uint64 {
	return x&highs | hasZero(x) | hasZero(x^ones*'+') | hasZero(x^ones*'#')
}

// usual tells whether s is a topic name of ASCII alone. The last eight bytes are
// looked at together, whatever their place.
func usual(s []byte) bool {
	if len(s) < 8 {
		for _, c := range s {
			if c-1 >= 0x7F || c == '+' || c == '#' {
				return false
			}
		}
		return true
	}
	last := len(s) - 8
	for i := 0; i < last; i += 8 {
		if special(binary.LittleEndian.Uint64(s[i:])) != 0 {
			return false
		}
	}
	return special(binary.LittleEndian.Uint64(s[last:])) == 0
}

// topicFault returns what keeps s from being a topic name, and where: nothing if it is
// usual. Empty is the caller's matter: a PUBLISH with a topic alias may have it.
func topicFault(s []byte) (what string, at int) {
	what, bad := badText(s)
	for i, c := range s {
		if what != "" && i == bad {
			break
		}
		if c == '+' || c == '#' {
			return "wildcard in a topic name", i // [MQTT-3.3.2-2]
		}
	}
	return what, bad
}

// CheckTopic returns an *Error if s is no topic name that a message may be
// published to: empty [MQTT-4.7.3-1], over 65535 bytes [MQTT-4.7.3-3], bad text
// [MQTT-4.7.3-2] or with a wildcard [MQTT-4.7.0-1].
func CheckTopic(s string) error {
	if s == "" {
		return &Error{Reason: TopicNameInvalid, What: "empty topic name"}
	}
	if len(s) > MaxText {
		return &Error{Offset: MaxText, Reason: TopicNameInvalid, What: "topic name of more than 65535 bytes"}
	}
	if what, at := topicFault(view(s)); what != "" {
		return &Error{Offset: at, Reason: TopicNameInvalid, What: what}
	}
	return nil
}

// CheckFilter returns an *Error if s is no topic filter: # stands alone as the last
// level [MQTT-4.7.1-1], + fills a level [MQTT-4.7.1-2], and a filter that begins
// with $share/ has a name without wildcards and a filter behind it [MQTT-4.8.2-1],
// [MQTT-4.8.2-2].
func CheckFilter(s string) error {
	fault := func(at int, what string) error {
		return &Error{Offset: at, Reason: TopicFilterInvalid, What: what}
	}
	if s == "" {
		return fault(0, "empty topic filter")
	}
	if len(s) > MaxText {
		return fault(MaxText, "topic filter of more than 65535 bytes")
	}
	if what, at := badText(view(s)); what != "" {
		return fault(at, what)
	}
	start := 0
	if rest, ok := strings.CutPrefix(s, sharePrefix); ok {
		name, filter, ok := strings.Cut(rest, "/")
		switch {
		case name == "":
			return fault(len(sharePrefix), "empty share name")
		case strings.ContainsAny(name, "+#"):
			return fault(len(sharePrefix), "wildcard in a share name")
		case !ok || filter == "":
			return fault(len(s), "no topic filter behind the share name")
		}
		start = len(s) - len(filter)
	}
	for i := start; i < len(s); i++ {
		switch s[i] {
		case '#':
			if i+1 != len(s) || i > start && s[i-1] != '/' {
				return fault(i, "# that is not a whole last level")
			}
		case '+':
			if i > start && s[i-1] != '/' || i+1 < len(s) && s[i+1] != '/' {
				return fault(i, "+ that is not a whole level")
			}
		}
	}
	return nil
}

const sharePrefix = "$share/"

// SplitShare takes $share/name/filter apart. A filter that is not shared has no
// name and is returned whole.
func SplitShare(s string) (name, filter string) {
	rest, ok := strings.CutPrefix(s, sharePrefix)
	if !ok {
		return "", s
	}
	name, filter, _ = strings.Cut(rest, "/")
	return name, filter
}

// Match tells whether filter, which may be shared, takes in topic. Both must be
// valid. Wildcards at the first level leave out topics that begin with $
// [MQTT-4.7.2-1].
func Match(filter string, topic []byte) bool {
	_, filter = SplitShare(filter)
	if len(topic) > 0 && topic[0] == '$' && filter != "" && (filter[0] == '#' || filter[0] == '+') {
		return false
	}
	for {
		if filter == "#" {
			return true
		}
		level, rest, more := strings.Cut(filter, "/")
		n := 0
		for n < len(topic) && topic[n] != '/' {
			n++
		}
		if level != "+" && level != string(topic[:n]) {
			return false
		}
		if n == len(topic) {
			return !more || rest == "#" // a/# takes in a as well
		}
		if !more {
			return false
		}
		filter, topic = rest, topic[n+1:]
	}
}
