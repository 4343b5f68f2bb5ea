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

// message handles a received message: it is printed if it is the answer to a request.
func (r *requester) message(ctx context.Context, p *proto.Publish) error {
	q := r.requestOf(p)
	if q == nil {
		r.ignored++
		return nil
	}
	failure, failed := r.failureOf(p)
	if err := r.print(ctx, p, failed); err != nil {
		return err
	}
	q.answers++
	if r.f.latency {
		fmt.Fprintf(r.e.Err, "%s: %s\n", r.name(q.tag), format.Duration(time.Since(q.sent)))
	}
	if failed {
		r.reported(q, failure)
	}
	if q.answers == r.f.answers {
		r.requests.finish(q)
	}
	return nil
}

// failureOf returns the error that an answer reports.
func (r *requester) failureOf(p *proto.Publish) (failure string, failed bool) {
	for prop := range p.Props.All() {
		if prop.ID == proto.UserProperty && string(prop.Key) == errorProperty && !r.e.Mosquitto() {
			return string(prop.Value), true
		}
	}
	return "", false
}

// reported notes that an answer reports an error.
func (r *requester) reported(q *request, failure string) {
	if r.failed++; r.failed == 1 {
		r.failure = failure
	}
	if (r.f.payload.Streams() || r.f.answers > 1) && r.failed <= message.RefusalsShown {
		r.e.Warn("%s: the answer reports an error: %s", r.name(q.tag), failure)
	}
}

// print prints an answer, or what --jq makes of it. One that reports an error (failed) may be
// invalid.
func (r *requester) print(ctx context.Context, p *proto.Publish, failed bool) error {
	decoded, err := r.decoder.Decode(p)
	switch {
	case failed && message.Invalid(err):
		err = nil
	case err == nil && !failed:
		err = r.decoder.Check(p, decoded)
	}
	if err != nil {
		return err
	}
	if r.jq == nil {
		return r.out.Put(r.session.Version, p, decoded)
	}
	body := p.Payload
	if decoded != nil {
		body = decoded
	}
	results, err := r.jq.Run(ctx, body)
	if err != nil {
		if err == ctx.Err() {
			return err
		}
		r.e.Warn("%s: %v", p.Topic, err)
	}
	made := *p
	for _, result := range results {
		if decoded != nil {
			decoded = result
		} else {
			made.Payload = result
		}
		if err := r.out.Put(r.session.Version, &made, decoded); err != nil {
			return err
		}
	}
	return nil
}

// requestOf returns the request that p answers, nil if there is none.
func (r *requester) requestOf(p *proto.Publish) *request {
	if !proto.Match(r.topic, p.Topic) {
		return nil
	}
	if r.session.Version < proto.V5 && !(p.Retain && r.f.noRetain) { // there is one request at a time
		return r.requests.oldest()
	}
	if p.Retain { // it was published before the request
		return nil
	}
	data, ok := p.Props.Get(proto.CorrelationData)
	if r.e.Mosquitto() && (!ok || r.f.correlation == nil) { // mosquitto_rr accepts answers without correlation data
		return r.requests.oldest()
	}
	if r.f.correlation != nil {
		if ok && string(data.Value) == string(r.f.correlation) {
			return r.requests.oldest()
		}
		return nil
	}
	number, ours := strings.CutPrefix(string(data.Value), r.prefix)
	tag, err := strconv.ParseUint(number, 10, 64)
	if !ours || err != nil {
		return nil
	}
	return r.requests.byTag[tag]
}

// delivered handles an acknowledgement. A request that the server refused gets no answer.
func (r *requester) delivered(ev conn.Event) {
	refused := r.deliveries.Add(ev, r.f.payload.Name)
	if refused != nil && r.f.payload.Streams() && r.deliveries.Refused <= message.RefusalsShown {
		r.e.Warn("%v", refused)
	}
	q := r.requests.byTag[ev.Tag]
	switch {
	case q == nil:
	case ev.Reason.Failed():
		r.requests.finish(q)
	default:
		q.acked = true
		if ev.Reason == proto.NoMatchingSubscribers {
			r.e.Warn("%s: nobody has subscribed to that topic", r.name(q.tag))
		}
	}
}

// due returns the time when the oldest request of a stream has waited for as long as -W allows;
// zero: never.
func (r *requester) due() time.Time {
	if q := r.requests.oldest(); q != nil && r.f.wait > 0 && r.f.payload.Streams() {
		return q.sent.Add(r.f.wait)
	}
	return time.Time{}
}

// expire gives up the requests of a stream that have waited for too long.
func (r *requester) expire(now time.Time) {
	for limit := r.due(); !limit.IsZero() && !now.Before(limit); limit = r.due() {
		q := r.requests.oldest()
		r.e.Note("%s: no answer within %s", r.name(q.tag), r.f.wait)
		r.overdue++
		r.requests.finish(q)
	}
}
