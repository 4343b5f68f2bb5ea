package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"mqtt/internal/conn"
	"mqtt/internal/proto"
	"mqtt/internal/session"
)

// subFlags say what is received, and when it is enough.
type subFlags struct {
	connection
	filters filterFlags
	ends    endFlags
	output  outputFlags
}

func newSub(e *env) *cobra.Command {
	f := &subFlags{}
	c := &cobra.Command{
		Use:   "sub -t FILTER",
		Short: "Receive messages",
		Example: `  mqtt sub -t 'sensors/#' -v
  mqtt sub -t jobs/done -C 1 -W 10
  mqtt sub -t '#' -J > day.ndjson`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := e.settle(c); err != nil {
				return err
			}
			return f.run(c.Context(), e, c)
		},
	}
	fs := c.Flags()
	fs.SortFlags = false
	f.filters.register(fs)
	f.ends.register(fs)
	f.output.register(fs)
	f.connection.register(fs, false)
	return c
}

func (f *subFlags) run(ctx context.Context, e *env, c *cobra.Command) error {
	fs := c.Flags()
	p, err := f.connection.plan(e, fs, proto.SUBSCRIBE, true)
	if err != nil {
		return err
	}
	s := &subscriber{e: e, f: f, plan: p}
	if s.asked, err = f.filters.compile(fs, p, f.properties.sets[proto.SUBSCRIBE]); err != nil {
		return err
	}
	if err := f.ends.compile(fs); err != nil {
		return err
	}
	if s.out, err = f.output.open(e, fs); err != nil {
		return err
	}
	if s.asked.highest() > 0 {
		p.keepSession()
	}
	f.ends.receiveMaximum(p)
	if f.ends.wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, f.ends.wait, errTimeout)
		defer cancel()
	}
	err = conn.Hold(ctx, p.cfg, &s.session, p.backoff, s.serve)
	return s.verdict(ctx, p.explain(err))
}

// errTimeout is the end that -W sets.
var errTimeout = errors.New("time is up")

// subscriber carries a run of sub across its connections.
type subscriber struct {
	e       *env
	f       *subFlags
	plan    *plan
	session session.Session
	asked   *asked
	out     *output

	count  int       // messages printed
	last   time.Time // when the last one came, or the subscription stood
	refuse error     // a filter was refused, and others hold
}

// serve subscribes and prints over one connection until an end is reached.
func (s *subscriber) serve(ctx context.Context, c *conn.Conn) error {
	if err := s.asked.request(ctx, c); err != nil {
		return err
	}
	s.last = time.Now()
	for {
		if !c.Ready() {
			if err := s.out.flush(); err != nil {
				return s.leave(c, err)
			}
		}
		limit := s.f.ends.idleLimit(s.last)
		ev, err := c.NextBy(ctx, limit)
		if err != nil {
			s.out.flush()
			if ctx.Err() != nil {
				return s.leave(c, err)
			}
			return err
		}
		switch ev.Kind {
		case conn.Message:
			done, err := s.message(ev.Message)
			if done || err != nil {
				return s.leave(c, err)
			}
		case conn.Answer:
			done, err := s.asked.answer(ctx, s, c, ev.Answer.(*proto.Suback))
			if done || err != nil {
				return s.leave(c, err)
			}
		case conn.Idle:
			if !limit.IsZero() && !time.Now().Before(limit) {
				return s.leave(c, nil)
			}
		}
	}
}

// message prints p if it is wanted. done says that it was the last one.
func (s *subscriber) message(p *proto.Publish) (done bool, err error) {
	if !s.asked.wants(p) {
		return false, nil
	}
	if s.f.ends.idle > 0 {
		s.last = time.Now()
	}
	if err := s.out.message(s.session.Version, p); err != nil {
		return true, err
	}
	s.count++
	return s.f.ends.enough(s.count), nil
}

// leave ends a connection in order, with what was printed flushed first. A server that is gone by then changes nothing.
func (s *subscriber) leave(c *conn.Conn, err error) error {
	if ferr := s.out.flush(); err == nil {
		err = ferr
	}
	bye(c, s.f.goodbye(s.plan))
	return err
}

// verdict is the run's end by the expectations that it had.
func (s *subscriber) verdict(ctx context.Context, err error) error {
	if err == nil {
		return s.refuse
	}
	if !errors.Is(err, ctx.Err()) || ctx.Err() == nil {
		return err
	}
	if context.Cause(ctx) == errTimeout {
		return s.f.ends.timeout(s.count)
	}
	if s.f.ends.open() { // Ctrl-C is how it is meant to end
		return errQuiet
	}
	return err
}
