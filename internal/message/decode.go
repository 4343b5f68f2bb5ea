package message

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/decode"
	"mqtt/internal/format"
	"mqtt/internal/jsonline"
	"mqtt/internal/proto"
)

// DecodeFlags say what the payloads of received messages mean, and what they must be. sub and rr share
// them.
type DecodeFlags struct {
	rules     []string
	schema    SchemaFlag
	onInvalid string
}

// RegisterDecode adds --decode to fs.
func (f *DecodeFlags) RegisterDecode(fs *pflag.FlagSet) {
	cli.ListVar(fs, &f.rules, "decode", "", "decode `[FILTER=]FORMAT` (repeatable; mqtt help payloads)")
}

// Register adds --decode, --schema and --on-invalid to fs.
func (f *DecodeFlags) Register(fs *pflag.FlagSet) {
	f.RegisterDecode(fs)
	f.schema.Register(fs, "payload")
	fs.StringVar(&f.onInvalid, "on-invalid", "warn", "for invalid payloads, `ACTION`: warn or stop (--schema: stop)")
}

// Given reports whether payloads are to be decoded or checked.
func (f *DecodeFlags) Given() bool { return len(f.rules) > 0 || f.schema.Given() }

// decodeHint names the formats.
func decodeHint() string { return "expected " + strings.Join(decode.Formats, ", ") }

// readSchema reads a schema or descriptor set.
func readSchema(name string) ([]byte, error) { return os.ReadFile(name) }

// Compile returns the decoder that the flags describe, nil if payloads are neither decoded nor checked.
func (f *DecodeFlags) Compile(e *cli.Env, fs *pflag.FlagSet) (*Decoder, error) {
	schema, err := f.schema.Compile(fs)
	if err != nil {
		return nil, err
	}
	d := &Decoder{Warn: e.Warn, schema: schema, stop: schema != nil}
	chosen := fs.Changed("on-invalid")
	switch {
	case !chosen:
	case f.onInvalid == "warn" || f.onInvalid == "stop":
		d.stop = f.onInvalid == "stop"
	default:
		return nil, cli.BadValue("--on-invalid", f.onInvalid, "expected warn or stop")
	}
	if !f.Given() {
		if chosen {
			return nil, cli.BadFlag("--on-invalid", " without --decode or --schema", "these say which payloads are invalid")
		}
		return nil, nil
	}
	if len(f.rules) == 0 {
		return d, nil
	}
	if payload, err := fs.GetString("payload"); err == nil && payload != "text" {
		return nil, cli.Conflict("--payload", "--decode")
	}
	d.rules, err = decode.NewRules(f.rules, decode.Options{ReadFile: readSchema, Note: func(text string) { d.Warn("%s", text) }})
	if rule, ok := errors.AsType[*decode.RuleError](err); ok {
		return nil, cli.BadFlag("--decode", " "+cli.Quote(rule.Spec)+": "+rule.Error(), decodeHint())
	}
	return d, err
}

// Decoder decodes the payloads of received messages, and checks them. nil does neither.
type Decoder struct {
	Warn func(format string, args ...any) // takes warnings; set by Compile to those of the Env

	rules  *decode.Rules // nil: payloads stay as they are
	schema *Schema       // nil: they are not checked
	stop   bool          // at the first payload that is invalid
	text   []byte
	failed bool // the last payload could not be decoded

	checked, faulty uint64 // payloads, with a schema

	mu sync.Mutex // for Explain
}

// Decode returns the payload of p as a line of JSON, or nil if it is not to be decoded. It is valid
// until the next call. A payload that cannot be decoded is reported and returned in base64; with
// --on-invalid stop, that is the error.
func (d *Decoder) Decode(p *proto.Publish) ([]byte, error) {
	if d == nil || d.rules == nil {
		return nil, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	text, ok, err := d.rules.Decode(d.text[:0], p)
	if cap(d.text) > outputKept {
		d.text = nil
	}
	if d.failed = ok && err != nil; !ok {
		return nil, nil
	}
	if err == nil {
		d.text = text
		return text, nil
	}
	if err := d.invalid(p, fmt.Errorf("the payload cannot be decoded %w", err)); err != nil {
		return nil, err
	}
	text = jsonline.AppendBase64(append(text[:0], `{"undecoded_base64":`...), p.Payload)
	d.text = append(text, '}')
	return d.text, nil
}

// Check checks the payload of p, which was decoded unless decoded is nil, against the schema. A payload
// that does not fit is reported; with --on-invalid stop, that is the error. One that could not be
// decoded was reported by Decode.
func (d *Decoder) Check(p *proto.Publish, decoded []byte) error {
	if d == nil || d.schema == nil {
		return nil
	}
	d.checked++
	if d.failed {
		return nil
	}
	body := p.Payload
	if decoded != nil {
		body = decoded
	}
	if err := d.schema.Fault(body); err != nil {
		return d.invalid(p, err)
	}
	return nil
}

// invalid returns the error that ends the run because of the payload of p, or reports it and returns
// nil. With a schema, invalid payloads are counted, and only the first are reported.
func (d *Decoder) invalid(p *proto.Publish, why error) error {
	if d.stop {
		return &invalidError{cli.Fail(cli.ExitExpected, "--on-invalid warn goes on after such payloads", "%s: %w", p.Topic, why)}
	}
	if d.schema != nil {
		if d.faulty++; d.faulty > RefusalsShown {
			return nil
		}
	}
	d.Warn("%s: %v", p.Topic, why)
	return nil
}

// Summary reports how many payloads were invalid, if they were counted and there were any.
func (d *Decoder) Summary() {
	if d != nil && d.schema != nil && d.faulty > 0 {
		d.Warn("invalid payloads: %s of %s", format.Count(d.faulty), format.Count(d.checked))
	}
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
	if d.rules == nil {
		return "", false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	b, ok, err := d.rules.Again(nil, p)
	return string(b), ok && err == nil
}
