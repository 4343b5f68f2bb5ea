package watch

import (
	"strings"

	"mqtt/internal/proto"
)

// A filter says which topics are shown.
type filter struct {
	number uint64 // changes with each filter
	text   string // in lower case; empty: all
	mqtt   string // the text as a topic filter, if it has wildcards
}

// matches reports whether the filter shows topic.
func (f *filter) matches(topic string) bool {
	switch {
	case f.text == "":
		return true
	case f.mqtt != "":
		return proto.Match(f.mqtt, []byte(topic))
	}
	return strings.Contains(strings.ToLower(topic), f.text)
}

// SetFilter shows only topics that contain text in upper or lower case, or that a topic filter with
// + or # matches, and the levels above them. The empty text shows all.
func (m *Model) SetFilter(text string) {
	f := filter{number: m.wanted.number + 1, text: strings.ToLower(text)}
	if strings.ContainsAny(text, "+#") && proto.CheckFilter(text) == nil {
		f.mqtt = text
	}
	m.wanted = f
	m.version++
	if text == "" {
		return
	}
	for _, n := range m.list {
		if n.hit != f.number && f.matches(n.topic) {
			n.mark(f.number)
		}
	}
}

// shows reports whether the filter shows n, which has messages.
func (m *Model) shows(n *node) bool {
	return n.count > 0 && (m.wanted.text == "" || n.hit == m.wanted.number)
}
