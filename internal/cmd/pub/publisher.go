package pub

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"mqtt/internal/cli"
	"mqtt/internal/conn"
	"mqtt/internal/connect"
	"mqtt/internal/format"
	"mqtt/internal/message"
	"mqtt/internal/proto"
	"mqtt/internal/session"
)

// publisher publishes the messages of a source, over one connection after the other.
type publisher struct {
	e       *cli.Env
	f       *flags
	plan    *connect.Plan
	session session.Session
	src     message.Source
	owner   atomic.Pointer[conn.Conn] // the connection that wake wakes

	msg   *message.Message // taken from the source, and by no connection yet; else nil
	own   message.Message  // msg with another QoS or other properties than in the source
	ended bool             // the source has no more

	sent       uint64 // messages that a connection has taken
	last       uint64 // the number of the last of them
	deliveries message.Deliveries
	bad        message.BadLines
	poison     poisonMessage
	patience   patience

	warnedQoS, warnedProps bool

	progress *cli.Progress
}

// burst is the number of messages that are published before the publisher looks for packets of the
// server.
const burst = 1024

// wake makes the connection call the source again. The source calls it from another goroutine.
func (p *publisher) wake() {
	if c := p.owner.Load(); c != nil {
		c.Wake()
	}
}

// run publishes until the source ends.
func (p *publisher) run(ctx context.Context) error {
	defer p.src.Close()
	defer p.progress.End()
	ctx, stop := p.patience.start(ctx, p.f.wait)
	defer stop()
	err := conn.Hold(ctx, p.plan.Cfg, &p.session, p.plan.Backoff, func(ctx context.Context, c *conn.Conn) error {
		acked := p.deliveries.Acked
		err := p.serve(ctx, c)
		if err != nil && ctx.Err() == nil {
			p.patience.look(p.deliveries.Acked, true) // a connection is owed
		}
		if p.deliveries.Acked > acked {
			p.poison = poisonMessage{}
		} else if conn.Lost(err) && ctx.Err() == nil {
			if tag, size, named := p.poison.met(&p.session); named {
				p.e.Warn("the server closes the connection at %s (%d bytes): %d connections in a row failed there", p.name(tag), size, poisonAfter)
			}
		}
		return err
	})
	return p.verdict(ctx, p.plan.Explain(err))
}

// serve publishes over one connection until the source ends and everything is acknowledged.
func (p *publisher) serve(ctx context.Context, c *conn.Conn) error {
	p.owner.Store(c)
	if p.progress != nil {
		p.progress.Before = func() { p.plan.Status.Connected(c) }
	} else if p.f.payload.Streams() {
		p.plan.Status.Connected(c)
	}
	p.plan.Status.Again("")
	if n := c.Renewed(); n > 0 {
		p.e.Warn("the server lost the session: QoS 2 messages in flight are published again and may arrive twice (%s)", format.Count(uint64(n)))
	}
	for {
		due, err := p.publish(ctx, c)
		if err != nil {
			return p.leave(ctx, c, err)
		}
		if p.ended && c.Pending() == 0 {
			ctx, cancel := connect.GraceContext(ctx)
			defer cancel()
			return c.Close(ctx, p.f.Disconnect(p.plan))
		}
		p.progress.Draw(p.sent)
		p.patience.look(p.deliveries.Acked, c.Pending() > 0)
		ev, err := c.NextBy(ctx, cli.Earliest(due, p.progress.Due()))
		if err != nil {
			return p.leave(ctx, c, err)
		}
		p.event(ev)
		for c.Ready() {
			if ev, err = c.Next(ctx); err != nil {
				return p.leave(ctx, c, err)
			}
			p.event(ev)
		}
	}
}

// publish publishes messages until the source has none, the window is full, or the burst is
// complete. It returns the time when there may be more to publish; zero if an event will tell.
func (p *publisher) publish(ctx context.Context, c *conn.Conn) (due time.Time, err error) {
	now := time.Now()
	for range burst {
		if p.msg == nil {
			if p.ended {
				return time.Time{}, nil
			}
			switch p.msg, err = p.src.Next(now); err {
			case nil:
			case message.ErrWait:
				return p.src.Due(), nil
			case io.EOF:
				p.ended = true
				return time.Time{}, nil
			default:
				p.msg = nil
				if err = p.bad.Met(err, p.sent); err == nil {
					continue
				}
				return time.Time{}, p.drained(ctx, c, err)
			}
		}
		if p.msg.QoS > 0 && c.Free() == 0 {
			return time.Time{}, nil
		}
		if err := p.send(ctx, c); err != nil {
			return time.Time{}, err
		}
		p.msg = nil
	}
	return now, nil
}

// send publishes the message. The run ends if the server's limits forbid it, unless the flags allow
// a lower QoS.
func (p *publisher) send(ctx context.Context, c *conn.Conn) error {
	if p.f.downgrade && p.msg.QoS > c.Server().MaximumQoS {
		if !p.warnedQoS {
			p.warnedQoS = true
			p.e.Warn("sent at QoS %d, the server's Maximum QoS, instead of %d", c.Server().MaximumQoS, p.msg.QoS)
		}
		p.own = *p.msg
		p.msg = &p.own
		p.msg.QoS = c.Server().MaximumQoS
	}
	if len(p.msg.Props) > 0 && c.Version() < proto.V5 {
		if !p.warnedProps {
			p.warnedProps = true
			p.e.Warn("message properties are not sent: MQTT %s has none", c.Version())
		}
		p.own = *p.msg
		p.msg = &p.own
		p.msg.Props = nil
	}
	err := c.Publish(ctx, &p.msg.Publish, p.msg.Number)
	if err == nil {
		p.sent++
		p.last = p.msg.Number
		return nil
	}
	if wrong := message.Unsendable(p.name(p.msg.Number), err); wrong != nil {
		if wrong = p.bad.Met(wrong, p.sent); wrong == nil {
			return nil
		}
		return p.drained(ctx, c, wrong)
	}
	return err
}

// drained waits for what is in flight and disconnects, before err ends the run: what was sent stays
// sent.
func (p *publisher) drained(ctx context.Context, c *conn.Conn, err error) error {
	for c.Pending() > 0 {
		ev, err := c.Next(ctx)
		if err != nil {
			break
		}
		p.event(ev)
	}
	connect.Close(c, p.f.Disconnect(p.plan))
	return err
}

// leave disconnects where a signal or a time limit has ended the run, and returns err.
func (p *publisher) leave(ctx context.Context, c *conn.Conn, err error) error {
	if ctx.Err() != nil {
		connect.Close(c, p.f.Disconnect(p.plan))
	}
	return err
}

// event handles an event of the connection.
func (p *publisher) event(ev conn.Event) {
	refused := p.deliveries.Add(ev, p.name)
	if refused != nil && p.f.payload.Streams() && p.deliveries.Refused <= message.RefusalsShown {
		p.e.Warn("%v", refused)
	}
}

// name names the message of a tag.
func (p *publisher) name(tag uint64) string { return p.f.payload.Name(tag) }

// verdict returns the run's error: err, or that messages were refused, left out or lost.
func (p *publisher) verdict(ctx context.Context, err error) error {
	if err != nil && errors.Is(err, ctx.Err()) && context.Cause(ctx) == cli.ErrTimeout {
		p.noteEnd(err)
		return p.bad.Verdict(p.timedOut(err))
	}
	return p.bad.Verdict(p.outcome(err))
}

// timedOut returns the error of a run that -W ended.
func (p *publisher) timedOut(err error) error {
	limit := "-W " + p.f.waitText
	none := p.plan.NoConnection(err, limit)
	n := p.session.Sender.Pending()
	open := "1 message was"
	if n != 1 {
		open = format.Count(uint64(n)) + " messages were"
	}
	switch {
	case n == 0 && none != nil:
		return none
	case n == 0:
		return cli.Fail(cli.ExitTimeout, "-d shows the packets", "timed out (%s) before everything was sent", limit)
	case none == nil:
		return cli.Fail(cli.ExitTimeout, "-d shows the packets", "%s not acknowledged before the timeout (%s)", open, limit)
	default:
		return cli.Fail(cli.ExitTimeout, "check that the server is running", "%w; %s not acknowledged", none, open)
	}
}

// outcome is verdict without the lines that were left out.
func (p *publisher) outcome(err error) error {
	if err != nil {
		p.noteEnd(err)
		return err
	}
	if err := p.deliveries.Verdict(p.doing()); err != nil {
		return err
	}
	if p.session.Lost > 0 {
		return cli.Fail(cli.ExitLost, "they may be too large for the server: -q 1 shows which one", "%s: the server hung up in the middle of messages at QoS 0, twice: %s",
			p.doing(), format.Count(uint64(p.session.Lost)))
	}
	return nil
}

// doing says what the run did, with the topic if all messages have the same.
func (p *publisher) doing() string {
	if p.f.topic == "" || p.f.json {
		return "publish"
	}
	return "publish to " + p.f.topic
}
