package message

import (
	"io"
	"time"

	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/format"
	"mqtt/internal/proto"
)

// OutputFlags are the flags that say how messages are printed. sub and rr share them.
type OutputFlags struct {
	JSON, Verbose bool

	noNewline bool
	format    string
	pretty    bool
	payload   string
}

// Register adds the flags to fs.
func (f *OutputFlags) Register(fs *pflag.FlagSet) {
	fs.BoolVarP(&f.Verbose, "verbose", "v", false, "print the topic before the payload")
	fs.StringVarP(&f.format, "format", "F", "", "print in `FORMAT`: %t topic, %p payload (mqtt help formats)")
	fs.BoolVarP(&f.JSON, "json", "J", false, "print each message as a line of JSON, which pub -J reads")
	fs.BoolVar(&f.pretty, "pretty", false, "print JSON over several lines")
	fs.BoolVarP(&f.noNewline, "no-newline", "N", false, "print no newline after a payload")
	fs.StringVar(&f.payload, "payload", "text", "print payloads as `FORM`: text, hex or base64")
}

// Open returns an Output that prints to w, which is stdout.
func (f *OutputFlags) Open(e *cli.Env, w io.Writer, fs *pflag.FlagSet) (*Output, error) {
	o := &Output{w: w, e: e}
	encoding, err := format.ParseEncoding(f.payload)
	if err != nil {
		return nil, cli.BadValue("--payload", f.payload, "expected text, hex or base64")
	}
	options := format.Options{NoNewline: f.noNewline, Visible: e.TTYOut, Pretty: f.pretty, Payload: encoding,
		Ink: format.NewPalette(e.Colored(e.TTYOut)), Mark: f.mark(e)}
	formatted := fs.Changed("format") // an empty format prints only a line end
	switch {
	case f.JSON && formatted:
		return nil, cli.Conflict("-J", "-F")
	case f.JSON:
		o.form, o.timed = &format.JSON{Pretty: f.pretty, Ink: options.Ink}, true
	case formatted:
		c, err := format.Compile(f.format, options)
		if err != nil {
			return nil, cli.BadFlag("-F", ": "+err.Error(), "mqtt help formats lists the escapes")
		}
		o.form, o.timed = c, true
	case f.Verbose:
		o.form = &format.Verbose{Options: options, Null: e.Mosquitto()}
	default:
		o.form = &format.Plain{Options: options}
	}
	if f.pretty && !f.JSON && encoding != format.Text {
		return nil, cli.BadFlag("--pretty", " with --payload "+encoding.String(), "leave one of them out")
	}
	return o, nil
}

// mark returns what tells the lines of one payload from several messages: a person may take them for
// that, and a program may not get more than the payload.
func (f *OutputFlags) mark(e *cli.Env) string {
	switch {
	case !e.TTYOut || f.noNewline || e.Mosquitto():
		return ""
	case e.Draws(true):
		return "│ "
	}
	return "| "
}

// outputKept is the capacity of the buffer that is kept after a large message.
const outputKept = 1 << 20

// Output is a Sink that prints each message, many in one write while more are at hand.
type Output struct {
	w     io.Writer
	e     *cli.Env // gets warnings
	form  format.Output
	timed bool // the form prints times
	buf   []byte
	now   time.Time // when the messages since the last Flush were received; zero if there are none
	msg   format.Message
	lost  bool
}

// Put prints p, at the latest with the next Flush.
func (o *Output) Put(v proto.Version, p *proto.Publish, decoded []byte) error {
	if o.timed && o.now.IsZero() {
		o.now = time.Now() // one read brought all messages up to the next Flush
	}
	o.msg = format.Message{Received: o.now, Version: v, Publish: p, Decoded: decoded}
	o.buf = o.form.Append(o.buf, &o.msg)
	if err := o.form.Warning(); err != nil {
		o.e.Warn("%s: %v", p.Topic, err)
	}
	if len(o.buf) >= cli.OutputBuffer {
		return o.write()
	}
	return nil
}

// Flush writes the messages that are not written yet.
func (o *Output) Flush() error {
	o.now = time.Time{}
	return o.write()
}

// Due returns zero: an Output depends on no clock.
func (o *Output) Due() time.Time { return time.Time{} }

// Lost reports whether a write failed.
func (o *Output) Lost() bool { return o.lost }

// Close does nothing.
func (o *Output) Close() {}

func (o *Output) write() error {
	if len(o.buf) == 0 {
		return nil
	}
	_, err := o.w.Write(o.buf)
	if cap(o.buf) > outputKept || err != nil { // a write that was given up still has the buffer
		o.buf = nil
	}
	o.buf = o.buf[:0]
	o.lost = o.lost || err != nil
	return cli.WriteError(err)
}
