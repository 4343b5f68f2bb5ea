package main

import (
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"mqtt/internal/proto"
)

// endFlags say when it is enough.
type endFlags struct {
	number             int
	waitText, idleText string
	wait, idle         time.Duration
}

func (f *endFlags) register(fs *pflag.FlagSet) {
	fs.IntVarP(&f.number, "count", "C", 0, "end after `N` messages")
	fs.StringVarP(&f.waitText, "timeout", "W", "", "end after `SECONDS` in all, with exit status 27")
	fs.StringVar(&f.idleText, "idle-timeout", "", "end when no message came for `SECONDS`")
}

func (f *endFlags) compile(fs *pflag.FlagSet) error {
	if fs.Changed("count") && f.number < 1 {
		return usage("-C "+strconv.Itoa(f.number), "expected 1 or more")
	}
	var err error
	if fs.Changed("timeout") {
		if f.wait, err = readDuration("-W", f.waitText); err != nil {
			return err
		}
		if f.wait <= 0 {
			return usage("-W "+quoted(f.waitText), "expected more than 0 seconds")
		}
	}
	if fs.Changed("idle-timeout") {
		if f.idle, err = readDuration("--idle-timeout", f.idleText); err != nil {
			return err
		}
		if f.idle <= 0 {
			return usage("--idle-timeout "+quoted(f.idleText), "expected more than 0 seconds")
		}
	}
	return nil
}

// receiveMaximum keeps a server from sending far more than -C will print.
func (f *endFlags) receiveMaximum(p *plan) {
	c := &p.cfg.Connect
	if f.number > 0 && f.number < 20 && c.Version == proto.V5 && !c.Props.Has(proto.ReceiveMaximum) {
		c.Props = c.Props.AppendNum(proto.ReceiveMaximum, uint32(f.number))
	}
}

// open tells whether nothing but an interrupt is to end the run.
func (f *endFlags) open() bool { return f.number == 0 }

func (f *endFlags) enough(n int) bool { return f.number > 0 && n >= f.number }

// idleLimit is until when the next message must have come.
func (f *endFlags) idleLimit(last time.Time) time.Time {
	if f.idle == 0 {
		return time.Time{}
	}
	return last.Add(f.idle)
}

// timeout is the end by -W.
func (f *endFlags) timeout(n int) error {
	if f.number > 0 {
		return fail(exitTimeout, "", "%d of %d messages came before -W %s ran out", n, f.number, f.waitText)
	}
	return fail(exitTimeout, "", "-W %s ran out", f.waitText)
}
