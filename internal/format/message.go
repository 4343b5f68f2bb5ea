package format

import (
	"errors"
	"time"

	"mqtt/internal/proto"
)

// Message is a message to print. Outputs do not keep Publish, so it may alias the frame
// that it was decoded from.
type Message struct {
	Received time.Time
	Version  proto.Version
	Publish  *proto.Publish
	Decoded  []byte // the payload as JSON, nil if it was not decoded
}

// body returns the payload as it is printed: decoded, if it was.
func (m *Message) body() []byte {
	if m.Decoded != nil {
		return m.Decoded
	}
	return m.Publish.Payload
}

// Output prints messages. It belongs to one goroutine.
type Output interface {
	// Append appends m and its line end.
	Append(dst []byte, m *Message) []byte
	// Warning returns ErrNotJSON, ErrNotFloat or ErrNotDouble if a payload did not have
	// the format that the last message was printed in, else nil. The message was printed
	// nevertheless.
	Warning() error
}

// The warnings of an Output.
var (
	ErrNotJSON   = errors.New("payload is not JSON, printed as a string")
	ErrNotFloat  = errors.New("payload is not a float of 4 bytes")
	ErrNotDouble = errors.New("payload is not a double of 8 bytes")
)

// Options apply to all outputs except JSON. Mark does not apply to a Format.
type Options struct {
	NoNewline bool           // do not end messages with a newline
	Visible   bool           // escape characters that could control a terminal
	Pretty    bool           // indent JSON
	Payload   Encoding       // of payloads that are not part of JSON or of a number
	Zone      *time.Location // nil: local time

	Ink  Palette // of topics and JSON
	Mark string  // before the lines of a payload after its first, so that they are not taken for messages

	json *jsonText // nil until it is needed
}

// end appends the line end of a message.
func (o *Options) end(dst []byte) []byte {
	if o.NoNewline {
		return dst
	}
	return append(dst, '\n')
}

// payload appends the payload b.
func (o *Options) payload(dst, b []byte) []byte {
	if o.Payload == Text && o.Visible {
		return Visible(dst, b)
	}
	return o.Payload.Append(dst, b)
}

// line appends b, a topic or a property, on one line.
func (o *Options) line(dst, b []byte) []byte {
	if o.Visible {
		return VisibleLine(dst, b)
	}
	return append(dst, b...)
}
