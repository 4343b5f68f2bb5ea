package rr

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"

	"mqtt/internal/conn"
)

// job is a request that is answered by a command. At QoS 1 and 2 the request is acknowledged when
// its answer has been sent. A server that keeps the session therefore delivers it again, to the
// next connection of this run or of another, for as long as it has no answer.
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

	print [sha256.Size]byte // equal for requests that may be the same one, delivered again
	owed  conn.Deferred     // the acknowledgement on the connection that delivered it last
	state jobState
}

// jobState says how far a request of QoS 1 or 2 has come between its delivery and its
// acknowledgement:
//
//	                delivered again   answer sent    connection lost
//	working         -                 acknowledged   orphaned
//	orphaned        working           answered       orphaned
//	acknowledged    -                 -              answered, or forgotten
//	answered        acknowledged      -              answered, or forgotten
type jobState byte

const (
	working      jobState = iota // delivered by this connection; the answer is not sent
	orphaned                     // delivered by an earlier connection; the answer is not sent
	acknowledged                 // acknowledged on this connection, but it may wait for older acknowledgements
	answered                     // the answer is sent; it is acknowledged when the server delivers it again
)

// openJobs are the requests of QoS 1 and 2 that the server may deliver again, in the order of their
// last delivery.
type openJobs struct {
	jobs    []*job
	resumed bool // the server kept the session for this connection, and delivers again what was not acknowledged
}

// add adds a request that this connection delivered.
func (o *openJobs) add(j *job) { o.jobs = append(o.jobs, j) }

// again returns the job of a request that was delivered before, with its next state; nil if the
// request is new. It is the same request if its print is equal and dup is set. A server may forget
// the DUP flag: a request with correlation data is then taken for the same one until it is
// answered.
func (o *openJobs) again(request *job, dup bool) *job {
	for i, j := range o.jobs {
		if j.state == working || j.state == acknowledged || j.print != request.print {
			continue
		}
		if !dup && (j.state == answered || j.correlation == nil) {
			continue
		}
		o.jobs = append(slices.Delete(o.jobs, i, i+1), j)
		if j.state == answered {
			j.state = acknowledged
		} else {
			j.state = working
		}
		return j
	}
	return nil
}

// reconnect notes that another connection is open. resumed says that the server kept the session. A
// request of QoS 2 that was acknowledged is forgotten: the session acknowledges it by itself when
// it is delivered again.
func (o *openJobs) reconnect(resumed bool) {
	o.resumed = resumed
	forget := !resumed || len(o.jobs) > math.MaxUint16 // no server has more than that in flight
	o.jobs = slices.DeleteFunc(o.jobs, func(j *job) bool {
		switch {
		case j.state == working:
			j.state = orphaned
		case j.state == acknowledged && j.qos == 2:
			return true
		case j.state == acknowledged:
			j.state = answered
		}
		return forget && j.state == answered
	})
}

// find returns the job whose answer has that number, nil if there is none or its answer was sent
// already.
func (o *openJobs) find(number uint64) *job {
	for _, j := range o.jobs {
		if j.number == number && (j.state == working || j.state == orphaned) {
			return j
		}
	}
	return nil
}

// setAnswered notes that the answer of j is sent.
func (j *job) setAnswered() {
	j.payload, j.answer, j.environment = nil, nil, nil
	switch j.state {
	case working:
		j.state = acknowledged
	case orphaned:
		j.state = answered
	}
}

// prune removes the jobs that the server will not deliver again. Acknowledgements keep the order of
// the requests: one that waits for an older request is not sent yet.
func (o *openJobs) prune() {
	waits := false
	o.jobs = slices.DeleteFunc(o.jobs, func(j *job) bool {
		switch j.state {
		case working:
			waits = true
		case acknowledged:
			return !waits
		case answered:
			return !o.resumed
		}
		return false
	})
}

// fingerprint returns a digest of parts and their lengths.
func fingerprint(parts ...[]byte) (sum [sha256.Size]byte) {
	h := sha256.New()
	for _, part := range parts {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write(part)
	}
	h.Sum(sum[:0])
	return sum
}
