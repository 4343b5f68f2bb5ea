package format

import (
	"errors"
	"time"

	"mqtt/internal/proto"
)

// Message is what an output prints. It copies nothing: Publish may alias the frame
// that it was decoded from, and is not kept.
type Message struct {
	Received time.Time // when it came
	Version  proto.Version
	Publish  *proto.Publish
}

// Output prints messages. It belongs to one goroutine.
type Output interface {
	// Append appends m as it is to be printed, its line end included.
	Append(dst []byte, m *Message) []byte
	// Warning tells what could not be printed as asked in the last message
	// appended, nil if nothing: ErrNotJSON, ErrNotFloat, ErrNotDouble. The message
	// was printed all the same.
	Warning() error
}

// What an Output may warn of.
var (
	ErrNotJSON   = errors.New("payload is not JSON, printed as a string")
	ErrNotFloat  = errors.New("payload is not a float of 4 bytes")
	ErrNotDouble = errors.New("payload is not a double of 8 bytes")
)

// Options say how all outputs but JSON print.
type Options struct {
	NoNewline bool           // nothing is put behind a message
	Visible   bool           // what could drive a terminal is shown, not sent
	Pretty    bool           // JSON is indented
	Payload   Encoding       // of the payload where it stands as it is
	Zone      *time.Location // nil is local time
}

func (o *Options) end(dst []byte) []byte {
	if o.NoNewline {
		return dst
	}
	return append(dst, '\n')
}

// payload appends b in the encoding asked for.
func (o *Options) payload(dst, b []byte) []byte {
	if o.Payload == Text && o.Visible {
		return Visible(dst, b)
	}
	return o.Payload.Append(dst, b)
}

// line appends a topic or property, which are text of one line.
func (o *Options) line(dst, b []byte) []byte {
	if o.Visible {
		return VisibleLine(dst, b)
	}
	return append(dst, b...)
}
