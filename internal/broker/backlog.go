package broker

import (
	"bytes"

	"mqtt/internal/proto"
)

// checksAtOnce is the number of times that the ACL is asked about a session's messages under its
// lock: an answer may take time in proportion to the lines of the ACL.
const checksAtOnce = 256

// readCheck asks the ACL whether a client may read messages. Consecutive messages of one topic take
// one question.
type readCheck struct {
	acl     ACL
	who     *Identity
	left    int    // questions that are left
	topic   []byte // of the last answer
	allowed bool
}

// allows reports whether the client may read messages of the topic.
func (r *readCheck) allows(topic []byte) bool {
	if r.acl == nil {
		return true
	}
	if r.topic == nil || !bytes.Equal(r.topic, topic) {
		r.left--
		r.topic, r.allowed = topic, r.acl.Allow(r.who, string(topic), Read)
	}
	return r.allowed
}

// sendQueued sends waiting messages while the inflight window and the output have room: first those
// that a resumed session must send again, in their order [MQTT-4.6.0-1], then the queue. s.mu is
// held.
func (s *session) sendQueued(now int64, count *tally) {
	c := s.client
	if c == nil || c.closing {
		return
	}
	check := readCheck{acl: s.b.opt.ACL, who: c.who, left: checksAtOnce}
	c.checking = false
	for len(c.resend) > 0 && c.out.n < s.b.opt.HighWater && s.sender.Pending()-len(c.resend) < c.limit {
		if check.left == 0 {
			c.checking = true
			return
		}
		f := c.resend[0]
		c.resend = c.resend[1:]
		h := s.sender.Message(f.ID)
		if h == nil || h.seq != f.Tag || s.sender.Released(f.ID) {
			continue // acknowledged meanwhile
		}
		// A message that was never sent may have expired. One that was sent must be completed
		// whatever its age [MQTT-4.3.3-7].
		why := ""
		switch late := !h.sent && h.m.expired(now); {
		case !check.allows(h.m.Topic):
			why = whyRights
		case late || !c.append(now, h, f.ID):
			why = notSentReason(late)
		}
		if why != "" {
			count.drop(s, h.m, 1, why)
			if s.abandon(f.ID, h) {
				c.pubrel(f.ID, proto.Success)
				c.out.sync = c.out.sync || s.durable
			}
			continue
		}
		h.sent = true
		count.sent++
		count.sentBytes += len(h.m.Payload)
		c.out.sync = c.out.sync || s.durable
	}
	if len(c.resend) > 0 {
		return
	}
	c.resend = nil
	if len(s.walks) > 0 {
		c.resumeWalk()
		if len(s.walks) > 0 {
			return
		}
	}
	for s.queue.n > 0 && c.out.n < s.b.opt.HighWater {
		h := *s.queue.first()
		if h.qos > 0 && s.sender.Free() == 0 && !h.m.expired(now) {
			break
		}
		unchecked := s.queue.unchecked > 0
		if unchecked && check.left == 0 {
			c.checking = true
			break
		}
		s.queue.pop()
		switch {
		case h.m.expired(now):
			count.drop(s, h.m, 1, whyExpired)
			s.completed(&h)
		case unchecked && !check.allows(h.m.Topic) && h.g.group != nil:
			count.left = append(count.left, h) // for another member
			s.completed(&h)
		case unchecked && !check.allows(h.m.Topic):
			count.drop(s, h.m, 1, whyRights)
			s.completed(&h)
		default:
			s.send(now, &h, count)
		}
	}
	s.charge()
}
