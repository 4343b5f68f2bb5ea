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

// requester sends requests and prints their answers, over one connection after the other.
type requester struct {
	e       *cli.Env
	f       *flags
	plan    *connect.Plan
	session session.Session
	src     message.Source
	owner   atomic.Pointer[conn.Conn] // the connection that wake wakes
	out     *message.Output
	stdout  *cli.Stdout // of out
	decoder *message.Decoder
	jq      *message.Query // of --jq, nil for none

	topic      string      // of the answers
	prefix     string      // of the correlation data
	props      proto.Props // buffer for the properties of a request
	connected  bool        // this is not the first connection
	subscribed bool        // the server granted the subscription on this connection
	suback     connect.SubackWatch

	requests  requests
	next      time.Time // when the source may have a request; zero: when it calls wake
	ended     bool      // the source has no more requests
	sourceErr error     // the error that ended the source

	asked      uint64 // requests
	overdue    uint64 // requests without an answer in time
	ignored    int    // messages that were no answers
	deliveries message.Deliveries
	bad        message.BadLines
	failed     uint64 // answers that report an error
	failure    string // the first of these errors
}

// newCorrelation returns a random prefix for the correlation data of this run. The number of the
// request follows it. It is text, because some responders expect that.
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

// serve subscribes, publishes requests and prints answers over one connection, until every request
// has its answers.
func (r *requester) serve(ctx context.Context, c *conn.Conn) error {
	r.owner.Store(c)
	r.stdout.While = r.keepAlive(ctx, c)
	defer func() { r.session.Unsent = nil }() // requests without an answer are published again, after SUBACK
	if err := r.subscribe(ctx, c); err != nil {
		return err
	}
	for {
		if r.subscribed {
			if err := r.ask(ctx, c); err != nil {
				return r.leave(ctx, c, err)
			}
		}
		if r.ended && r.requests.count() == 0 && c.Pending() == 0 {
			return r.leave(ctx, c, nil)
		}
		if !c.Ready() {
			if err := r.flush(c); err != nil {
				return r.leave(ctx, c, err)
			}
		}
		ev, err := c.NextBy(ctx, cli.Earliest(r.next, r.due(), r.suback.Due()))
		if err != nil {
			if ctx.Err() != nil {
				return r.leave(ctx, c, err)
			}
			return cli.FirstError(r.flush(c), err)
		}
		if err := r.event(ctx, c, ev); err != nil {
			return r.leave(ctx, c, err)
		}
	}
}

// keepAlive returns a function that keeps c alive while a write to stdout is in progress. It returns
// an error when ctx ends, or when a request of a stream has waited for as long as -W allows.
func (r *requester) keepAlive(ctx context.Context, c *conn.Conn) func(done <-chan struct{}) error {
	return func(done <-chan struct{}) error {
		ctx := ctx
		if r.f.wait > 0 && r.f.payload.Streams() {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeoutCause(ctx, r.f.wait, cli.ErrTimeout)
			defer cancel()
		}
		if err := c.Await(ctx, done); err != nil {
			return context.Cause(ctx)
		}
		return nil
	}
}

// flush prints the answers that are not printed yet. Only then they may be acknowledged.
func (r *requester) flush(c *conn.Conn) error {
	err := r.out.Flush()
	if err == nil {
		c.Confirm()
	}
	return err
}

// event handles an event of the connection.
func (r *requester) event(ctx context.Context, c *conn.Conn, ev conn.Event) error {
	switch ev.Kind {
	case conn.Message:
		err := r.message(ctx, ev.Message)
		if err != nil && (err == ctx.Err() || message.Invalid(err)) {
			c.Defer() // the answer was not printed, so it is not acknowledged
		}
		return err
	case conn.Answer:
		if ack, ok := ev.Answer.(*proto.Suback); ok {
			r.subscribed = true
			r.suback.Answered()
			r.plan.Status.Again("")
			return r.f.grant(r.e, r.topic, byte(r.f.qos), ack)
		}
	case conn.Delivered:
		r.delivered(ev)
	case conn.Idle:
		r.expire(time.Now())
		r.suback.Look(r.e, time.Now())
	}
	return nil
}

// subscribe subscribes to the topic of the answers. No request is published before the server has
// granted that. Retained messages are not requested, and neither are this client's own messages, if
// request and answer have the same topic.
func (r *requester) subscribe(ctx context.Context, c *conn.Conn) error {
	r.subscribed = false
	if r.topic == "" {
		r.topic = r.f.response
	}
	if r.topic == "" {
		r.topic = responseTopic(c)
	}
	if c.Version() == proto.V5 {
		r.props = append(r.props[:0], r.f.base...).AppendText(proto.ResponseTopic, r.topic)
	} else if r.topic == r.f.topic {
		return cli.BadFlag("-e", " "+cli.Quote(r.topic)+" is -t too", "at MQTT "+c.Version().String()+" the request itself would be the answer")
	}
	if r.connected {
		r.requests.reconnected(r.f.qos, c.Server().SessionPresent)
	}
	r.connected = true
	filter := proto.Subscription{Filter: r.topic, QoS: byte(r.f.qos), NoLocal: true, RetainHandling: 2}
	if r.e.Mosquitto() { // which sends no options
		filter.NoLocal, filter.RetainHandling = false, 0
	}
	p := &proto.Subscribe{Filters: []proto.Subscription{filter}}
	if c.Version() == proto.V5 {
		p.Props = r.f.Properties.Sets[proto.SUBSCRIBE]
	}
	r.suback.Asked(r.plan)
	return connect.SubscribeError(c.Send(ctx, p))
}

// responseTopic returns a topic for the answers: below the server's Response Information
// [MQTT-3.1.2-28], else below mqtt/reply.
func responseTopic(c *conn.Conn) string {
	base := strings.TrimSuffix(string(c.Server().Props.Value(proto.ResponseInformation)), "/")
	if base == "" || proto.CheckTopic(base) != nil {
		base = "mqtt/reply"
	}
	return base + "/" + strings.NewReplacer("+", "_", "#", "_").Replace(c.ID())
}

// free reports whether the window has room for one more request.
func (r *requester) free(c *conn.Conn) bool { return r.f.qos == 0 || c.Free() > 0 }

// ask publishes requests while there is room for them: first those that the server may have lost,
// then new ones.
func (r *requester) ask(ctx context.Context, c *conn.Conn) error {
	if r.requests.again {
		if err := r.askAgain(ctx, c); err != nil || r.requests.again {
			return err
		}
	}
	room := r.f.inflight
	if c.Version() < proto.V5 {
		room = 1 // without correlation data only the order tells which request an answer belongs to
	}
	now := time.Now()
	r.next = time.Time{}
	for !r.ended && r.requests.count() < room && r.free(c) {
		m, err := r.src.Next(now)
		switch err {
		case nil:
		case message.ErrWait:
			r.next = r.src.Due()
			return nil
		case io.EOF:
			r.ended = true
			return nil
		default:
			if err = r.bad.Met(err, r.asked); err == nil {
				continue
			}
			r.ended, r.sourceErr = true, err // earlier requests may still be answered
			return nil
		}
		q := &request{tag: m.Number}
		if r.plan.Backoff.Tries != 0 {
			q.copy = proto.Publish{QoS: m.QoS, Topic: slices.Clone(m.Topic), Payload: slices.Clone(m.Payload)}
		}
		r.requests.add(q)
		r.asked++
		err = r.publish(ctx, c, q, proto.Publish{QoS: m.QoS, Topic: m.Topic, Payload: m.Payload})
		var bad *message.BadLine
		if errors.As(err, &bad) && r.f.payload.Streams() {
			r.requests.finish(q)
			r.asked--
			if err = r.bad.Met(err, r.asked); err != nil {
				r.ended, r.sourceErr = true, err
			}
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// askAgain publishes the requests that the server may have lost, as far as there is room for them.
func (r *requester) askAgain(ctx context.Context, c *conn.Conn) error {
	for _, q := range r.requests.order {
		if q.done || !q.again {
			continue
		}
		if !r.free(c) {
			return nil
		}
		if err := r.publish(ctx, c, q, q.copy); err != nil {
			return err
		}
		q.again, q.acked = false, false
		r.e.Note("%s is sent again", r.name(q.tag))
	}
	r.requests.again = false
	return nil
}

// publish publishes a request with its own correlation data.
func (r *requester) publish(ctx context.Context, c *conn.Conn, q *request, p proto.Publish) error {
	if c.Version() == proto.V5 {
		r.props = r.props[:len(r.f.base)].AppendText(proto.ResponseTopic, r.topic)
		switch {
		case r.e.Mosquitto() && r.f.correlation != nil: // in the order of mosquitto_rr
			r.props = r.props[:len(r.f.base)].AppendValue(proto.CorrelationData, r.f.correlation).AppendText(proto.ResponseTopic, r.topic)
		case r.f.correlation != nil:
			r.props = r.props.AppendValue(proto.CorrelationData, r.f.correlation)
		case !r.e.Mosquitto(): // mosquitto_rr sends only what -D says
			r.props = r.props.AppendText(proto.CorrelationData, r.prefix+strconv.FormatUint(q.tag, 10))
		}
		p.Props = r.props
	}
	q.sent = time.Now()
	err := c.Publish(ctx, &p, q.tag)
	if err == nil {
		return nil
	}
	return cli.FirstError(message.Unsendable(r.name(q.tag), err), err)
}

// leave prints what is not printed yet and disconnects. It returns err, or the error of printing.
func (r *requester) leave(ctx context.Context, c *conn.Conn, err error) error {
	if ferr := r.out.Flush(); err == nil {
		err = ferr
	}
	if r.out.Lost() {
		c.Discard() // answers that could not be printed are not acknowledged
	} else {
		c.Confirm()
	}
	if err == nil {
		r.plan.Complete(ctx, r.e, c)
	}
	return r.f.leave(c, r.plan, err)
}

// name names the request of a tag.
func (r *requester) name(tag uint64) string {
	if r.f.payload.Streams() {
		return "line " + strconv.FormatUint(tag, 10)
	}
	return "request"
}

// verdict returns the error of the run: err, or that requests have no answer, or that lines were left
// out.
func (r *requester) verdict(ctx context.Context, err error) error {
	return r.bad.Verdict(r.outcome(ctx, err))
}

// outcome is verdict without the lines that were left out.
func (r *requester) outcome(ctx context.Context, err error) error {
	ignored := ""
	if r.ignored > 0 {
		ignored = fmt.Sprintf(" (%s messages on %s were not answers)", format.Count(uint64(r.ignored)), r.topic)
		if r.ignored == 1 {
			ignored = " (1 message on " + r.topic + " was not an answer)"
		}
	}
	switch {
	case err != nil && cli.ReaderGone(ctx):
		return cli.ErrQuiet
	case errors.Is(err, cli.ErrStuck) && errors.Is(err, cli.ErrTimeout):
		return cli.StuckError("-W " + r.f.waitText)
	case errors.Is(err, cli.ErrStuck): // a signal
		return ctx.Err()
	case err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) && context.Cause(ctx) == cli.ErrTimeout:
		if none := r.plan.NoConnection(err, "-W "+r.f.waitText); none != nil && !r.session.Established {
			return none
		}
		if r.asked == 0 {
			return cli.Fail(cli.ExitTimeout, "", "timed out (-W %s) before the request was sent", r.f.waitText)
		}
		got := 0
		if q := r.requests.oldest(); q != nil {
			got = q.answers
		}
		return cli.Fail(cli.ExitTimeout, "check that a responder is subscribed to "+r.f.topic, "%d of %d answers arrived before the timeout (-W %s)%s", got,
			r.f.answers, r.f.waitText, ignored)
	case err != nil:
		return err
	case r.sourceErr != nil:
		return r.sourceErr
	case r.overdue > 0:
		return cli.Fail(cli.ExitTimeout, "", "%s of %s requests were not answered within -W %s%s", format.Count(r.overdue), format.Count(r.asked),
			r.f.waitText, ignored)
	}
	if err := r.deliveries.Verdict("publish"); err != nil || r.failed == 0 {
		return err
	}
	if r.failed == 1 {
		return cli.Fail(cli.ExitPublish, "", "the answer reports an error: %s", r.failure)
	}
	return cli.Fail(cli.ExitPublish, "", "%s answers report an error, the first: %s", format.Count(r.failed), r.failure)
}
