package main

import "mqtt/internal/proto"

// obstacle is the message that no connection gets beyond: the oldest in flight on connections that ended one after the
// other, with nothing acknowledged. A server that finds it too large, or ill-formed, hangs up on it before version 5
// without a word, and would for ever.
type obstacle struct {
	tag   uint64
	times int
}

// obstacleAfter is how many connections in a row it takes to name it.
const obstacleAfter = 3

// met takes in that a connection ended without an acknowledgement.
func (o *obstacle) met(p *publisher) {
	flights := p.session.Sender.Resend()
	if len(flights) == 0 || flights[0].Released {
		*o = obstacle{}
		return
	}
	f := flights[0]
	if o.tag != f.Tag {
		*o = obstacle{tag: f.Tag}
	}
	if o.times++; o.times != obstacleAfter {
		return
	}
	var m proto.Publish
	frame, _, err := proto.Split(*f.Kept, 0)
	if err == nil {
		err = m.Decode(frame, p.session.Version)
	}
	if err == nil {
		p.e.warn("the server hangs up on %s, %d bytes: %d connections in a row got no further", p.name(f.Tag), len(m.Payload), o.times)
	}
}
