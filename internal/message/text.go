package message

import (
	"strconv"
	"time"
	"unicode/utf8"

	"mqtt/internal/connect"
)

// lineName names a line in errors.
func lineName(number uint64) string { return "line " + strconv.FormatUint(number, 10) }

// Text is a source whose messages are checked with connect.CheckPayload before they are sent: a
// server may refuse such a message, or hand it on to a subscriber that does not expect it.
type Text struct {
	Source
	Name func(number uint64) string // of a message, for errors
}

// Next returns the next message of the source, once it is checked.
func (t *Text) Next(now time.Time) (*Message, error) {
	m, err := t.Source.Next(now)
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(m.Payload) {
		if err := connect.CheckPayload(t.Name(m.Number), m.Props, m.Payload); err != nil {
			return m, &BadLine{Err: err}
		}
	}
	return m, nil
}
