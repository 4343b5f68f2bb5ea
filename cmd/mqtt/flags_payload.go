package main

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/connect"
	"mqtt/internal/message"
	"mqtt/internal/proto"
)

// payloadFlags say where payloads come from. pub and rr share them.
type payloadFlags struct {
	message      string
	file         string
	stdin        bool
	lines        bool
	null         bool
	delimiter    string
	nul          bool
	keyDelimiter string
	skipEmpty    bool

	hasMessage bool
	records    bool // lines are records of JSON: pub -J
	repeat     int  // of one message: pub --repeat
}

func (f *payloadFlags) register(fs *pflag.FlagSet) {
	cli.OnceVar(fs, &f.message, "message", "m", "publish `MESSAGE`")
	cli.OnceVar(fs, &f.file, "file", "f", "publish the content of `FILE`; - is stdin")
	fs.BoolVarP(&f.stdin, "stdin-file", "s", false, "publish all of stdin as one message")
	fs.BoolVarP(&f.lines, "stdin-line", "l", false, "publish each line of stdin")
	fs.BoolVarP(&f.null, "null-message", "n", false, "publish an empty message; with -r that clears a retained one")
	fs.StringVar(&f.delimiter, "delimiter", "\n", "with -l: `BYTES` end a line; \\n, \\t, \\xHH are known, and several are fine")
	fs.BoolVarP(&f.nul, "null", "0", false, "with -l: lines end with NUL")
	fs.StringVarP(&f.keyDelimiter, "key-delimiter", "K", "", "with -l: the topic stands on each line, before `SEP`")
	fs.BoolVar(&f.skipEmpty, "skip-empty", false, "with -l: leave out empty lines")
}

// check refuses none and more than one source.
func (f *payloadFlags) check(fs *pflag.FlagSet, repeated bool) error {
	f.hasMessage = fs.Changed("message")
	var given []string
	for _, s := range []struct {
		flag string
		on   bool
	}{{"-m", f.hasMessage}, {"-f", fs.Changed("file")}, {"-s", f.stdin}, {"-l", f.lines}, {"-n", f.null}, {"-J", f.records}} {
		if s.on {
			given = append(given, s.flag)
		}
	}
	if f.keyDelimiter != "" && len(given) == 0 || f.nul && len(given) == 0 {
		f.lines = true
		given = append(given, "-l")
	}
	switch {
	case len(given) == 0:
		return cli.Usage("no payload", "give one of -m MESSAGE, -f FILE, -s, -l, -n (an empty message)")
	case len(given) > 1:
		return cli.Conflict(given[0], given[1:]...)
	case f.readsStdin() && connect.PasswordFromStdin(fs):
		return cli.BadFlag("--password-file", " - with "+given[0], "stdin can be read once: name a file for one of them")
	case f.streams() && repeated:
		return cli.BadFlag("--repeat", " with "+given[0], "it repeats one message: -m, -f, -s or -n")
	case !f.lines && (f.nul || fs.Changed("delimiter") || f.keyDelimiter != "" || f.skipEmpty):
		return &cli.UsageError{Flag: "-0", Others: []string{"--delimiter", "-K", "--skip-empty"}, What: "-0, --delimiter, -K and --skip-empty need -l", Hint: "add -l"}
	case f.nul && fs.Changed("delimiter"):
		return cli.Conflict("-0", "--delimiter")
	}
	if f.nul {
		f.delimiter = `\0`
	}
	var err error
	if f.delimiter, err = unescape("--delimiter", f.delimiter); err != nil {
		return err
	}
	if f.delimiter == "" {
		return cli.BadFlag("--delimiter", " is empty", "expected at least one byte, such as \\n")
	}
	f.keyDelimiter, err = unescape("-K", f.keyDelimiter)
	return err
}

// readsStdin tells whether payloads come from stdin.
func (f *payloadFlags) readsStdin() bool { return f.stdin || f.file == "-" || f.streams() }

// streams tells whether messages come one after the other from stdin.
func (f *payloadFlags) streams() bool { return f.lines || f.records }

// namesTopics tells whether each message brings its topic.
func (f *payloadFlags) namesTopics() bool { return f.keyDelimiter != "" }

// name names the message with that number, for errors.
func (f *payloadFlags) name(number uint64) string {
	switch {
	case f.streams():
		return "line " + strconv.FormatUint(number, 10)
	case f.repeat > 1:
		return "message " + strconv.FormatUint(number, 10)
	}
	return "message"
}

// sourceOptions say what a source has besides its payloads.
type sourceOptions struct {
	base       proto.Publish // of every message
	delay      time.Duration // between repeats
	pace       float64       // of records
	jq         *message.Query
	allowClear bool          // an empty line may clear a retained message
	wake       func()        // called when there are more messages
	read       *atomic.Int64 // counts the bytes of stdin that were read
}

// open returns the source.
func (f *payloadFlags) open(ctx context.Context, e *cli.Env, o sourceOptions) (src message.Source, err error) {
	if f.streams() {
		lines := message.NewLines(e.In, message.LineOptions{
			Base: o.base, Delimiter: []byte(f.delimiter), Key: []byte(f.keyDelimiter), SkipEmpty: f.skipEmpty || f.records,
			RejectEmpty: o.base.Retain && !o.allowClear && !f.records, Wake: o.wake, Read: o.read,
		})
		src = lines
		if f.records {
			src = message.NewRecords(lines, message.RecordOptions{Base: o.base, Pace: o.pace, AllowClear: o.allowClear,
				Warn: func(what string) { e.Warn("%s", what) }})
		}
	} else {
		if o.base.Payload, err = f.whole(ctx, e); err != nil {
			return nil, err
		}
		if o.jq == nil { // which would make text of any payload
			if err := connect.CheckPayload("message", o.base.Props, o.base.Payload); err != nil {
				return nil, err
			}
		}
		src = message.NewRepeated(o.base, max(f.repeat, 1), o.delay)
	}
	if o.jq != nil {
		src = &message.Filtered{Source: src, Query: o.jq, Name: f.name, Ctx: ctx}
	}
	if o.base.Props.Num(proto.PayloadFormatIndicator, 0) == 1 && !f.records {
		src = &message.Text{Source: src, Name: f.name}
	}
	return src, nil
}

// newQuery compiles the jq expression of a flag; the empty one is nil.
func newQuery(flag, expr string) (*message.Query, error) {
	q, err := message.NewQuery(flag, expr)
	return q, asUsage(err)
}

// asUsage returns err as an error of this command line if it is one of package message.
func asUsage(err error) error {
	var wrong *message.Error
	switch {
	case !errors.As(err, &wrong):
		return err
	case wrong.TooLarge:
		return cli.Fail(cli.ExitPublish, wrong.Hint, "%w", err)
	}
	return cli.Usage(err.Error(), wrong.Hint)
}
