package conn

import (
	"time"

	"mqtt/internal/proto"
)

// clock knows when a PINGREQ is due and when its answer is late.
type clock struct {
	keepAlive time.Duration // 0 is off
	sent      time.Time     // when something was last written
	pinged    time.Time     // when the last PINGREQ was queued
	pong      time.Time     // by when its answer is due; zero if none is awaited
	wanted    bool          // the owner sent it and wants to know
	heard     bool          // something came since pong was set
}

// nearest returns the earliest of limit, ping due and pong due; zero is never.
func (k *clock) nearest(limit time.Time) time.Time {
	if k.keepAlive > 0 {
		if due := k.sent.Add(k.keepAlive); limit.IsZero() || due.Before(limit) {
			limit = due
		}
	}
	if !k.pong.IsZero() && (limit.IsZero() || k.pong.Before(limit)) {
		limit = k.pong
	}
	return limit
}

// pingIsDue tells whether nothing was sent for the keep alive.
func (k *clock) pingIsDue(now time.Time) bool {
	return k.keepAlive > 0 && !now.Before(k.sent.Add(k.keepAlive))
}

// pongIsLate tells whether the server was silent since PINGREQ for as long as it may
// be. What else it sent counts: PINGRESP may stand behind much of it.
func (k *clock) pongIsLate(now time.Time) bool {
	if k.pong.IsZero() || now.Before(k.pong) {
		return false
	}
	if k.heard {
		k.heard = false
		k.pong = now.Add(k.patience())
		return false
	}
	return true
}

// patience is how long a server may take to answer PINGREQ: the keep alive, which is
// what the server allows us.
func (k *clock) patience() time.Duration { return k.keepAlive }

// asked notes that the owner sent a PINGREQ.
func (k *clock) asked() {
	k.wanted = true
	k.await(time.Now())
}

func (k *clock) await(now time.Time) {
	k.pinged = now
	if k.keepAlive > 0 && k.pong.IsZero() {
		k.heard = false
		k.pong = now.Add(k.patience())
	}
}

// ping queues the PINGREQ that the keep alive asks for.
func (c *Conn) ping(now time.Time) error {
	c.clock.await(now)
	c.clock.sent = now // the flush that follows says when exactly
	return c.queue(&proto.Ping{Kind: proto.PINGREQ})
}

// answered takes in a PINGRESP.
func (k *clock) answered() Event {
	k.pong = time.Time{}
	if !k.wanted {
		return Event{}
	}
	k.wanted = false
	return Event{Kind: Pong, Took: time.Since(k.pinged)}
}
