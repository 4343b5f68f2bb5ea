package proto

import (
	"encoding/binary"
	"strings"
)

// specialBytes returns a value that is not 0 if a byte of x is NUL, a wildcard or not ASCII.
func specialBytes(x uint64) uint64 {
	return x&highs | hasZero(x) | hasZero(x^ones*'+') | hasZero(x^ones*'#')
}

// isASCIITopic reports whether s is a topic name of ASCII characters only. The last eight bytes are
// checked together, wherever they begin.
func isASCIITopic(s []byte) bool {
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
		if specialBytes(binary.LittleEndian.Uint64(s[i:])) != 0 {
			return false
		}
	}
	return specialBytes(binary.LittleEndian.Uint64(s[last:])) == 0
}

// badTopic says why s is not a topic name, and at which offset. It returns "" if s is one. It
// accepts the empty name, which a PUBLISH with a Topic Alias may have.
func badTopic(s []byte) (what string, at int) {
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

// CheckTopic returns an *Error if s is not a topic name: if it is empty [MQTT-4.7.3-1], has more
// than 65535 bytes [MQTT-4.7.3-3], is not valid text [MQTT-4.7.3-2] or contains a wildcard
// [MQTT-4.7.0-1].
func CheckTopic(s string) error {
	if s == "" {
		return &Error{Reason: TopicNameInvalid, What: "empty topic name"}
	}
	if len(s) > MaxText {
		return &Error{Offset: MaxText, Reason: TopicNameInvalid, What: "topic name of more than 65535 bytes"}
	}
	if what, at := badTopic(bytesOf(s)); what != "" {
		return &Error{Offset: at, Reason: TopicNameInvalid, What: what}
	}
	return nil
}

// CheckFilter returns an *Error if s is not a topic filter. In a topic filter # is the whole last
// level [MQTT-4.7.1-1], and + is a whole level [MQTT-4.7.1-2]. After $share/ there are a share name
// without wildcards and a topic filter [MQTT-4.8.2-1], [MQTT-4.8.2-2].
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
	if what, at := badText(bytesOf(s)); what != "" {
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
			return fault(len(s), "no topic filter after the share name")
		}
		start = len(s) - len(filter)
	}
	for i := start; i < len(s); i++ {
		switch s[i] {
		case '#':
			if i+1 != len(s) || i > start && s[i-1] != '/' {
				return fault(i, "# must be the whole last level")
			}
		case '+':
			if i > start && s[i-1] != '/' || i+1 < len(s) && s[i+1] != '/' {
				return fault(i, "+ must be a whole level")
			}
		}
	}
	return nil
}

const sharePrefix = "$share/"

// SplitShare returns the parts of $share/name/filter. For a filter that is not shared, name is
// empty and filter is s.
func SplitShare(s string) (name, filter string) {
	rest, ok := strings.CutPrefix(s, sharePrefix)
	if !ok {
		return "", s
	}
	name, filter, _ = strings.Cut(rest, "/")
	return name, filter
}

// Match reports whether filter, which may be shared, matches topic. Both must be valid. A wildcard
// at the first level does not match topics that begin with $ [MQTT-4.7.2-1].
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
			return !more || rest == "#" // a/# also matches a
		}
		if !more {
			return false
		}
		filter, topic = rest, topic[n+1:]
	}
}
