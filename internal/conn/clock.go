package conn

import (
	"time"

	"mqtt/internal/proto"
)

// clock knows when a PINGREQ is due and when its answer is late.
type clock struct {
	keepAlive time.Duration // 0 is off
	sent      time.Time     // when something was last written
	got       time.Time     // when something was last read, or later
	asked     []asked       // PINGREQs that await their answer, oldest first
	pong      time.Time     // by when the server must be heard of; zero if no answer is awaited
	came      bool          // something was read since got was set
	heard     bool          // something came since pong was set
	last      bool          // pong is the last chance
}

// asked is a PINGREQ.
type asked struct {
	at    time.Time // when it was queued
	owner bool      // the owner sent it and wants to know
}

// nearest returns the earliest of limit, ping due and pong due; zero is never.
func (k *clock) nearest(limit time.Time) time.Time {
	if k.keepAlive > 0 {
		if due := k.due(); limit.IsZero() || due.Before(limit) {
			limit = due
		}
	}
	if !k.pong.IsZero() && (limit.IsZero() || k.pong.Before(limit)) {
		limit = k.pong
	}
	return limit
}

// due is when PINGREQ is to be sent if nothing else is: a tenth of the keep alive
// early, a second at most, for the server counts until the packet is there. A server that
// is silent for as long is asked too, whatever is sent: messages at QoS 0 have no other
// answer, and a path that is dead takes them for many minutes.
func (k *clock) due() time.Time {
	last := k.sent
	if k.pong.IsZero() && k.got.Before(last) {
		last = k.got
	}
	return last.Add(k.keepAlive - min(k.keepAlive/10, time.Second))
}

// tick gives what was read since the last one its time: the read itself needs no clock.
func (k *clock) tick(now time.Time) {
	if k.came {
		k.got, k.came = now, false
	}
}

func (k *clock) pingIsDue(now time.Time) bool { return k.keepAlive > 0 && !now.Before(k.due()) }

// read notes that something came.
func (k *clock) read() { k.heard, k.came = true, true }

// pongIsLate tells whether the server was silent since PINGREQ for as long as it may
// be. What else it sent counts: PINGRESP may stand behind much of it. The owner may
// have been away for long, and what came meanwhile was not read yet: so there is a
// last chance.
func (k *clock) pongIsLate(now time.Time) bool {
	if k.pong.IsZero() || now.Before(k.pong) {
		return false
	}
	switch {
	case k.heard:
		k.heard, k.last = false, false
		k.pong = now.Add(k.patience())
	case !k.last:
		k.last = true
		k.pong = now.Add(lastWords)
	default:
		return true
	}
	return false
}

// patience is how long a server may take to answer PINGREQ: the keep alive, which is
// what the server allows us.
func (k *clock) patience() time.Duration { return k.keepAlive }

// await notes that a PINGREQ was queued.
func (k *clock) await(now time.Time, owner bool) {
	k.asked = append(k.asked, asked{now, owner})
	if k.keepAlive > 0 && k.pong.IsZero() {
		k.heard, k.last = false, false
		k.pong = now.Add(k.patience())
	}
}

// ping queues the PINGREQ that the keep alive asks for.
func (c *Conn) ping(now time.Time) error {
	c.clock.await(now, false)
	return c.queue(&proto.Ping{Kind: proto.PINGREQ})
}

// answered takes in a PINGRESP, which answers the oldest PINGREQ.
func (k *clock) answered() Event {
	if len(k.asked) == 0 {
		return Event{}
	}
	a := k.asked[0]
	k.asked = append(k.asked[:0], k.asked[1:]...)
	if len(k.asked) == 0 {
		k.pong = time.Time{}
	}
	if !a.owner {
		return Event{}
	}
	return Event{Kind: Pong, RTT: time.Since(a.at)}
}
