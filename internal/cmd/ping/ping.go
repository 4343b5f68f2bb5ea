package ping

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"mqtt/internal/cli"
	"mqtt/internal/conn"
	"mqtt/internal/connect"
	"mqtt/internal/format"
	"mqtt/internal/proto"
	"mqtt/internal/session"
)

// flags say how often and for how long to ping.
type flags struct {
	connect.Flags
	count          int
	intervalText   string
	waitText       string
	json           bool
	qosText        string
	qos            int // of the echo; -1 for PINGREQ
	interval, wait time.Duration
}

// New returns the command.
func New(e *cli.Env) *cobra.Command {
	f := &flags{}
	c := &cobra.Command{
		Use:   "ping",
		Short: "Measure round-trip time, or wait until a server answers",
		Example: `  mqtt ping -h broker.example -C 5
  mqtt ping -h broker.example -q 1 --interval 100ms
  mqtt ping --wait 30s && ./run-tests`,
		Args: cli.NoArguments,
		RunE: e.WithSettings(f.run),
	}
	fs := c.Flags()
	fs.SortFlags = false
	fs.IntVarP(&f.count, "count", "C", 0, "end after `N` round trips (default: at Ctrl-C; --wait: 1)")
	fs.StringVarP(&f.qosText, "qos", "q", "", "time an own message at QoS `N` instead of PINGREQ")
	fs.StringVar(&f.intervalText, "interval", "1s", "start a round trip every `DURATION`")
	fs.StringVar(&f.waitText, "wait", "", "retry for `DURATION` until the server answers")
	fs.BoolVarP(&f.json, "json", "J", false, "print each result as a line of JSON")
	f.Flags.Register(fs, false)
	return c
}

func (f *flags) run(ctx context.Context, e *cli.Env, c *cobra.Command) error {
	fs := c.Flags()
	var err error
	if f.interval, err = cli.ParseDuration("--interval", f.intervalText); err != nil {
		return err
	}
	f.qos = -1
	if fs.Changed("qos") {
		if f.qos, err = strconv.Atoi(f.qosText); err != nil {
			return cli.BadValue("-q", f.qosText, "expected a number")
		}
		if err := cli.CheckQoS("-q", f.qos); err != nil {
			return err
		}
	}
	if fs.Changed("count") && f.count < 1 {
		return cli.BadNumber("-C", f.count, "expected 1 or more")
	}
	if f.waitText != "" {
		if f.wait, err = cli.ParseDuration("--wait", f.waitText); err != nil {
			return err
		}
		if !fs.Changed("count") {
			f.count = 1
		}
	}
	var echo []proto.Type // the packets that -q needs; a PINGREQ has no properties
	if f.qos >= 0 {
		echo = []proto.Type{proto.PUBLISH, proto.SUBSCRIBE}
	}
	p, err := f.Flags.Plan(ctx, e, fs, proto.CONNECT, false, echo...)
	if err != nil {
		return err
	}
	ping := &pinger{e: e, f: f, plan: p, report: &report{e: e, json: f.json}, due: time.Now()}
	ping.watchPhases()
	ctx, stop := e.UntilReaderGone(ctx)
	defer stop()
	if f.wait > 0 {
		err = ping.untilAnswered(ctx)
	} else {
		err = ping.hold(ctx)
	}
	if err != nil && cli.ReaderGone(ctx) {
		return cli.ErrQuiet
	}
	if ctx.Err() != nil && f.count == 0 && len(ping.report.trips) > 0 {
		err = cli.ErrQuiet // without -C, Ctrl-C is the ordinary end
	}
	ping.report.summary()
	return p.Explain(err)
}

// pinger measures round trips, over one connection after another.
type pinger struct {
	e       *cli.Env
	f       *flags
	plan    *connect.Plan
	report  *report
	session session.Session
	due     time.Time // of the next round trip

	topic string    // of the echo
	nonce string    // the payload that the echo must have
	began time.Time // when the last probe was sent
}

// Pauses between tries of --wait.
const (
	firstPause = 50 * time.Millisecond
	lastPause  = time.Second
)

// hold connects and pings. It reconnects as --reconnect says.
func (p *pinger) hold(ctx context.Context) error {
	return conn.Hold(ctx, p.plan.Cfg, &p.session, p.plan.Backoff, func(ctx context.Context, c *conn.Conn) error {
		defer func() { connect.Close(c, p.f.Disconnect(p.plan)) }()
		if err := p.begin(ctx, c); err != nil {
			return err
		}
		return p.trips(ctx, c)
	})
}

// untilAnswered tries for --wait until a round trip is complete. Further ones use that connection.
func (p *pinger) untilAnswered(ctx context.Context) error {
	try, cancel := context.WithTimeout(ctx, p.f.wait)
	defer cancel()
	last := errors.New("the server did not answer")
	told := ""
	b := conn.Backoff{Min: firstPause, Max: lastPause, Tries: -1, First: true, Notice: func(err error, _ time.Duration) {
		last = err
		if text := p.plan.Explain(err).Error(); text != told {
			p.e.Status("waiting up to %s for an answer: %s", format.Brief(p.f.wait), text)
			told = text
		}
	}}
	var end error
	err := conn.Hold(try, p.plan.Cfg, &p.session, b, func(try context.Context, c *conn.Conn) error {
		defer func() { connect.Close(c, p.f.Disconnect(p.plan)) }()
		if err := p.begin(try, c); err != nil {
			return err
		}
		for answered := false; !answered; {
			var err error
			if answered, err = p.trip(try, c); err != nil {
				return err
			}
		}
		end = p.trips(ctx, c)
		return nil
	})
	switch {
	case end != nil && conn.Lost(end) && p.plan.Backoff.Tries != 0 && ctx.Err() == nil:
		return p.hold(ctx)
	case err == nil:
		return end
	case ctx.Err() != nil || try.Err() == nil:
		return err
	}
	return cli.Fail(cli.ExitOpening, "", "no answer within %s, the last try: %w", format.Brief(p.f.wait), last)
}

// begin reports a connection and prepares it for round trips.
func (p *pinger) begin(ctx context.Context, c *conn.Conn) error {
	p.plan.Status.Again("")
	if err := p.report.connected(c); err != nil {
		return err
	}
	return p.subscribe(ctx, c)
}

// trips measures round trips until there are enough.
func (p *pinger) trips(ctx context.Context, c *conn.Conn) error {
	for p.f.count == 0 || p.report.sent < p.f.count {
		if _, err := p.trip(ctx, c); err != nil {
			return err
		}
	}
	if len(p.report.trips) == 0 {
		return cli.Fail(cli.ExitLost, "", "none of %d messages came back", p.report.sent)
	}
	return nil
}

// trip waits until the next round trip is due and measures it. An echo that does not come is counted
// as lost; a server that does not answer PINGREQ is gone.
func (p *pinger) trip(ctx context.Context, c *conn.Conn) (answered bool, err error) {
	if _, err := p.idle(ctx, c, p.due); err != nil {
		return false, err
	}
	now := time.Now()
	if p.due = p.due.Add(p.f.interval); p.due.Before(now) {
		p.due = now.Add(p.f.interval) // a late round trip is not made up for
	}
	if err := p.ask(ctx, c); err != nil {
		return false, err
	}
	took, err := p.idle(ctx, c, p.began.Add(p.answerWithin()))
	if ctx.Err() != nil {
		return false, err // the run ended before the answer
	}
	p.report.sent++
	switch {
	case err != nil:
		return false, err
	case took > 0:
		return true, p.report.trip(took)
	case p.f.qos < 0:
		return false, cli.Fail(cli.ExitLost, "--reconnect always tries again", "%w within %s", conn.ErrTimeout, format.Duration(p.answerWithin()))
	}
	return false, p.report.lost(p.answerWithin())
}

// answerWithin returns how long an answer may take.
func (p *pinger) answerWithin() time.Duration {
	if t := p.plan.Cfg.Timeout; t > 0 {
		return t
	}
	return 10 * time.Second
}

// idle handles events until limit, or until the answer arrives, and returns how long that took.
func (p *pinger) idle(ctx context.Context, c *conn.Conn, limit time.Time) (time.Duration, error) {
	for {
		ev, err := c.NextBy(ctx, limit)
		switch {
		case err != nil:
			return 0, err
		case ev.Kind == conn.Pong:
			return max(ev.RTT, 1), nil
		case ev.Kind == conn.Message && p.echoed(ev.Message):
			return max(time.Since(p.began), 1), nil
		case ev.Kind == conn.Delivered && ev.Reason.Failed():
			return 0, cli.Fail(cli.ExitPublish, "this user may not publish there", "publish to %s: %s", p.topic, ev.Reason.Explain(proto.PUBACK, ev.Props()))
		case ev.Kind == conn.Idle && !time.Now().Before(limit):
			return 0, nil
		}
	}
}
