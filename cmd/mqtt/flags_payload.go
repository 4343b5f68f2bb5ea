package main

import (
	"context"
	"strings"

	"github.com/spf13/pflag"
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
}

func (f *payloadFlags) register(fs *pflag.FlagSet) {
	once(fs, &f.message, "message", "m", "publish `MESSAGE`")
	once(fs, &f.file, "file", "f", "publish the content of `FILE`; - is stdin")
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
		return usage("no payload", "give one of -m MESSAGE, -f FILE, -s, -l, -n (an empty message)")
	case len(given) > 1:
		return usage(strings.Join(given, " with "), "give one of them")
	case f.readsStdin() && passwordFromStdin(fs):
		return usage("--password-file - with "+given[0], "stdin can be read once: name a file for one of them")
	case f.streams() && repeated:
		return usage("--repeat with "+given[0], "it repeats one message: -m, -f, -s or -n")
	case !f.lines && (f.nul || fs.Changed("delimiter") || f.keyDelimiter != "" || f.skipEmpty):
		return usage("-0, --delimiter, -K and --skip-empty need -l", "add -l")
	case f.nul && fs.Changed("delimiter"):
		return usage("-0 with --delimiter", "give one of them")
	}
	if f.nul {
		f.delimiter = `\0`
	}
	var err error
	if f.delimiter, err = unescape("--delimiter", f.delimiter); err != nil {
		return err
	}
	if f.delimiter == "" {
		return usage("--delimiter is empty", "expected at least one byte, such as \\n")
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

// open returns the source. strict refuses empty lines.
func (f *payloadFlags) open(ctx context.Context, e *env, p *publisher, strict bool) (source, error) {
	if f.streams() {
		l := newLines(e.in, f, strict)
		p.progress = newProgress(e, &l.read)
		return l, nil
	}
	b, err := f.whole(ctx, e)
	return &repeated{payload: b, left: 1}, err
}
