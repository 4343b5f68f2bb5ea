package message

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/decode"
	"mqtt/internal/jsonline"
	"mqtt/internal/proto"
)

// DecodeFlags say what the payloads of received messages mean. sub and rr share them.
type DecodeFlags struct {
	rules     []string
	onInvalid string
}

// RegisterDecode adds --decode to fs.
func (f *DecodeFlags) RegisterDecode(fs *pflag.FlagSet) {
	cli.ListVar(fs, &f.rules, "decode", "", "decode `[FILTER=]FORMAT` (repeatable; mqtt help payloads)")
}

// Register adds --decode and --on-invalid to fs.
func (f *DecodeFlags) Register(fs *pflag.FlagSet) {
	f.RegisterDecode(fs)
	fs.StringVar(&f.onInvalid, "on-invalid", "warn", "for payloads that cannot be decoded, `ACTION`: warn or stop")
}

// Given reports whether payloads are to be decoded.
func (f *DecodeFlags) Given() bool { return len(f.rules) > 0 }

// decodeHint names the formats.
func decodeHint() string { return "expected " + strings.Join(decode.Formats, ", ") }

// readSchema reads a schema or descriptor set.
func readSchema(name string) ([]byte, error) { return os.ReadFile(name) }

// Compile returns the decoder that the flags describe, nil if payloads are not decoded.
func (f *DecodeFlags) Compile(e *cli.Env, fs *pflag.FlagSet) (*Decoder, error) {
	d := &Decoder{Warn: e.Warn}
	switch f.onInvalid {
	case "warn", "":
	case "stop":
		d.stop = true
	default:
		return nil, cli.BadValue("--on-invalid", f.onInvalid, "expected warn or stop")
	}
	if !f.Given() {
		if fs.Changed("on-invalid") {
			return nil, cli.BadFlag("--on-invalid", " without --decode", "it is about payloads that --decode cannot decode")
		}
		return nil, nil
	}
	if payload, err := fs.GetString("payload"); err == nil && payload != "text" {
		return nil, cli.Conflict("--payload", "--decode")
	}
	var err error
	d.rules, err = decode.NewRules(f.rules, decode.Options{ReadFile: readSchema, Note: func(text string) { d.Warn("%s", text) }})
	if rule, ok := errors.AsType[*decode.RuleError](err); ok {
		return nil, cli.BadFlag("--decode", " "+cli.Quote(rule.Spec)+": "+rule.Error(), decodeHint())
	}
	return d, err
}

// Decoder decodes the payloads of received messages. nil decodes none.
type Decoder struct {
	Warn func(format string, args ...any) // takes warnings; set by Compile to those of the Env

	rules *decode.Rules
	stop  bool // at the first payload that cannot be decoded
	text  []byte

	mu sync.Mutex // for Explain
}

// Decode returns the payload of p as a line of JSON, or nil if it is not to be decoded. It is valid
// until the next call. A payload that cannot be decoded is reported and returned in base64; with
// --on-invalid stop, that is the error.
func (d *Decoder) Decode(p *proto.Publish) ([]byte, error) {
	if d == nil {
		return nil, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	text, ok, err := d.rules.Decode(d.text[:0], p)
	if cap(d.text) > outputKept {
		d.text = nil
	}
	if !ok {
		return nil, nil
	}
	if err == nil {
		d.text = text
		return text, nil
	}
	if d.stop {
		return nil, &invalidError{cli.Fail(cli.ExitExpected, "--on-invalid warn goes on after such payloads", "%s: the payload cannot be decoded %w", p.Topic, err)}
	}
	d.Warn("%s: the payload cannot be decoded %v", p.Topic, err)
	text = jsonline.AppendBase64(append(text[:0], `{"undecoded_base64":`...), p.Payload)
	d.text = append(text, '}')
	return d.text, nil
}

// invalidError is the error that ends a run at an invalid payload.
type invalidError struct{ error }

func (e *invalidError) Unwrap() error { return e.error }

// Invalid reports whether err ends the run because of an invalid payload. The message was not printed,
// so it is not acknowledged.
func Invalid(err error) bool {
	_, ok := errors.AsType[*invalidError](err)
	return ok
}

// Explain returns the payload of a message that was received earlier as JSON. It reports nothing, and
// learns no names of it. Any goroutine may call it.
func (d *Decoder) Explain(p *proto.Publish) (text string, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	b, ok, err := d.rules.Again(nil, p)
	return string(b), ok && err == nil
}

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
