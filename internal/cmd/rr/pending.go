package rr

import (
	"time"

	"mqtt/internal/proto"
)

// request is a request that waits for answers.
type request struct {
	tag     uint64 // line number, or 1
	sent    time.Time
	answers int
	done    bool
	acked   bool          // the server acknowledged it; never set at QoS 0
	again   bool          // it is to be published again: the server may have lost it
	copy    proto.Publish // what is published again; empty if the run does not reconnect
}

// requests are the requests without all their answers.
type requests struct {
	byTag map[uint64]*request
	order []*request // the oldest first; may contain some that are done
	again bool       // some are to be published again
}

func newRequests() requests { return requests{byTag: make(map[uint64]*request)} }

// count returns the number of requests that wait.
func (r *requests) count() int { return len(r.byTag) }

// add adds a request.
func (r *requests) add(q *request) {
	r.byTag[q.tag] = q
	r.order = append(r.order, q)
}

// oldest returns the request that has waited longest, nil if none waits.
func (r *requests) oldest() *request {
	for len(r.order) > 0 && r.order[0].done {
		r.order[0] = nil
		r.order = r.order[1:]
	}
	if len(r.order) == 0 {
		return nil
	}
	return r.order[0]
}

// finish removes a request.
func (r *requests) finish(q *request) {
	q.done = true
	delete(r.byTag, q.tag)
	r.oldest() // frees those at the front that are done
}

// reconnected notes that another connection is open, and marks the requests that the server may
// have lost. The ledger of the session publishes those in flight again by itself: at QoS 1 and 2
// only acknowledged requests can be lost, together with the session. At QoS 0 every request can.
func (r *requests) reconnected(qos int, sessionPresent bool) {
	for _, q := range r.order {
		if !q.done && (qos == 0 || q.acked && !sessionPresent) {
			q.again, r.again = true, true
		}
	}
}
