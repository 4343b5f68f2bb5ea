package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"mqtt/internal/conn"
	"mqtt/internal/format"
	"mqtt/internal/proto"
	"mqtt/internal/session"
)

// pingFlags say how often and how long.
type pingFlags struct {
	connection
	count              int
	intervalText       string
	waitText           string
	json               bool
	qos                int // of the echo; -1 is PINGREQ
	interval, patience time.Duration
}

func newPing(e *env) *cobra.Command {
	f := &pingFlags{}
	c := &cobra.Command{
		Use:   "ping",
		Short: "Time the way to a server, or wait until it answers",
		Example: `  mqtt ping -h broker.example -C 5
  mqtt ping --wait 30s && run-the-tests`,
		Args: noArguments,
		RunE: e.settled(f.run),
	}
	fs := c.Flags()
	fs.SortFlags = false
	fs.IntVarP(&f.count, "count", "C", 0, "end after `N` round trips; without it, at Ctrl-C, or after one with --wait")
	fs.IntVarP(&f.qos, "qos", "q", -1, "publish to ourselves at QoS `N` and time the echo, in the place of PINGREQ")
	fs.StringVar(&f.intervalText, "interval", "1s", "`DURATION` from one round trip to the next")
	fs.StringVar(&f.waitText, "wait", "", "try for `DURATION` until the server answers")
	fs.BoolVarP(&f.json, "json", "J", false, "print lines of JSON")
	f.connection.register(fs, false)
	return c
}

func (f *pingFlags) run(ctx context.Context, e *env, c *cobra.Command) error {
	fs := c.Flags()
	var err error
	if f.interval, err = readDuration("--interval", f.intervalText); err != nil {
		return err
	}
	if fs.Changed("qos") && (f.qos < 0 || f.qos > 2) {
		return usage("-q "+strconv.Itoa(f.qos), "expected 0, 1 or 2")
	}
	if fs.Changed("count") && f.count < 1 {
		return usage("-C "+strconv.Itoa(f.count), "expected 1 or more")
	}
	if f.waitText != "" {
		if f.patience, err = readDuration("--wait", f.waitText); err != nil {
			return err
		}
		if !fs.Changed("count") {
			f.count = 1
		}
	}
	p, err := f.connection.plan(ctx, e, fs, proto.CONNECT, false)
	if err != nil {
		return err
	}
	ping := &pinger{e: e, f: f, plan: p, report: newPingReport(e, f.json)}
	ping.watchPhases(f.server.target)
	err = ping.untilAnswered(ctx)
	if ctx.Err() != nil && f.count == 0 && len(ping.report.trips) > 0 {
		err = errQuiet // Ctrl-C is how it is meant to end
	}
	ping.report.summary()
	return p.explain(err)
}

// pinger times one connection.
type pinger struct {
	e      *env
	f      *pingFlags
	plan   *plan
	report *pingReport

	topic string    // of the echo
	nonce string    // that the echo must carry
	began time.Time // when it was sent
}

// pauses between tries of --wait.
const (
	firstPause = 50 * time.Millisecond
	lastPause  = time.Second
)

// untilAnswered connects, again and again for --wait, and pings.
func (p *pinger) untilAnswered(ctx context.Context) error {
	try := ctx
	if p.f.patience > 0 {
		var cancel context.CancelFunc
		try, cancel = context.WithTimeout(ctx, p.f.patience)
		defer cancel()
	}
	deadline, _ := try.Deadline()
	pause := firstPause
	last := errors.New("the server did not answer")
	for {
		var s session.Session
		c, err := conn.Dial(try, p.plan.cfg, &s)
		if err == nil {
			return p.trips(ctx, c)
		}
		over := try.Err() != nil
		if !over {
			last = err
		}
		if p.f.patience == 0 || ctx.Err() != nil || !over && !conn.Lost(err) {
			return err
		}
		if over || time.Until(deadline) <= pause {
			return fail(exitOpening, "", "no answer within %s, the last try: %w", p.f.waitText, last)
		}
		p.report.trace = nil
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		pause = min(2*pause, lastPause)
	}
}

// trips sends PINGREQ at each interval and times the answers.
func (p *pinger) trips(ctx context.Context, c *conn.Conn) error {
	defer func() { bye(c, p.f.goodbye(p.plan)) }()
	if err := p.report.connected(c); err != nil {
		return err
	}
	if err := p.subscribe(ctx, c); err != nil {
		return err
	}
	due := time.Now()
	for n := 1; p.f.count == 0 || n <= p.f.count; n++ {
		if _, err := p.idle(ctx, c, due); err != nil {
			return err
		}
		due = due.Add(p.f.interval)
		began, err := p.ask(ctx, c)
		if err != nil {
			return err
		}
		p.report.sent++
		took, err := p.idle(ctx, c, began.Add(p.answerWithin()))
		if ctx.Err() != nil {
			p.report.sent-- // nobody waited for the answer
		}
		if err != nil {
			return err
		}
		if took == 0 {
			return fail(exitLost, "", "no answer to %s within %s", p.question(), format.Duration(p.answerWithin()))
		}
		if err := p.report.trip(took); err != nil {
			return err
		}
	}
	return nil
}

// answerWithin is how long a PINGRESP may take.
func (p *pinger) answerWithin() time.Duration {
	if t := p.plan.cfg.Timeout; t > 0 {
		return t
	}
	return 10 * time.Second
}

// idle takes events until limit, or until a Pong, whose time it returns.
func (p *pinger) idle(ctx context.Context, c *conn.Conn, limit time.Time) (time.Duration, error) {
	for {
		ev, err := c.NextBy(ctx, limit)
		switch {
		case err != nil:
			return 0, err
		case ev.Kind == conn.Pong:
			return max(ev.Took, 1), nil
		case ev.Kind == conn.Message && p.echoed(ev.Message):
			return max(time.Since(p.began), 1), nil
		case ev.Kind == conn.Delivered && ev.Reason.Failed():
			return 0, fail(exitPublish, "this user may not publish there", "publish to %s: %s%s", p.topic, ev.Reason, reasonString(ev.Props()))
		case ev.Kind == conn.Idle && !time.Now().Before(limit):
			return 0, nil
		}
	}
}
