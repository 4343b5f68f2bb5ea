package conn

import (
	"time"

	"mqtt/internal/proto"
)

// clock decides when to send PINGREQ and when its answer is late.
type clock struct {
	keepAlive time.Duration // 0 means off
	sent      time.Time     // when a packet was last written
	received  time.Time     // when bytes were last received, or later
	recent    bool          // bytes were received after received was set
	pings     []ping        // PINGREQs that were not answered, oldest first
	pongDue   time.Time     // when the server must have sent something; zero if no answer is awaited
	heard     bool          // the server has sent something since pongDue was set
	graceOver bool          // the grace period was granted
}

// ping is a PINGREQ.
type ping struct {
	at    time.Time // when it was queued
	owner bool      // sent by the owner, who gets a Pong event
	more  int       // further PINGREQs of the keep alive that followed at once
}

// deadline returns the earliest of limit, the time of the next PINGREQ, and the time at which its
// answer is late. Zero means never.
func (k *clock) deadline(limit time.Time) time.Time {
	if k.keepAlive > 0 {
		if due := k.pingDue(); limit.IsZero() || due.Before(limit) {
			limit = due
		}
	}
	if !k.pongDue.IsZero() && (limit.IsZero() || k.pongDue.Before(limit)) {
		limit = k.pongDue
	}
	return limit
}

// pingDue returns when to send PINGREQ if nothing else is sent. That is a tenth of the keep alive
// early, but at most one second, because the server measures when the packet arrives. PINGREQ is
// also sent if the server has been silent for that long, whatever we send: messages at QoS 0 are
// not acknowledged, and a dead path accepts them for many minutes.
func (k *clock) pingDue() time.Time {
	last := k.sent
	if k.pongDue.IsZero() && k.received.Before(last) {
		last = k.received
	}
	return last.Add(k.pingAfter())
}

// pingAfter returns the pause after which PINGREQ is sent.
func (k *clock) pingAfter() time.Duration { return k.keepAlive - min(k.keepAlive/10, time.Second) }

// sendDue returns when to send PINGREQ if nothing else is sent, whatever was received.
func (k *clock) sendDue() time.Time { return k.sent.Add(k.pingAfter()) }

// excuse gives the server the whole time for an answer again, after a time in which the owner did
// not read.
func (k *clock) excuse() {
	if !k.pongDue.IsZero() {
		k.heard, k.graceOver = false, false
		k.pongDue = time.Now().Add(k.pongTimeout())
	}
}

// tick assigns the time now to what was received since the last tick, so that reading needs no
// clock.
func (k *clock) tick(now time.Time) {
	if k.recent {
		k.received, k.recent = now, false
	}
}

func (k *clock) pingIsDue(now time.Time) bool { return k.keepAlive > 0 && !now.Before(k.pingDue()) }

// noteRead records that bytes were received.
func (k *clock) noteRead() { k.heard, k.recent = true, true }

// pongIsLate reports whether the server has sent nothing since PINGREQ for longer than allowed. Any
// packet counts as a sign of life, because PINGRESP may be queued after many others. As the owner
// may not have read for a while, a short grace period is granted first.
func (k *clock) pongIsLate(now time.Time) bool {
	if k.pongDue.IsZero() || now.Before(k.pongDue) {
		return false
	}
	switch {
	case k.heard:
		k.heard, k.graceOver = false, false
		k.pongDue = now.Add(k.pongTimeout())
	case !k.graceOver:
		k.graceOver = true
		k.pongDue = now.Add(graceTime)
	default:
		return true
	}
	return false
}

// pongTimeout returns how long the server may take to answer PINGREQ: the keep alive, which is also
// what it grants us.
func (k *clock) pongTimeout() time.Duration { return k.keepAlive }

// pinged records that a PINGREQ was queued.
func (k *clock) pinged(now time.Time, owner bool) {
	if n := len(k.pings); n > 0 && !owner && !k.pings[n-1].owner {
		k.pings[n-1].more++ // so that the list does not grow while the answers are not read
	} else {
		k.pings = append(k.pings, ping{at: now, owner: owner})
	}
	if k.keepAlive > 0 && k.pongDue.IsZero() {
		k.heard, k.graceOver = false, false
		k.pongDue = now.Add(k.pongTimeout())
	}
}

// pong handles PINGRESP, which answers the oldest PINGREQ.
func (k *clock) pong() Event {
	if len(k.pings) == 0 {
		return Event{}
	}
	p := k.pings[0]
	if p.more > 0 {
		k.pings[0].more--
		return Event{}
	}
	k.pings = append(k.pings[:0], k.pings[1:]...)
	if len(k.pings) == 0 {
		k.pongDue = time.Time{}
	}
	if !p.owner {
		return Event{}
	}
	return Event{Kind: Pong, RTT: time.Since(p.at)}
}

// sendPing queues the PINGREQ of the keep alive.
func (c *Conn) sendPing(now time.Time) error {
	c.clock.pinged(now, false)
	return c.queue(&proto.Ping{Kind: proto.PINGREQ})
}
