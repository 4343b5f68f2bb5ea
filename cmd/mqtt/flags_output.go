package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/format"
	"mqtt/internal/proto"
)

// outputFlags say how messages are printed. sub and rr share them.
type outputFlags struct {
	verbose, noNewline bool
	format             string
	json, pretty       bool
	payload            string
}

func (f *outputFlags) register(fs *pflag.FlagSet) {
	fs.BoolVarP(&f.verbose, "verbose", "v", false, "print the topic before the payload")
	fs.StringVarP(&f.format, "format", "F", "", "print as `FORMAT` says: %t topic, %p payload, ...; see mqtt help formats")
	fs.BoolVarP(&f.json, "json", "J", false, "print a line of JSON for each message, which pub -J reads")
	fs.BoolVar(&f.pretty, "pretty", false, "print JSON over several lines")
	fs.BoolVarP(&f.noNewline, "no-newline", "N", false, "print nothing behind a payload")
	fs.StringVar(&f.payload, "payload", "text", "print payloads in `FORM`: text, hex or base64")
}

// open compiles the format.
func (f *outputFlags) open(e *cli.Env, fs *pflag.FlagSet) (*output, error) {
	o := &output{w: e.Out, e: e}
	encoding, err := format.ParseEncoding(f.payload)
	if err != nil {
		return nil, cli.BadFlag("--payload", ": "+err.Error(), "expected text, hex or base64")
	}
	options := format.Options{NoNewline: f.noNewline, Visible: e.TTYOut, Pretty: f.pretty, Payload: encoding}
	formatted := fs.Changed("format") // an empty one has a line end, and nothing before it
	switch {
	case f.json && formatted:
		return nil, cli.Conflict("-J", "-F")
	case f.json:
		o.form, o.timed = &format.JSON{Pretty: f.pretty}, true
	case formatted:
		c, err := format.Compile(f.format, options)
		if err != nil {
			return nil, cli.BadFlag("-F", ": "+err.Error(), "mqtt help formats lists the escapes")
		}
		o.form, o.timed = c, true
	case f.verbose:
		o.form = &format.Verbose{Options: options}
	default:
		o.form = &format.Plain{Options: options}
	}
	if f.pretty && !f.json && !formatted {
		return nil, cli.BadFlag("--pretty", " without JSON", "it belongs to -J, or to -F with %j or %J")
	}
	return o, nil
}

// output prints messages, many in one write while more is at hand.
type output struct {
	w     io.Writer
	e     *cli.Env
	form  format.Output
	timed bool // the form prints times
	buf   []byte
	now   time.Time // when the messages at hand came; zero while none is
	msg   format.Message
	lost  bool // something could not be written
}

// message prints p, at the latest with the next flush.
func (o *output) message(v proto.Version, p *proto.Publish) error {
	if o.timed && o.now.IsZero() {
		o.now = time.Now() // one read brought them all
	}
	o.msg = format.Message{Received: o.now, Version: v, Publish: p}
	o.buf = o.form.Append(o.buf, &o.msg)
	if err := o.form.Warning(); err != nil {
		o.e.Warn("%s: %v", p.Topic, err)
	}
	if len(o.buf) >= cli.OutputBuffer {
		return o.write()
	}
	return nil
}

// flush prints what is held back. The network is waited for next.
func (o *output) flush() error {
	o.now = time.Time{}
	return o.write()
}

// due returns zero: nothing is drawn by the clock.
func (o *output) due() time.Time { return time.Time{} }

func (o *output) close() {}

func (o *output) write() error {
	if len(o.buf) == 0 {
		return nil
	}
	_, err := o.w.Write(o.buf)
	if cap(o.buf) > 1<<20 {
		o.buf = nil
	}
	o.buf = o.buf[:0]
	o.lost = o.lost || err != nil
	switch {
	case err == nil:
		return nil
	case cli.ClosedPipe(err):
		return cli.ErrQuiet
	}
	return fmt.Errorf("write output: %w", err)
}
