package message

import (
	"context"
	"io"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/connect"
	"mqtt/internal/decode"
	"mqtt/internal/proto"
)

// Flags are the flags that say where payloads come from. pub and rr share them.
type Flags struct {
	message      string
	file         string
	stdin        bool
	lines        bool
	null         bool
	delimiter    string
	nul          bool
	keyDelimiter string
	skipEmpty    bool
	skipBad      bool

	// Set before Check by a command that has such flags.
	Records bool // lines are records of JSON: pub -J
	Repeat  int  // of one message: pub --repeat

	hasMessage bool
}

// Register adds the flags to fs.
func (f *Flags) Register(fs *pflag.FlagSet) {
	cli.OnceVar(fs, &f.message, "message", "m", "publish `MESSAGE`")
	cli.OnceVar(fs, &f.file, "file", "f", "publish the content of `FILE`; -: of stdin")
	fs.BoolVarP(&f.stdin, "stdin-file", "s", false, "publish all of stdin as one message")
	fs.BoolVarP(&f.lines, "stdin-line", "l", false, "publish each line of stdin")
	fs.BoolVarP(&f.null, "null-message", "n", false, "publish an empty message; with -r: clear a retained one")
	fs.StringVar(&f.delimiter, "delimiter", "\n", "end lines with `BYTES`, such as \\t or \\x00 (requires -l)")
	fs.BoolVarP(&f.nul, "null", "0", false, "end lines with NUL (requires -l)")
	fs.StringVarP(&f.keyDelimiter, "key-delimiter", "K", "", "read the topic from each line, before `SEP` (requires -l)")
	fs.BoolVar(&f.skipEmpty, "skip-empty", false, "skip empty lines (requires -l)")
	fs.BoolVar(&f.skipBad, "skip-bad", false, "skip lines that cannot be sent; end with status 6")
}

// Check requires exactly one source, and flags that go with it. mosquitto's clients ignore --repeat
// where it means nothing, and so does lenient.
func (f *Flags) Check(fs *pflag.FlagSet, lenient bool) error {
	source, err := f.source(fs)
	switch {
	case err != nil:
		return err
	case f.ReadsStdin() && connect.PasswordFromStdin(fs):
		return cli.BadFlag("--password-file", " - with "+source, "stdin can be read only once: use a file for one of them")
	case f.Streams() && f.Repeat > 1 && !lenient:
		return cli.ConflictHint("it repeats one message: -m, -f, -s or -n", "--repeat", source)
	case !f.lines && (f.nul || fs.Changed("delimiter") || f.keyDelimiter != "" || f.skipEmpty):
		return &cli.UsageError{Flag: "-0", Others: []string{"--delimiter", "-K", "--skip-empty"},
			What: "-0, --delimiter, -K and --skip-empty need -l", Hint: "add -l"}
	case f.skipBad && !f.Streams():
		return cli.BadFlag("--skip-bad", " without lines", "add -l, or -J for pub")
	case f.nul && fs.Changed("delimiter"):
		return cli.Conflict("-0", "--delimiter")
	}
	if f.nul {
		f.delimiter = `\0`
	}
	if f.delimiter, err = unescape("--delimiter", f.delimiter); err != nil {
		return err
	}
	if f.delimiter == "" {
		return cli.BadFlag("--delimiter", " is empty", "expected at least one byte, such as \\n")
	}
	f.keyDelimiter, err = unescape("-K", f.keyDelimiter)
	return err
}

// source returns the flag that names the source.
func (f *Flags) source(fs *pflag.FlagSet) (string, error) {
	f.hasMessage = fs.Changed("message")
	var given []string
	for _, s := range []struct {
		flag string
		on   bool
	}{{"-m", f.hasMessage}, {"-f", fs.Changed("file")}, {"-s", f.stdin}, {"-l", f.lines}, {"-n", f.null}, {"-J", f.Records}} {
		if s.on {
			given = append(given, s.flag)
		}
	}
	if len(given) == 0 && (f.keyDelimiter != "" || f.nul) {
		f.lines = true
		given = append(given, "-l")
	}
	switch len(given) {
	case 0:
		return "", cli.Usage("no payload", "give one of -m MESSAGE, -f FILE, -s, -l, -n (an empty message)")
	case 1:
		return given[0], nil
	}
	return "", cli.Conflict(given[0], given[1:]...)
}

// ReadsStdin reports whether payloads come from stdin.
func (f *Flags) ReadsStdin() bool { return f.stdin || f.file == "-" || f.Streams() }

// Streams reports whether messages come one after the other from stdin.
func (f *Flags) Streams() bool { return f.lines || f.Records }

// NamesTopics reports whether each line names its topic.
func (f *Flags) NamesTopics() bool { return f.keyDelimiter != "" }

// CheckTopic checks the value of -t. Without it, each line or record must name its topic. hint says
// what to do about a topic with wildcards.
func (f *Flags) CheckTopic(topic, hint string) error {
	switch {
	case topic == "" && (f.NamesTopics() || f.Records):
		return nil
	case topic == "":
		return cli.Usage("no topic", "name one with -t TOPIC")
	case f.NamesTopics():
		return cli.ConflictHint("-K reads the topic from each line", "-t", "-K")
	}
	if err := proto.CheckTopic(topic); err != nil {
		return cli.BadFlag("-t", " "+cli.Quote(topic)+": "+err.Error(), cli.TopicHint(topic, hint))
	}
	return nil
}

// Name names the message with that number, for errors.
func (f *Flags) Name(number uint64) string {
	switch {
	case f.Streams():
		return lineName(number)
	case f.Repeat > 1:
		return "message " + strconv.FormatUint(number, 10)
	}
	return "message"
}

// Options say what a source has besides its payloads.
type Options struct {
	Base       proto.Publish // of every message
	Delay      time.Duration // between repeats
	Pace       float64       // of records; 0: as fast as possible
	Query      *Query        // makes other payloads of the payloads; may be nil
	Codec      decode.Codec  // encodes them; may be nil
	Way        string        // of the packets of a recording of mqtt proxy; "": records of messages
	AllowClear bool          // an empty line may clear a retained message
	Wake       func()        // called by another goroutine when Next may succeed after ErrWait; may be nil
	Read       *atomic.Int64 // counts the bytes of stdin that were read; may be nil
}

// Open returns the source. It reads the payload of -f and -s at once; that and expressions of Query
// end with ctx.
func (f *Flags) Open(ctx context.Context, e *cli.Env, o Options) (src Source, err error) {
	switch {
	case !e.TTYIn || !f.ReadsStdin():
	case f.Streams():
		e.Status("each line that you type is a message; %s ends", cli.InputEnd)
	default:
		e.Status("what you type is the message; %s on a line of its own ends it", cli.InputEnd)
	}
	if f.Streams() {
		src = f.openLines(e.In, o, func(what string) { e.Warn("%s", what) })
	} else {
		if o.Base.Payload, err = f.read(ctx, e, PayloadRoom(&o.Base)); err != nil {
			return nil, err
		}
		if o.Query == nil && o.Codec == nil { // which would make something else of it
			if err := connect.CheckPayload("message", o.Base.Props, o.Base.Payload); err != nil {
				return nil, err
			}
		}
		src = NewRepeated(o.Base, max(f.Repeat, 1), o.Delay)
	}
	if o.Query != nil {
		src = &Filtered{Source: src, Query: o.Query, Name: f.Name, Ctx: ctx}
	}
	if o.Codec != nil {
		src = &Encoded{Source: src, Codec: o.Codec, Name: f.Name}
	}
	if o.Base.Props.Num(proto.PayloadFormatIndicator, 0) == 1 && !f.Records {
		src = &Text{Source: src, Name: f.Name}
	}
	return src, nil
}

// openLines returns the source of -l or -J.
func (f *Flags) openLines(in io.Reader, o Options, warn func(string)) Source {
	lines := NewLines(in, LineOptions{
		Base: o.Base, Delimiter: []byte(f.delimiter), Key: []byte(f.keyDelimiter), SkipEmpty: f.skipEmpty || f.Records,
		RejectEmpty: o.Base.Retain && !o.AllowClear && !f.Records, Warn: warn, Wake: o.Wake, Read: o.Read,
	})
	if !f.Records {
		return lines
	}
	return NewRecords(lines, RecordOptions{Base: o.Base, Pace: o.Pace, Way: o.Way, AllowClear: o.AllowClear, Warn: warn})
}
