package rr

import (
	"slices"

	"mqtt/internal/conn"
	"mqtt/internal/connect"
	"mqtt/internal/proto"
)

// receiveMaximum sets a Receive Maximum with which the server sends only requests that can run or
// wait: it keeps the others until there is room.
func (f *flags) receiveMaximum(p *connect.Plan, limit int) {
	n := f.parallel + maxWaiting
	if limit > 0 {
		n = min(n, limit)
	}
	if c := &p.Cfg.Connect; c.Version == proto.V5 && !c.Props.Has(proto.ReceiveMaximum) {
		c.Props = c.Props.AppendNum(proto.ReceiveMaximum, uint32(n))
	}
}

// request handles a received message, which is valid until the next call of Next.
func (a *answerer) request(c *conn.Conn, p *proto.Publish) {
	response := p.Props.Value(proto.ResponseTopic)
	if len(response) == 0 {
		response = []byte(a.f.response)
	}
	switch { // a message that is not a request is acknowledged at once
	case p.Retain:
		a.e.Note("ignored a retained message on %s: it is not a request", p.Topic)
		return
	case len(response) == 0:
		a.e.Note("ignored a request on %s: it has no response topic", p.Topic)
		return
	case !a.mayAnswer(p.Props.Value(proto.ResponseTopic)):
		a.e.Warn("ignored a request on %s: its response topic %s is not in --answer-topics", p.Topic, response)
		return
	}
	j := &job{response: slices.Clone(response), qos: p.QoS}
	if data, ok := p.Props.Get(proto.CorrelationData); ok {
		j.correlation = append(make([]byte, 0, len(data.Value)), data.Value...)
	}
	j.print = fingerprint(p.Topic, response, j.correlation, p.Payload)
	if p.QoS > 0 {
		if old := a.open.again(j, p.Dup); old != nil {
			old.owed = c.Defer()
			if old.state == acknowledged {
				a.acknowledge(c, old)
			}
			return
		}
	}
	j.owed = c.Defer()
	if a.interrupt || a.limit > 0 && a.accepted >= a.limit {
		return // never acknowledged: it stays with the server
	}
	a.accepted++
	j.number = uint64(a.accepted)
	j.topic, j.payload, j.environment = string(p.Topic), slices.Clone(p.Payload), requestEnvironment(p, response)
	if p.QoS > 0 {
		a.open.add(j)
	}
	if len(a.waiting) >= maxWaiting || a.bytes+len(j.payload) > maxWaitingBytes {
		j.fault = "too many requests wait"
		a.ended(j)
		return
	}
	a.waiting = append(a.waiting, j)
	a.bytes += len(j.payload)
}

// mayAnswer reports whether answers may go to a topic that a request names. Empty stands for the topic
// of -e.
func (a *answerer) mayAnswer(topic []byte) bool {
	if len(a.f.answerTo) == 0 || len(topic) == 0 {
		return true
	}
	return slices.ContainsFunc(a.f.answerTo, func(filter string) bool { return proto.Match(filter, topic) })
}

// delivered handles the last acknowledgement of an answer at QoS 2: only now the server is certain
// to forward it.
func (a *answerer) delivered(c *conn.Conn, number uint64) {
	if j := a.open.find(number); j != nil {
		a.answered(c, j)
	}
}

// answered notes that the answer of j is sent, and acknowledges the request.
func (a *answerer) answered(c *conn.Conn, j *job) {
	j.setAnswered()
	a.acknowledge(c, j)
}

// acknowledge acknowledges the request of j, if this connection delivered it.
func (a *answerer) acknowledge(c *conn.Conn, j *job) {
	c.Acknowledge(j.owed)
	a.open.prune()
}
