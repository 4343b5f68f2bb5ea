package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"mqtt/internal/conn"
	"mqtt/internal/format"
	"mqtt/internal/proto"
	"mqtt/internal/session"
)

// publisher carries a run of pub across its connections.
type publisher struct {
	e       *env
	f       *pubFlags
	plan    *plan
	session session.Session
	msg     proto.Publish // as the flags have it; a source changes what it must
	tag     uint64        // of msg
	held    bool          // msg was taken from the source and not by a connection
	due     time.Time     // of the next message; zero is unknown

	sent    uint64 // handed to a connection
	acked   uint64 // acknowledged, of QoS 1 and 2
	refused uint64
	first   error  // the first refusal
	hint    string // against it
	warned  bool

	progress *progress
}

// source is where messages come from: the flags, or a stream of lines.
type source interface {
	// next makes the publisher's message the next one, and returns its number. It is errWait while none has come yet:
	// p.due is when to look again then, zero if Wake will say so. It is errEnd after the last.
	next(p *publisher, c *conn.Conn) (tag uint64, err error)
	close()
}

var (
	errWait = errors.New("no message yet")
	errEnd  = errors.New("no more messages")
)

// burst is how many messages are published before a look at what the server has to say.
const burst = 1024

// serve publishes over one connection until the source ends and all is acknowledged.
func (p *publisher) serve(ctx context.Context, c *conn.Conn, src source) error {
	if n := c.Renewed(); n > 0 {
		p.e.warn("the server lost the session: what was in flight at QoS 2 is published again and may arrive twice (%s)", format.Count(uint64(n)))
	}
	for ended := false; ; {
		p.due = time.Time{}
		for n := 0; !ended; n++ {
			if n == burst {
				p.due = time.Unix(1, 0)
				break
			}
			if !p.held {
				tag, err := src.next(p, c)
				if err == errWait {
					break
				}
				if err == errEnd {
					ended = true
					break
				}
				if err != nil {
					p.drain(ctx, c)
					return err
				}
				p.tag, p.held = tag, true
			}
			if p.msg.QoS > 0 && c.Free() == 0 {
				break
			}
			if err := p.publish(ctx, c); err != nil {
				return p.interrupted(ctx, c, err)
			}
			p.held = false
		}
		if ended && c.Pending() == 0 {
			ctx, cancel := lingering(ctx)
			defer cancel()
			return c.Close(ctx, p.f.goodbye(p.plan))
		}
		p.progress.draw(p.sent)
		ev, err := c.NextBy(ctx, earliest(p.due, p.progress.due()))
		if err != nil {
			return p.interrupted(ctx, c, err)
		}
		p.event(ev)
		for c.Ready() {
			if ev, err = c.Next(ctx); err != nil {
				return p.interrupted(ctx, c, err)
			}
			p.event(ev)
		}
	}
}

// publish sends the message; one that the server's limits forbid ends the run, or is sent at a lower QoS if that was
// allowed.
func (p *publisher) publish(ctx context.Context, c *conn.Conn) error {
	if p.f.downgrade && p.msg.QoS > c.Server().MaximumQoS {
		if !p.warned {
			p.warned = true
			p.e.warn("sent at QoS %d, the server's Maximum QoS, in the place of %d", c.Server().MaximumQoS, p.msg.QoS)
		}
		p.msg.QoS = c.Server().MaximumQoS
	}
	err := c.Publish(ctx, &p.msg, p.tag)
	if err == nil {
		p.sent++
		return nil
	}
	if wrong := unsendable(p.name(p.tag), err); wrong != nil {
		p.drain(ctx, c)
		return wrong
	}
	return err
}

// drain waits for what is in flight and says goodbye, before an error ends the run: what was sent stays sent.
func (p *publisher) drain(ctx context.Context, c *conn.Conn) {
	for c.Pending() > 0 {
		ev, err := c.Next(ctx)
		if err != nil {
			break
		}
		p.event(ev)
	}
	bye(c, p.f.goodbye(p.plan))
}

// interrupted says goodbye where the run was ended from outside.
func (p *publisher) interrupted(ctx context.Context, c *conn.Conn, err error) error {
	if ctx.Err() != nil {
		bye(c, p.f.goodbye(p.plan))
	}
	return err
}

// event takes in what the server says.
func (p *publisher) event(ev conn.Event) {
	if ev.Kind != conn.Delivered {
		return
	}
	p.acked++
	if !ev.Reason.Failed() {
		return
	}
	p.refused++
	err := fmt.Errorf("%s refused: %s%s", p.name(ev.Tag), ev.Reason, reasonString(ev.Props()))
	if p.first == nil {
		p.first, p.hint = err, refusedMessageHint(ev.Reason)
	}
	if p.f.payload.streams() && p.refused <= 10 {
		p.e.warn("%v", err)
	}
}

// name is how a person finds the message of a tag.
func (p *publisher) name(tag uint64) string {
	switch {
	case p.f.payload.streams():
		return "line " + strconv.FormatUint(tag, 10)
	case p.f.repeat > 1:
		return "message " + strconv.FormatUint(tag, 10)
	}
	return "message"
}

// verdict makes refusals the error of a run that ended well otherwise.
func (p *publisher) verdict(err error) error {
	if err != nil {
		if n := p.session.Sender.Pending(); n > 0 && p.f.payload.streams() {
			p.e.note("messages that were not acknowledged: %s", format.Count(uint64(n)))
		}
		return err
	}
	switch {
	case p.refused == 1:
		return fail(exitPublish, p.hint, "%s: %w", p.doing(), p.first)
	case p.refused > 1:
		return fail(exitPublish, p.hint, "%s: %s messages were refused, the first: %w", p.doing(), format.Count(p.refused), p.first)
	case p.session.Lost > 0:
		return fail(exitLost, "the server may find them too large: -q 1 tells which", "%s: the server hung up in the middle of messages at QoS 0, twice: %s",
			p.doing(), format.Count(uint64(p.session.Lost)))
	}
	return nil
}

// doing is what failed, with the topic where all messages have the same.
func (p *publisher) doing() string {
	if p.f.topic == "" || p.f.json {
		return "publish"
	}
	return "publish to " + p.f.topic
}

// reasonString is the server's own words, with a colon before them.
func reasonString(ps proto.Props) string {
	if s := ps.Value(proto.ReasonString); len(s) > 0 {
		return ": " + string(s)
	}
	return ""
}
