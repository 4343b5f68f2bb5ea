package message

import (
	"strconv"
	"time"
	"unicode/utf8"

	"mqtt/internal/proto"
)

// lineName names a line in errors.
func lineName(number uint64) string { return "line " + strconv.FormatUint(number, 10) }

// CheckPayload rejects a payload that is not the UTF-8 text that its Payload Format Indicator promises: 3.1.3.2.3 and
// 3.3.2.3.2. name names the message in the error.
func CheckPayload(name string, ps proto.Props, payload []byte) error {
	if len(ps) == 0 || ps.Num(proto.PayloadFormatIndicator, 0) != 1 || utf8.Valid(payload) {
		return nil
	}
	return usage(name+": payload that is not UTF-8, with payload-format-indicator 1", "leave the indicator out: then the payload may be any bytes")
}

// Text is a source whose messages are checked with CheckPayload before they are sent: a server may refuse such a
// message, or hand it on to a subscriber that does not expect it.
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
		err = CheckPayload(t.Name(m.Number), m.Props, m.Payload)
	}
	return m, err
}
