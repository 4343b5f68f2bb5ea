package sub

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"mqtt/internal/cli"
	"mqtt/internal/conn"
	"mqtt/internal/connect"
	"mqtt/internal/message"
	"mqtt/internal/proto"
	"mqtt/internal/session"
)

// subscriber is a run of sub across its connections.
type subscriber struct {
	e        *cli.Env
	f        *flags
	plan     *connect.Plan
	session  session.Session
	asked    *asked
	retained retained
	command  *commands // run instead of out; nil if messages are printed
	decoder  *message.Decoder
	jq       *message.Query
	out      message.Sink
	watch    *watch      // the same with --watch, else nil
	stdout   *cli.Stdout // of out

	count    int       // messages printed
	removing bool      // all wanted messages were printed, and removals are in progress
	last     time.Time // when the last one arrived, or the first connection was made
	away     downtime  // of the subscription
	suback   connect.SubackWatch
	alarm    *time.Timer // ends the run at the idle limit while there is no connection; nil before the first loss
	giveUp   func()      // called by alarm; nil without an idle limit
}

// attend calls serve and measures the time without a connection. The idle limit spans all connections:
// serve watches it while there is one, and a timer while there is none.
func (s *subscriber) attend(ctx context.Context, c *conn.Conn) error {
	if s.alarm != nil {
		s.alarm.Stop()
	}
	if s.last.IsZero() {
		s.last = time.Now()
	}
	if s.watch != nil {
		if err := s.watch.begin(c); err != nil {
			return s.leave(ctx, c, err)
		}
	}
	s.plan.Status.Connected(c)
	if s.asked.resumed(c) {
		s.away.end()
		s.resumed()
	}
	err := s.serve(ctx, c)
	if err == nil || err == errIdle || ctx.Err() != nil || errors.Is(err, cli.ErrStuck) {
		return err
	}
	s.away.begin()
	if s.watch != nil {
		s.watch.lost(err, 0)
	}
	if s.giveUp != nil {
		s.alarm = time.AfterFunc(time.Until(s.last.Add(s.f.ends.idle)), s.giveUp)
	}
	return err
}

// serve subscribes and prints over one connection until the run ends or the connection is lost.
func (s *subscriber) serve(ctx context.Context, c *conn.Conn) error {
	s.stdout.While = s.keepAlive(ctx, c)
	if s.command != nil {
		s.command.owner.Store(c)
	}
	s.retained.asked, s.retained.over, s.removing = false, time.Time{}, false
	if err := s.asked.request(ctx, c); err != nil {
		return s.leave(ctx, c, err)
	}
	if s.suback.Answered(); s.asked.subscribe != nil && !s.asked.resumed(c) {
		s.suback.Asked(s.plan)
	}
	for {
		if s.command != nil {
			if err := s.command.await(ctx, c, s.command.parallel); err != nil {
				return s.leave(ctx, c, err)
			}
			if s.command.waited { // nothing was read meanwhile, so the idle limit begins anew
				s.command.waited, s.last = false, time.Now()
			}
		}
		limit, err := s.beforeWait(ctx, c)
		if err != nil || s.removing && !s.retained.clearing(c) {
			return s.leave(ctx, c, err)
		}
		ev, err := c.NextBy(ctx, limit)
		if err != nil {
			if ctx.Err() != nil {
				return s.leave(ctx, c, err)
			}
			return cli.FirstError(s.flush(c), err)
		}
		if ended, err := s.handle(ctx, c, ev); ended || err != nil {
			return s.leave(ctx, c, err)
		}
	}
}

// keepAlive returns a function that keeps c alive while a write to stdout is in progress. It returns
// an error when a limit of the run is reached meanwhile.
func (s *subscriber) keepAlive(ctx context.Context, c *conn.Conn) func(done <-chan struct{}) error {
	return func(done <-chan struct{}) error {
		ctx := ctx
		if limit := s.f.ends.idleLimit(s.last); !limit.IsZero() {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadlineCause(ctx, limit, errIdle)
			defer cancel()
		}
		if err := c.Await(ctx, done); err != nil {
			return context.Cause(ctx)
		}
		return nil
	}
}

// flush prints what has been collected. Only then it may be acknowledged.
func (s *subscriber) flush(c *conn.Conn) error {
	err := s.out.Flush()
	if err == nil {
		c.Confirm()
	}
	return err
}

// beforeWait prints what has been collected if c has no event at hand, and returns until when to
// wait for one. Retained messages are removed only after they have been printed.
func (s *subscriber) beforeWait(ctx context.Context, c *conn.Conn) (limit time.Time, err error) {
	if c.Ready() {
		return time.Time{}, nil
	}
	if err = s.flush(c); err == nil {
		err = s.retained.clear(ctx, c)
	}
	if err == nil && s.watch != nil {
		err = s.watch.publish(ctx, c)
	}
	return cli.Earliest(s.f.ends.idleLimit(s.last), s.out.Due(), s.retained.limit(), s.suback.Due()), err
}

// handle handles one event. ended reports that the run has what it wants.
func (s *subscriber) handle(ctx context.Context, c *conn.Conn, ev conn.Event) (ended bool, err error) {
	switch ev.Kind {
	case conn.Message:
		return s.received(ctx, c, ev.Message)
	case conn.Answer:
		ended, err = s.asked.answer(s, ev.Answer.(*proto.Suback))
		if s.asked.subscribing() {
			return ended, err
		}
		if s.suback.Answered(); err == nil && !ended {
			err = s.retained.begin(ctx, c)
		}
		return ended, err
	case conn.Delivered:
		if s.watch == nil || !s.watch.delivered(ev) {
			s.retained.delivered(ev)
		}
	case conn.Pong:
		s.retained.pong()
	case conn.Idle:
		return s.idle(c)
	}
	return false, nil
}

// received handles a message. After the last one that is wanted, removals of retained messages may
// still be in progress: what comes then is neither printed nor acknowledged.
func (s *subscriber) received(ctx context.Context, c *conn.Conn, p *proto.Publish) (ended bool, err error) {
	if s.removing {
		c.Defer()
		return false, nil
	}
	ended, err = s.message(ctx, p)
	if err != nil {
		if err == ctx.Err() || message.Invalid(err) {
			c.Defer() // the message was not printed, so it is not acknowledged
		}
		return ended, err
	}
	if s.command != nil {
		s.command.start(c)
	}
	if ended && s.retained.clearing(c) {
		s.removing, ended = true, false
	}
	return ended, nil
}

// idle reports which of the limits has been reached.
func (s *subscriber) idle(c *conn.Conn) (ended bool, err error) {
	now := time.Now()
	s.suback.Look(s.e, now)
	if t := s.retained.limit(); !t.IsZero() && !now.Before(t) && !s.retained.clearing(c) {
		return true, nil
	}
	if t := s.f.ends.idleLimit(s.last); !t.IsZero() && !now.Before(t) {
		return true, errIdle
	}
	return false, nil
}

// message prints p if it is wanted. done reports that it was the last one.
func (s *subscriber) message(ctx context.Context, p *proto.Publish) (done bool, err error) {
	if s.f.rate && s.e.Mosquitto() { // it counts what -T, -R and --retained-only leave out, too
		return s.print(p, nil)
	}
	if !s.asked.wants(p) || s.f.retained.only && !p.Retain {
		return false, nil
	}
	if s.f.ends.idle > 0 {
		s.last = time.Now()
	}
	if s.f.random < 100 && rand.Float64()*100 >= s.f.random {
		return false, nil
	}
	decoded, err := s.decoder.Decode(p)
	if err = cli.FirstError(err, s.decoder.Check(p, decoded)); err != nil {
		return true, err
	}
	body := p.Payload
	if decoded != nil {
		body = decoded
	}
	if m := s.f.ends.match; m != nil {
		if ok, err := m.Holds(ctx, body); err != nil || !ok {
			return false, err
		}
	}
	if p.Retain {
		s.retained.saw(p)
	}
	if s.jq != nil {
		return s.transformed(ctx, p, body, decoded != nil)
	}
	return s.print(p, decoded)
}

// print prints p, whose payload was decoded unless decoded is nil, and counts it. done reports that it
// was the last one.
func (s *subscriber) print(p *proto.Publish, decoded []byte) (done bool, err error) {
	switch {
	case s.command != nil && decoded != nil:
		s.command.add(p, decoded)
	case s.command != nil:
		s.command.add(p, p.Payload)
	default:
		if err := s.out.Put(s.session.Version, p, decoded); err != nil {
			return true, err
		}
	}
	s.count++
	return s.f.ends.enough(s.count), nil
}

// transformed prints the results of --jq for body, which is the payload of p, decoded or as it is. The
// results are in its place.
func (s *subscriber) transformed(ctx context.Context, p *proto.Publish, body []byte, decoded bool) (done bool, err error) {
	results, err := s.jq.Run(ctx, body)
	if err != nil {
		if err == ctx.Err() {
			return false, err
		}
		s.e.Warn("%s: %v", p.Topic, err)
	}
	for _, result := range results {
		if decoded {
			done, err = s.print(p, result)
		} else {
			p.Payload = result
			done, err = s.print(p, nil)
		}
		if done || err != nil {
			return done, err
		}
	}
	return false, nil
}

// leave flushes the output and closes the connection with DISCONNECT. It does not matter if the
// server has gone by then.
func (s *subscriber) leave(ctx context.Context, c *conn.Conn, err error) error {
	if s.command != nil {
		err = cli.FirstError(err, s.command.drain(ctx, c))
	}
	if ferr := s.out.Flush(); err == nil {
		err = ferr
	}
	s.out.Close()
	if s.out.Lost() {
		c.Discard() // messages that could not be printed are not acknowledged
	} else {
		c.Confirm()
	}
	if err == nil || err == errIdle {
		s.plan.Complete(ctx, s.e, c)
	}
	connect.Close(c, s.f.Disconnect(s.plan))
	return err
}

// verdict turns the way the run ended into its error. If err is nil the work was done, even if a
// signal came since.
func (s *subscriber) verdict(ctx context.Context, err error) error {
	switch {
	case err != nil && cli.ReaderGone(ctx):
		return cli.ErrQuiet
	case errors.Is(err, cli.ErrStuck) && errors.Is(err, errIdle):
		return cli.StuckError(s.f.ends.limit(errIdle))
	case errors.Is(err, cli.ErrStuck) && context.Cause(ctx) == cli.ErrTimeout:
		return cli.StuckError(s.f.ends.limit(cli.ErrTimeout))
	case errors.Is(err, cli.ErrStuck): // a signal
		return ctx.Err()
	}
	if err != nil && ctx.Err() != nil && (errors.Is(err, ctx.Err()) || conn.Lost(err)) {
		if none := s.plan.NoConnection(err, s.f.ends.limit(context.Cause(ctx))); none != nil && !s.session.Established &&
			!s.f.ends.expectNone && context.Cause(ctx) == cli.ErrTimeout {
			return none
		}
		err = ctx.Err()
		if cause := context.Cause(ctx); cause == cli.ErrTimeout || cause == errIdle {
			err = cause
		} else if s.e.Mosquitto() {
			return cli.ErrQuiet // mosquitto_sub ends with 0 when interrupted
		}
	} else if err != nil && err != errIdle {
		return err
	}
	ends := &s.f.ends
	if failed := ends.verdict(err, s.count); failed != nil || err == nil || !ends.expectNone {
		return failed
	}
	return s.away.verdict(ends.limit(err), s.session.Established)
}
