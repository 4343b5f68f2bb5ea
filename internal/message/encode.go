package message

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/decode"
)

// EncodeFlags say what becomes of JSON before it is published. pub and rr share them.
type EncodeFlags struct{ format string }

// Register adds the flag to fs.
func (f *EncodeFlags) Register(fs *pflag.FlagSet) {
	fs.StringVar(&f.format, "encode", "", "encode JSON payloads in `FORMAT` (mqtt help payloads)")
}

// Given reports whether payloads are to be encoded.
func (f *EncodeFlags) Given() bool { return f.format != "" }

// Compile returns the codec, nil for none.
func (f *EncodeFlags) Compile() (decode.Codec, error) {
	if f.format == "" {
		return nil, nil
	}
	codec, err := decode.New(f.format, decode.Options{ReadFile: readSchema})
	if err != nil {
		return nil, cli.BadFlag("--encode", " "+cli.Quote(f.format)+": "+err.Error(), "expected "+strings.Join(decode.Formats[1:], ", "))
	}
	return codec, nil
}

// Encoded is a source whose payloads are JSON, and are published in another format.
type Encoded struct {
	Source
	Codec decode.Codec
	Name  func(number uint64) string // of a message, for errors

	msg Message
	buf []byte
}

// Next returns the next message, encoded.
func (s *Encoded) Next(now time.Time) (*Message, error) {
	m, err := s.Source.Next(now)
	if err != nil {
		return nil, err
	}
	s.msg = *m
	if s.buf, err = s.Codec.Encode(s.buf[:0], m.Topic, m.Payload); err != nil {
		return nil, badLine(fmt.Sprintf("%s: it cannot be encoded: %v", s.Name(m.Number), err), "")
	}
	s.msg.Payload = s.buf
	return &s.msg, nil
}
