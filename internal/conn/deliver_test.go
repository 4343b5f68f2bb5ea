package conn

import (
	"testing"
	"testing/synctest"
	"time"

	"mqtt/internal/proto"
)

// TestAcks checks the acknowledgement of each QoS, with its packet identifier, in the order of
// receipt [MQTT-3.3.4-1], [MQTT-2.2.1-5], [MQTT-4.3.2-4], [MQTT-4.3.3-8], [MQTT-4.5.0-2],
// [MQTT-4.6.0-2], [MQTT-4.6.0-3], [MQTT-1.5.4-3]; 3.1.1 [MQTT-3.3.4-1], [MQTT-2.3.1-6],
// [MQTT-4.5.0-2], [MQTT-4.6.0-2], [MQTT-4.6.0-3], [MQTT-1.5.3-3].
func TestAcks(t *testing.T) {
	for _, v := range versions {
		synctest.Test(t, func(t *testing.T) {
			ids := []uint16{1, 255, 256, 65535, 77}
			c := start(t, script(t, v, func(p *peer) {
				p.greet(false)
				var all, acks []any
				for i, id := range ids {
					qos := byte(1 + i&1)
					all = append(all, msg(0, 0, "\uFEFFa", "0"), msg(qos, id, "\uFEFFa", "x"))
					acks = append(acks, ack([]proto.Type{proto.PUBACK, proto.PUBREC}[qos-1], id))
				}
				p.send(all...)
				p.expect(acks...)
				p.bye()
			}))
			for range ids {
				nextMessage(t, c, "0")
				if m := nextMessage(t, c, "x"); string(m.Topic) != "\uFEFFa" {
					t.Errorf("topic %q", m.Topic)
				}
			}
			closed(t, c) // the last acknowledgement goes with it
		})
	}
}

// TestAckWaitsForOwner checks that a message is acknowledged when the owner calls Next again, and
// not before.
func TestAckWaitsForOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, script(t, proto.V5, func(p *peer) {
			p.greet(false)
			p.send(msg(1, 1, "a", "1"), msg(1, 2, "a", "2"))
			p.expect(ack(proto.PUBACK, 1))
			p.end()
		}))
		nextMessage(t, c, "1")
		nextMessage(t, c, "2")
		if err := c.flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.Abort()
	})
}

// TestRefuse checks the reason in PUBACK and PUBREC, and that a refused identifier is free again
// [MQTT-4.3.3-9], [MQTT-3.4.2-1], [MQTT-3.5.2-1].
func TestRefuse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, script(t, proto.V5, func(p *peer) {
			p.greet(false)
			p.send(msg(1, 1, "a", "x"), msg(2, 2, "a", "x"), msg(2, 2, "a", "x"), msg(0, 0, "a", "x"), msg(1, 3, "a", "x"))
			p.expect(ack(proto.PUBACK, 1, proto.NotAuthorized), ack(proto.PUBREC, 2, proto.QuotaExceeded), ack(proto.PUBREC, 2))
			p.expect(ack(proto.PUBACK, 3, proto.UnspecifiedError))
			p.bye()
		}))
		for _, r := range []proto.Reason{proto.NotAuthorized, proto.QuotaExceeded, 0, proto.NotAuthorized, proto.ProtocolError} {
			nextMessage(t, c, "x")
			if r != 0 {
				c.Refuse(r)
			}
		}
		look(t, c)
		c.Refuse(proto.NotAuthorized) // is too late
		closed(t, c)
	})
	synctest.Test(t, func(t *testing.T) { // 3.1.1 has no words for it
		c := start(t, script(t, proto.V311, func(p *peer) {
			p.greet(false)
			p.send(msg(1, 1, "a", "x"))
			p.expect(ack(proto.PUBACK, 1))
			p.bye()
		}))
		nextMessage(t, c, "x")
		c.Refuse(proto.NotAuthorized)
		closed(t, c)
	})
}

// TestExactlyOnce receives QoS 2 messages: a redelivery before PUBREL is acknowledged and not
// delivered, after PUBCOMP the identifier belongs to a new message, and an unexpected PUBREL is
// answered [MQTT-4.3.3-10], [MQTT-4.3.3-11], [MQTT-4.3.3-12], [MQTT-4.3.3-13], [MQTT-3.7.2-1],
// [MQTT-4.1.0-1]; 3.1.1 [MQTT-4.3.3-2], [MQTT-4.1.0-1].
func TestExactlyOnce(t *testing.T) {
	for _, v := range versions {
		synctest.Test(t, func(t *testing.T) {
			notFound := proto.PacketIdentifierNotFound
			if v < proto.V5 {
				notFound = proto.Success
			}
			first := msg(2, 7, "a", "first")
			if v == proto.V5 {
				first.Props = props(proto.MessageExpiryInterval, 1)
			}
			c := start(t, script(t, v, func(p *peer) {
				p.greet(false)
				p.send(first)
				p.expect(ack(proto.PUBREC, 7))
				p.send(dup(msg(2, 7, "a", "first")), msg(2, 7, "a", "first"))
				p.expect(ack(proto.PUBREC, 7), ack(proto.PUBREC, 7))
				<-time.After(time.Minute)
				p.send(ack(proto.PUBREL, 7))
				p.expect(ack(proto.PUBCOMP, 7))
				p.send(ack(proto.PUBREL, 7), ack(proto.PUBREL, 8))
				p.expect(ack(proto.PUBCOMP, 7, notFound), ack(proto.PUBCOMP, 8, notFound))
				p.send(msg(2, 7, "a", "second"))
				p.expect(ack(proto.PUBREC, 7))
				p.bye()
			}))
			nextMessage(t, c, "first")
			nextMessage(t, c, "second")
			closed(t, c)
		})
	}
}

// TestAtLeastOnce checks that after PUBACK the same packet identifier belongs to a new message,
// whatever DUP says [MQTT-4.3.2-5]; 3.1.1 [MQTT-4.3.2-2].
func TestAtLeastOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, script(t, proto.V311, func(p *peer) {
			p.greet(false)
			p.send(msg(1, 7, "a", "x"), dup(msg(1, 7, "a", "x")))
			p.expect(ack(proto.PUBACK, 7), ack(proto.PUBACK, 7))
			p.bye()
		}))
		nextMessage(t, c, "x")
		nextMessage(t, c, "x")
		closed(t, c)
	})
}
