package main

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"

	"mqtt/internal/conn"
	"mqtt/internal/proto"
)

// job is a request on its way to an answer. At QoS 1 and 2 the request is acknowledged when the answer is on its way, so
// that a server that keeps the session gives it again to the next connection, of this run or of another, for as long as
// it has no answer.
type job struct {
	number      uint64 // the tag of its answer
	topic       string
	response    []byte
	correlation []byte // nil for none
	qos         byte
	payload     []byte
	environment []string

	answer []byte
	fault  string // why the command failed, "" if it did not

	same     [sha256.Size]byte // of all that makes it the same request when it comes again
	owed     conn.Deferred
	claimed  bool // it came on this connection, or came again
	answered bool // the answer precedes the acknowledgement, whenever that goes out
}

// receiveMaximum lets a server send what may run and wait, and no more: it keeps the rest until there is room.
func (f *rrFlags) receiveMaximum(p *plan, limit int) {
	n := f.parallel + maxWaiting
	if limit > 0 {
		n = min(n, limit)
	}
	if c := &p.cfg.Connect; c.Version == proto.V5 && !c.Props.Has(proto.ReceiveMaximum) {
		c.Props = c.Props.AppendNum(proto.ReceiveMaximum, uint32(n))
	}
}

// request takes in a message, which is good for this call only.
func (a *answerer) request(c *conn.Conn, p *proto.Publish) {
	response := p.Props.Value(proto.ResponseTopic)
	if len(response) == 0 {
		response = []byte(a.f.response)
	}
	switch { // what is no request is acknowledged at once
	case p.Retain:
		a.e.note("a retained message on %s is no request", p.Topic)
		return
	case len(response) == 0:
		a.e.note("a request on %s has no response topic: left out", p.Topic)
		return
	}
	j := &job{response: slices.Clone(response), qos: p.QoS}
	if data, ok := p.Props.Get(proto.CorrelationData); ok {
		j.correlation = append(make([]byte, 0, len(data.Value)), data.Value...)
	}
	j.same = fingerprint(p.Topic, response, j.correlation, p.Payload)
	if p.QoS > 0 && a.adopt(c, p.Dup, j) {
		return
	}
	if j.owed = c.Defer(); a.leaving || a.limit > 0 && a.taken >= a.limit {
		return // it stays with the server
	}
	a.taken++
	j.number, j.claimed = uint64(a.taken), true
	j.topic, j.payload, j.environment = string(p.Topic), slices.Clone(p.Payload), requestEnvironment(p, response)
	if p.QoS > 0 {
		a.open = append(a.open, j)
	}
	if len(a.waiting) >= maxWaiting || a.bytes+len(j.payload) > maxWaitingBytes {
		j.fault = "too many requests wait"
		a.end(j)
		return
	}
	a.waiting = append(a.waiting, j)
	a.bytes += len(j.payload)
}

// fingerprint tells requests apart.
func fingerprint(parts ...[]byte) (sum [sha256.Size]byte) {
	h := sha256.New()
	for _, part := range parts {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write(part)
	}
	h.Sum(sum[:0])
	return sum
}

// adopt gives a request that comes again on another connection to the job that has it already. A server may forget to say
// that it comes again: what is the same to the correlation data is taken for the same, until it is answered.
func (a *answerer) adopt(c *conn.Conn, dup bool, again *job) bool {
	for i, j := range a.open {
		if j.claimed || j.same != again.same || !dup && (j.answered || j.correlation == nil) {
			continue
		}
		a.open = append(slices.Delete(a.open, i, i+1), j)
		j.claimed, j.owed = true, c.Defer()
		if j.answered {
			a.answered(c, j)
		}
		return true
	}
	return false
}

// resume begins a connection: the server will send again what was not acknowledged on the one before, if it kept the
// session. A QoS 2 request whose answer was sent is acknowledged without us.
func (a *answerer) resume(c *conn.Conn) {
	a.resumed = c.Server().SessionPresent
	a.open = slices.DeleteFunc(a.open, func(j *job) bool {
		return j.answered && (!a.resumed || j.claimed && j.qos == 2 || len(a.open) > math.MaxUint16)
	})
	for _, j := range a.open {
		j.claimed, j.owed = false, conn.Deferred{}
	}
}

// delivered takes in the end of an answer at QoS 2: only now will the server hand it on, whatever becomes of us.
func (a *answerer) delivered(c *conn.Conn, number uint64) {
	for _, j := range a.open {
		if j.number == number && !j.answered {
			a.answered(c, j)
			return
		}
	}
}

// answered acknowledges a request. It is remembered for as long as it may come again.
func (a *answerer) answered(c *conn.Conn, j *job) {
	j.answered = true
	j.payload, j.answer, j.environment = nil, nil, nil
	c.Acknowledge(j.owed)
	held := false // behind one that has no answer yet
	a.open = slices.DeleteFunc(a.open, func(j *job) bool {
		held = held || j.claimed && !j.answered
		return j.answered && (j.claimed && !held || !j.claimed && !a.resumed)
	})
}
