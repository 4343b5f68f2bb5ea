package rr

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
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

// requester carries a run of rr across its connections.
type requester struct {
	e       *cli.Env
	f       *flags
	plan    *connect.Plan
	session session.Session
	src     message.Source
	owner   atomic.Pointer[conn.Conn] // the connection that wake wakes
	out     *message.Output
	jq      *message.Query // of --jq, nil for none

	topic   string // for answers
	prefix  string // of our correlation data
	props   proto.Props
	granted bool // the subscription stands on this connection
	ended   bool // the source has no more
	repeats bool // some of order are to be asked again

	pending   map[uint64]*request
	order     []*request // pending, the oldest first; may hold some that are answered
	ignored   int        // messages that were no answer
	overdue   uint64
	asked     uint64
	accepted  message.Deliveries
	next      time.Time // when the source may have a request; zero: when it calls wake
	fault     error     // of the source
	connected bool      // there was a connection before
}

// request is one that waits for answers.
type request struct {
	tag     uint64
	sent    time.Time
	answers int
	done    bool
	acked   bool          // the server has it; with QoS 0 nobody knows
	again   bool          // the server it was asked on may have lost it
	kept    proto.Publish // to ask again, where that may be needed
}

// newCorrelation is the random beginning of the correlation data of this run, before the number of the request. It is
// text, for answerers that treat it as such.
func newCorrelation() string {
	var b [8]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:]) + "-"
}

// wake makes the connection call the source again. The source calls it from another goroutine.
func (r *requester) wake() {
	if c := r.owner.Load(); c != nil {
		c.Wake()
	}
}

// serve subscribes, asks and prints over one connection until every request has its answers.
func (r *requester) serve(ctx context.Context, c *conn.Conn) error {
	r.owner.Store(c)
	defer func() { r.session.Unsent = nil }() // what has no answer is asked again, behind SUBACK
	if err := r.subscribe(ctx, c); err != nil {
		return err
	}
	for {
		if r.granted {
			if err := r.ask(ctx, c); err != nil {
				return r.leave(c, err)
			}
		}
		if r.ended && len(r.pending) == 0 && c.Pending() == 0 {
			return r.leave(c, nil)
		}
		if !c.Ready() {
			if err := r.out.Flush(); err != nil {
				return r.leave(c, err)
			}
		}
		ev, err := c.NextBy(ctx, cli.Earliest(r.next, r.due()))
		if err != nil {
			if ctx.Err() != nil {
				return r.leave(c, err)
			}
			return err
		}
		switch ev.Kind {
		case conn.Message:
			if err = r.message(ctx, ev.Message); err != nil && err == ctx.Err() {
				c.Defer() // --jq was broken off: it is not printed, and so it is the server's
			}
		case conn.Answer:
			if ack, ok := ev.Answer.(*proto.Suback); ok {
				err = r.f.grant(r.e, r.topic, byte(r.f.qos), ack)
				r.granted = true
			}
		case conn.Delivered:
			err = r.delivered(ev)
		case conn.Idle:
			r.expire(time.Now())
		}
		if err != nil {
			return r.leave(c, err)
		}
	}
}

// subscribe asks for the answers. No request is published before the server has granted that. Retained messages are
// no answers, and neither is our own request where both have one topic.
func (r *requester) subscribe(ctx context.Context, c *conn.Conn) error {
	r.granted = false
	if r.topic == "" {
		r.topic = r.f.response
	}
	if r.topic == "" {
		r.topic = madeUpTopic(c)
	}
	if c.Version() == proto.V5 {
		r.props = append(r.props[:0], r.f.base...).AppendText(proto.ResponseTopic, r.topic)
	} else if r.topic == r.f.topic {
		return cli.BadFlag("-e", " "+cli.Quote(r.topic)+" is -t too", "at MQTT "+c.Version().String()+" the request itself would be the answer")
	}
	if r.connected {
		for _, q := range r.order {
			if !q.done && (r.f.qos == 0 || q.acked && !c.Server().SessionPresent) {
				q.again, r.repeats = true, true
			}
		}
	}
	r.connected = true
	p := &proto.Subscribe{Filters: []proto.Subscription{{Filter: r.topic, QoS: byte(r.f.qos), NoLocal: true, RetainHandling: 2}}}
	if c.Version() == proto.V5 {
		p.Props = r.f.Properties.Sets[proto.SUBSCRIBE]
	}
	return connect.SubscribeError(c.Send(ctx, p))
}

// madeUpTopic is a response topic of our own: below what the server proposes [MQTT-3.1.2-28], else below mqtt/reply.
func madeUpTopic(c *conn.Conn) string {
	base := strings.TrimSuffix(string(c.Server().Props.Value(proto.ResponseInformation)), "/")
	if base == "" || proto.CheckTopic(base) != nil {
		base = "mqtt/reply"
	}
	return base + "/" + strings.NewReplacer("+", "_", "#", "_").Replace(c.ID())
}

// ask publishes requests while there is room for them.
func (r *requester) ask(ctx context.Context, c *conn.Conn) error {
	room := r.f.inflight
	if c.Version() < proto.V5 {
		room = 1 // nothing tells whose answer it is
	}
	free := func() bool { return r.f.qos == 0 || c.Free() > 0 }
	if r.repeats {
		if err := r.askAgain(ctx, c, free); err != nil || r.repeats {
			return err
		}
	}
	now := time.Now()
	r.next = time.Time{}
	for !r.ended && len(r.pending) < room && free() {
		m, err := r.src.Next(now)
		switch {
		case err == message.ErrWait:
			r.next = r.src.Due()
			return nil
		case err == io.EOF:
			r.ended = true
			return nil
		case err != nil: // what was asked before may still be answered
			r.ended, r.fault = true, err
			return nil
		}
		q := &request{tag: m.Number}
		msg := proto.Publish{QoS: m.QoS, Topic: m.Topic, Payload: m.Payload}
		if r.plan.Backoff.Tries != 0 {
			q.kept = proto.Publish{QoS: m.QoS, Topic: slices.Clone(m.Topic), Payload: slices.Clone(m.Payload)}
		}
		r.pending[q.tag] = q
		r.order = append(r.order, q)
		r.asked++
		if err := r.publish(ctx, c, q, &msg); err != nil {
			return err
		}
	}
	return nil
}

// askAgain publishes the requests that the server may have lost, as far as there is room for them.
func (r *requester) askAgain(ctx context.Context, c *conn.Conn, free func() bool) error {
	for _, q := range r.order {
		if q.done || !q.again {
			continue
		}
		if !free() {
			return nil
		}
		if err := r.publish(ctx, c, q, &q.kept); err != nil {
			return err
		}
		q.again, q.acked = false, false
		r.e.Note("%s is asked again", r.name(q.tag))
	}
	r.repeats = false
	return nil
}

// publish sends a request with its own correlation data.
func (r *requester) publish(ctx context.Context, c *conn.Conn, q *request, msg *proto.Publish) error {
	msg.Props = nil
	if c.Version() == proto.V5 {
		r.props = r.props[:len(r.f.base)].AppendText(proto.ResponseTopic, r.topic)
		if r.f.correlation != nil {
			msg.Props = r.props.AppendValue(proto.CorrelationData, r.f.correlation)
		} else {
			msg.Props = r.props.AppendText(proto.CorrelationData, r.prefix+strconv.FormatUint(q.tag, 10))
		}
		r.props = msg.Props
	}
	q.sent = time.Now()
	err := c.Publish(ctx, msg, q.tag)
	if err == nil {
		return nil
	}
	return cli.FirstError(message.Unsendable(r.name(q.tag), err), err)
}

func (r *requester) leave(c *conn.Conn, err error) error {
	if ferr := r.out.Flush(); err == nil {
		err = ferr
	}
	if r.out.Lost() {
		c.Discard() // what could not be printed is not acknowledged
	}
	return r.f.leave(c, r.plan, err)
}

// name is how a person finds a request.
func (r *requester) name(tag uint64) string {
	if r.f.payload.Streams() {
		return "line " + strconv.FormatUint(tag, 10)
	}
	return "request"
}

// verdict is the run's end: all was answered, or what was not.
func (r *requester) verdict(ctx context.Context, err error) error {
	ignored := ""
	if r.ignored > 0 {
		ignored = fmt.Sprintf(" (%s messages on %s were no answers)", format.Count(uint64(r.ignored)), r.topic)
	}
	switch {
	case err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) && context.Cause(ctx) == cli.ErrTimeout:
		if r.asked == 0 {
			return cli.Fail(cli.ExitTimeout, "", "-W %s ran out before the request was sent", r.f.waitText)
		}
		got := 0
		if q := r.oldest(); q != nil {
			got = q.answers
		}
		return cli.Fail(cli.ExitTimeout, "does somebody answer on "+r.f.topic+"?", "%d of %d answers came before -W %s ran out%s", got,
			r.f.answers, r.f.waitText, ignored)
	case err != nil:
		return err
	case r.fault != nil:
		return r.fault
	case r.overdue > 0:
		return cli.Fail(cli.ExitTimeout, "", "%s of %s requests were not answered within -W %s%s", format.Count(r.overdue), format.Count(r.asked),
			r.f.waitText, ignored)
	}
	return r.accepted.Verdict("publish")
}
