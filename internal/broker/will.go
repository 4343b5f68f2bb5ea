package broker

import (
	"log/slog"
	"time"

	"mqtt/internal/proto"
)

// will is a will that a session holds. Its fields are guarded by session.mu.
type will struct {
	s     *session
	who   *Identity
	m     *Message
	delay uint32 // seconds
	due   time.Time
	timer *time.Timer // runs while the delay does
}

// newWill takes the will out of a CONNECT. Its properties go with the message, but
// for the delay.
func newWill(who *Identity, w *proto.Will) *will {
	m := (&Message{Topic: []byte(w.Topic), Props: w.Props.Without(proto.WillDelayInterval),
		Payload: w.Payload, QoS: w.QoS, Retain: w.Retain}).clone()
	m.From = who.ClientID
	return &will{who: who, m: m, delay: w.Props.Num(proto.WillDelayInterval, 0)}
}

func (w *will) stop() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

// start begins the delay: the will is published when it has passed, or when the
// session ends if that is sooner. session.mu is held.
func (w *will) start() {
	if w.due.IsZero() {
		w.due = time.Now().Add(time.Duration(w.delay) * time.Second)
	}
	w.timer = time.AfterFunc(time.Until(w.due), func() {
		b := w.s.b
		bt := b.batch(nil)
		w.s.mu.Lock()
		mine := w.s.will == w
		if mine {
			w.s.will = nil
			if w.s.durable {
				b.opt.Store.PutSession(w.s.record())
			}
		}
		w.s.mu.Unlock()
		if mine {
			bt.will(w)
		}
		bt.finish()
	})
}

// legacy decides what becomes of the will as its client goes, and returns it if it is to be
// published at once. One that waits for its delay, or for the end of the session, stays with
// that. session.mu is held.
func (c *client) willOnDetach(orderly, ends bool) *will {
	s := c.s
	w := s.will
	s.will = nil
	switch {
	case w == nil, orderly: // [MQTT-3.14.4-3]
		return nil
	case c.b.aborted.Load(): // the Store has it: it is due when the broker is back
		s.will = w
		return nil
	case ends: // finish publishes it
		s.will = w
		return nil
	case w.delay == 0:
		return w
	case c.takenOver:
		return nil // the session goes on before the delay has passed
	}
	s.will = w
	w.start()
	return nil
}

// will publishes a will, with the rights of the client that left it.
func (bt *batch) will(w *will) {
	if bt.b.aborted.Load() {
		return // nobody is there to read it
	}
	if acl := bt.b.opt.ACL; acl != nil && !acl.Allow(w.who, string(w.m.Topic), Write) {
		bt.count.refused++
		if bt.b.noting() {
			bt.count.note(slog.LevelDebug, "will refused", append(clientAttrs(w.who), slog.String("topic", escaped(string(w.m.Topic))), slog.String("reason", proto.NotAuthorized.Name(proto.PUBACK)))...)
		}
		return
	}
	m := *w.m
	m.Came = bt.time()
	m.Expires = expires(m.Props, m.Came) // it counts from the publication
	bt.origin = w.s
	bt.publish(&m)
	bt.flush()
	bt.origin = nil
}
