package rr

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"mqtt/internal/conn"
	"mqtt/internal/format"
	"mqtt/internal/message"
	"mqtt/internal/proto"
)

// message prints p if it answers a request.
func (r *requester) message(ctx context.Context, p *proto.Publish) error {
	q := r.answered(p)
	if q == nil {
		r.ignored++
		return nil
	}
	if err := r.print(ctx, p); err != nil {
		return err
	}
	q.answers++
	if r.f.latency {
		fmt.Fprintf(r.e.Err, "%s: %s\n", r.name(q.tag), format.Duration(time.Since(q.sent)))
	}
	for prop := range p.Props.All() {
		if prop.ID == proto.UserProperty && string(prop.Key) == errorProperty {
			r.e.Warn("%s: the answer says: %s", r.name(q.tag), prop.Value)
		}
	}
	if q.answers == r.f.answers {
		r.finish(q)
	}
	return nil
}

// print prints an answer, or what --jq makes of it.
func (r *requester) print(ctx context.Context, p *proto.Publish) error {
	if r.jq == nil {
		return r.out.Put(r.session.Version, p)
	}
	results, err := r.jq.Run(ctx, p.Payload)
	if err != nil {
		if err == ctx.Err() {
			return err
		}
		r.e.Warn("%s: %v", p.Topic, err)
	}
	made := *p
	for _, made.Payload = range results {
		if err := r.out.Put(r.session.Version, &made); err != nil {
			return err
		}
	}
	return nil
}

// answered finds the request that p answers, nil if none.
func (r *requester) answered(p *proto.Publish) *request {
	if !proto.Match(r.topic, p.Topic) {
		return nil
	}
	if r.session.Version < proto.V5 && !(p.Retain && r.f.noRetain) { // nothing tells whose answer it is
		return r.oldest()
	}
	if p.Retain { // an answer to somebody before us
		return nil
	}
	data, ok := p.Props.Get(proto.CorrelationData)
	if !ok && r.e.Mosquitto() { // scripts for mosquitto_rr talk to answerers that know of none
		return r.oldest()
	}
	if r.f.correlation != nil {
		if ok && string(data.Value) == string(r.f.correlation) {
			return r.oldest()
		}
		return nil
	}
	number, ours := strings.CutPrefix(string(data.Value), r.prefix)
	tag, err := strconv.ParseUint(number, 10, 64)
	if !ours || err != nil {
		return nil
	}
	return r.pending[tag]
}

// oldest is the request that has waited longest.
func (r *requester) oldest() *request {
	for len(r.order) > 0 && r.order[0].done {
		r.order = r.order[1:]
	}
	if len(r.order) == 0 {
		return nil
	}
	return r.order[0]
}

func (r *requester) finish(q *request) {
	q.done = true
	delete(r.pending, q.tag)
	r.oldest() // lets go of those at the front that are done
}

// delivered takes in an acknowledgement. A request that the server refused gets no answer.
func (r *requester) delivered(ev conn.Event) error {
	refused := r.accepted.Add(ev, r.f.payload.Name)
	if refused != nil && r.f.payload.Streams() && r.accepted.Refused <= message.RefusalsShown {
		r.e.Warn("%v", refused)
	}
	q := r.pending[ev.Tag]
	switch {
	case q == nil:
	case ev.Reason.Failed():
		r.finish(q)
	default:
		q.acked = true
		if ev.Reason == proto.NoMatchingSubscribers {
			r.e.Warn("%s: nobody has subscribed to that topic", r.name(q.tag))
		}
	}
	return nil
}

// due is when the oldest request of a stream has waited too long.
func (r *requester) due() time.Time {
	if q := r.oldest(); q != nil && r.f.wait > 0 && r.f.payload.Streams() {
		return q.sent.Add(r.f.wait)
	}
	return time.Time{}
}

// expire gives up on requests of a stream that have waited too long.
func (r *requester) expire(now time.Time) {
	for limit := r.due(); !limit.IsZero() && !now.Before(limit); limit = r.due() {
		q := r.oldest()
		r.e.Note("%s: no answer within %s", r.name(q.tag), r.f.wait)
		r.overdue++
		r.finish(q)
	}
}
