package proto

import "strconv"

// TopicAliases are the Topic Aliases that a peer set on one connection. The zero value has none.
type TopicAliases struct {
	topics [][]byte // by alias less one; nil if not set
	size   int
}

// Resolve returns the topic of a PUBLISH with that alias. If topic is not empty, Resolve assigns a
// copy of it to the alias first. max is the Topic Alias Maximum sent to the peer. The result
// never changes, also if the alias is assigned again. The error is a *Error.
func (a *TopicAliases) Resolve(alias, max int, topic []byte) ([]byte, error) {
	if alias > max { // all aliases up to max are accepted [MQTT-3.3.2-9], [MQTT-3.3.2-10]
		return nil, &Error{Type: PUBLISH, Reason: TopicAliasInvalid,
			What: "topic alias " + strconv.Itoa(alias) + " exceeds the Topic Alias Maximum of " + strconv.Itoa(max)}
	}
	if len(topic) == 0 {
		if alias > len(a.topics) || a.topics[alias-1] == nil {
			return nil, &Error{Type: PUBLISH, Reason: ProtocolError, What: "topic alias " + strconv.Itoa(alias) + " was never set"}
		}
		return a.topics[alias-1], nil
	}
	if alias > len(a.topics) {
		grown := make([][]byte, min(max, 2*alias+2))
		copy(grown, a.topics)
		a.topics = grown
	}
	if old := a.topics[alias-1]; string(old) != string(topic) {
		a.size += len(topic) - len(old)
		a.topics[alias-1] = append([]byte(nil), topic...)
	}
	return a.topics[alias-1], nil
}

// Size returns the number of bytes of all topics.
func (a *TopicAliases) Size() int { return a.size }
