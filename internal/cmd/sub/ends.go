package sub

import (
	"errors"
	"time"

	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/connect"
	"mqtt/internal/message"
	"mqtt/internal/proto"
)

// endFlags say when the run ends, and what must have arrived by then.
type endFlags struct {
	number             int
	waitText, idleText string
	matchText          string
	expect             int
	expectNone         bool

	wait, idle time.Duration
	match      *message.Query
}

// register adds the flags to fs.
func (f *endFlags) register(fs *pflag.FlagSet) {
	fs.IntVarP(&f.number, "count", "C", 0, "end after `N` messages")
	fs.StringVarP(&f.waitText, "timeout", "W", "", "end with status 27 after `SECONDS`")
	fs.StringVar(&f.idleText, "idle-timeout", "", "end after `SECONDS` without a message")
	fs.StringVar(&f.matchText, "match", "", "end at the first payload for which the jq `EXPR` is true")
	fs.IntVar(&f.expect, "expect", 0, "end after `N` messages; status 8 if fewer arrive in time")
	fs.BoolVar(&f.expectNone, "expect-none", false, "succeed only if no message arrives (requires a limit)")
}

// compile checks the flags.
func (f *endFlags) compile(fs *pflag.FlagSet) error {
	if fs.Changed("count") && f.number < 1 {
		return cli.BadNumber("-C", f.number, "expected 1 or more")
	}
	if fs.Changed("expect") && f.expect < 1 {
		return cli.BadNumber("--expect", f.expect, "expected 1 or more; to expect none: --expect-none")
	}
	var err error
	if f.wait, err = positive(fs, "timeout", "-W", f.waitText); err != nil {
		return err
	}
	if f.idle, err = positive(fs, "idle-timeout", "--idle-timeout", f.idleText); err != nil {
		return err
	}
	if f.match, err = message.NewQuery("--match", f.matchText); err != nil {
		return err
	}
	given := 0
	for _, on := range []bool{f.number > 0, f.match != nil, f.expect > 0, f.expectNone} {
		if on {
			given++
		}
	}
	switch {
	case given > 1:
		return &cli.UsageError{Flag: "-C", Others: []string{"--match", "--expect", "--expect-none"}, What: "-C, --match, --expect and --expect-none", Hint: "give one of them"}
	case f.expectNone && f.wait == 0 && f.idle == 0:
		return cli.BadFlag("--expect-none", " without an end", "say how long to wait: -W SECONDS")
	}
	return nil
}

// positive parses a duration above 0. It returns 0 if the flag is not given.
func positive(fs *pflag.FlagSet, name, flag, text string) (time.Duration, error) {
	if !fs.Changed(name) {
		return 0, nil
	}
	d, err := cli.ParseDuration(flag, text)
	if err == nil && d <= 0 {
		err = cli.BadValue(flag, text, "expected more than 0 seconds")
	}
	return d, err
}

// receiveMaximum limits how much more than will be printed the server sends.
func (f *endFlags) receiveMaximum(p *connect.Plan) {
	c := &p.Cfg.Connect
	if n := max(f.number, f.expect); n > 0 && n < 20 && c.Version == proto.V5 && !c.Props.Has(proto.ReceiveMaximum) {
		c.Props = c.Props.AppendNum(proto.ReceiveMaximum, uint32(n))
	}
}

// enough reports whether n printed messages are all that is wanted.
func (f *endFlags) enough(n int) bool {
	return f.number > 0 && n >= f.number || f.expect > 0 && n >= f.expect || f.match != nil || f.expectNone
}

// idleLimit returns until when the next message must arrive, zero for no limit.
func (f *endFlags) idleLimit(last time.Time) time.Time {
	if f.idle == 0 {
		return time.Time{}
	}
	return last.Add(f.idle)
}

// errIdle is the cause of a context that --idle-timeout ended.
var errIdle = errors.New("no message arrived within the idle timeout")

// limit returns the flag that set the limit behind cause.
func (f *endFlags) limit(cause error) string {
	if cause == errIdle {
		return "--idle-timeout " + f.idleText
	}
	return "-W " + f.waitText
}

// verdict returns the error of a run that printed n messages. cause is cli.ErrTimeout, errIdle, the
// context's error after a signal, or nil if the messages themselves ended the run.
func (f *endFlags) verdict(cause error, n int) error {
	over := f.limit(cause)
	ended := cause == cli.ErrTimeout || cause == errIdle
	switch {
	case f.expectNone && n > 0:
		return cli.Fail(cli.ExitExpected, "", "a message arrived, but none was expected")
	case f.expectNone && ended:
		return nil
	case cause == nil:
		return nil
	case f.expect > 0 && ended:
		return cli.Fail(cli.ExitExpected, "", "%d of %d expected messages arrived before the timeout (%s)", n, f.expect, over)
	case f.match != nil && ended:
		return cli.Fail(cli.ExitExpected, "", "no payload matched %s before the timeout (%s)", f.matchText, over)
	case cause == errIdle && f.number > 0:
		return cli.Fail(cli.ExitExpected, "", "%d of %d messages arrived before the timeout (%s)", n, f.number, over)
	case cause == errIdle:
		return nil
	case cause == cli.ErrTimeout && f.number > 0:
		return cli.Fail(cli.ExitTimeout, "", "%d of %d messages arrived before the timeout (%s)", n, f.number, over)
	case cause == cli.ErrTimeout:
		return cli.Fail(cli.ExitTimeout, "", "timed out (%s)", over)
	case f.number == 0 && f.expect == 0 && f.match == nil && !f.expectNone:
		return cli.ErrQuiet // Ctrl-C is the ordinary end
	}
	return cause
}
