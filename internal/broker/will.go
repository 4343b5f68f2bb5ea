package broker

import (
	"log/slog"
	"time"

	"mqtt/internal/proto"
)

// will is the will of a session. session.mu guards its fields.
type will struct {
	s     *session
	who   *Identity
	m     *Message
	delay uint32 // seconds
	due   time.Time
	timer *time.Timer // runs during the delay
}

// newWill returns the will of a CONNECT. Its message gets all properties except the delay.
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

// start begins the delay. The will is published when the delay has passed or the session ends,
// whichever is first. session.mu is held.
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

// willOnDetach decides what happens to the will when its client leaves, and returns it if it must
// be published at once. A will that waits for its delay, or for the end of the session, stays in
// the session. session.mu is held.
func (c *client) willOnDetach(orderly, ends bool) *will {
	s := c.s
	w := s.will
	s.will = nil
	switch {
	case w == nil, orderly: // [MQTT-3.14.4-3]
		return nil
	case c.b.aborted.Load(): // the Store holds it: it is due after the restart
		s.will = w
		return nil
	case ends: // endSession publishes it
		s.will = w
		return nil
	case w.delay == 0:
		return w
	case c.takenOver:
		return nil // the session continues before the delay has passed
	}
	s.will = w
	w.start()
	return nil
}

// will publishes a will, with the rights of the client that set it.
func (bt *batch) will(w *will) {
	if bt.b.aborted.Load() {
		return // all connections are being closed
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
	m.Expires = expires(m.Props, m.Came) // expiry begins with the publication
	bt.origin = w.s
	bt.publish(&m)
	bt.flush()
	bt.origin = nil
}
