package check

import (
	"fmt"
	"io"
	"time"

	"mqtt/internal/proto"
)

// redeliveryCases are about messages that are sent again, and about what a session brings to the next connection.
var redeliveryCases = [...]Case{
	{
		Name: "dup-is-no-proof", Title: "A message with DUP that the server has not received before is delivered",
		V5: "3.3.1.1 MQTT-4.5.0-1", V311: "3.3.1.1 MQTT-4.5.0-1", Needs: NeedQoS2,
		Run: func(c *C) {
			p, s := c.Connect(), c.Connect()
			s.Subscribe(c.Topic("a"), 0)
			p.watch = nil // the connection before, on which it was sent first, was lost
			for _, q := range []byte{1, 2} {
				m := message(c.Topic("a"), fmt.Sprint(q), q)
				m.PacketID, m.Dup = 40+uint16(q), true
				p.Publish(m)
				s.Expect(c.Topic("a"), fmt.Sprint(q))
			}
		},
	},
	{
		Name: "qos-2-repeat-on-connection", Title: "A PUBLISH at QoS 2 with an identifier that was not released is delivered once",
		V5: "4.3.3 MQTT-4.3.3-10", V311: "4.3.3 MQTT-4.3.3-2", Needs: NeedQoS2,
		Run: func(c *C) {
			p, s := c.Connect(), c.Connect()
			s.Subscribe(c.Topic("a"), 1)
			p.watch = nil // a client does this only after a reconnect
			m := message(c.Topic("a"), "once", 2)
			m.PacketID = 7
			first := true
			for _, dup := range []bool{false, true, false} {
				m.Dup = dup
				p.Send(&m)
				packet, err := p.read(c.r.opt.Limit)
				ack, ok := packet.(*proto.Ack)
				switch {
				case ok && ack.Kind == proto.PUBREC && ack.Reason < 0x80:
				case !first && c.V5() && (ok && ack.Kind == proto.PUBREC && ack.Reason == proto.PacketIdentifierInUse || err == io.EOF):
					c.Choice("the server takes what is sent again for an error: in MQTT 5 a client does so only after a reconnect")
				case !first && !dup && err != errNothing:
					c.Choice("the server takes a PUBLISH with an identifier in use and without DUP for an error, which it is")
				case err != nil:
					c.Fail("PUBREC", "%v", err)
				default:
					c.Fail("PUBREC with success", "%s", p.describe(packet))
				}
				first = false
			}
			p.Send(&proto.Ack{Kind: proto.PUBREL, PacketID: 7})
			p.Ack(proto.PUBCOMP, 7)
			p.Publish(message(c.Topic("a"), "marker", 2))
			if before := s.Until("marker"); len(before) != 1 {
				c.Fail("one copy of the message", "%d copies", len(before))
			}
		},
	},
	{
		Name: "qos-2-expires-before-resend", Title: "A message at QoS 2 that expires after it was sent is sent again after a reconnect",
		V5: "4.3.3 MQTT-4.3.3-7 MQTT-4.4.0-1", Needs: NeedQoS2 | NeedSessions,
		Run: func(c *C) {
			p, id := c.Connect(), c.ID("s")
			s := c.Connect(Lasting(id))
			s.Subscribe(c.Topic("a"), 2)
			m := message(c.Topic("a"), "x", 2)
			m.Props = m.Props.AppendNum(proto.MessageExpiryInterval, 1)
			p.Publish(m)
			first := s.Receive("the message")
			s.CloseAbruptly()
			c.Sleep(2200 * time.Millisecond)
			s = c.Resume(id)
			_, late := s.resent(first)
			c.late(late)
		},
	},
	{
		Name: "resend-keeps-properties", Title: "A message that is sent again has its properties",
		V5: "4.4 MQTT-4.4.0-1 MQTT-3.3.2-17", Needs: NeedQoS1 | NeedSessions,
		Run: func(c *C) {
			p, id := c.Connect(), c.ID("s")
			s := c.Connect(Lasting(id))
			s.Subscribe(c.Topic("a"), 1)
			m := message(c.Topic("a"), "x", 1)
			m.Props = proto.Props(nil).AppendText(proto.ContentType, "a/b").AppendPair("k", "v").AppendPair("k", "w")
			p.Publish(m)
			first := s.Receive("the message")
			s.CloseAbruptly()
			again, late := c.Resume(id).resent(first)
			c.sameProperties(again, m.Props)
			c.late(late)
		},
	},
	{
		Name: "identifiers-over-connections", Title: "A new message has no identifier that one from the connection before still uses",
		V5: "2.2.1 MQTT-2.2.1-4", V311: "2.3.1 MQTT-2.3.1-4", Needs: NeedQoS1 | NeedSessions,
		Run: func(c *C) {
			p, id := c.Connect(), c.ID("s")
			s := c.Connect(Lasting(id))
			s.Subscribe(c.Topic("a"), 1)
			p.Publish(message(c.Topic("a"), "old", 1))
			s.Receive("the message")
			s.CloseAbruptly()
			s = c.Resume(id)
			packet, _ := s.again("the message again")
			old, ok := packet.(*proto.Publish) // and no PUBACK
			if !ok {
				c.FailRule("MQTT-4.4.0-1", "the message again", "%s", s.describe(packet))
			}
			p.Publish(message(c.Topic("a"), "new", 1))
			packet, err := s.read(c.r.opt.Limit / 2)
			m, ok := packet.(*proto.Publish)
			switch {
			case err == errNothing:
				c.Choice("the server sends no second message before the first is acknowledged")
			case err != nil || !ok:
				c.Fail("the new message", "%v", err)
			case m.PacketID == old.PacketID:
				c.Fail("an identifier that is not in use", "%s", s.describe(m))
			}
		},
	},
	{
		Name: "session-keeps-subscription-identifiers", Title: "A session keeps the identifiers of its subscriptions",
		V5: "4.1 MQTT-3.1.2-5 MQTT-3.3.4-3", Needs: NeedSessions | NeedSubscriptionID,
		Run: func(c *C) {
			id := c.ID("s")
			s := c.Connect(Lasting(id))
			s.SubscribeWith(proto.Subscription{Filter: c.Topic("a")}, withSubscriptionID(268_435_455))
			s.Disconnect()
			s = c.Resume(id)
			s.Publish(message(c.Topic("a"), "x", 0))
			if m := s.Expect(c.Topic("a"), "x"); len(subscriptionIDs(m)) != 1 || subscriptionIDs(m)[0] != 268_435_455 {
				c.Fail("a message with subscription identifier 268435455", "%s", s.describe(m))
			}
		},
	},
	{
		Name: "session-keeps-options", Title: "A session keeps the options of its subscriptions",
		V5: "4.1 MQTT-3.1.2-5 MQTT-3.3.1-13", Needs: NeedSessions | NeedRetain,
		Run: func(c *C) {
			id := c.ID("s")
			s := c.Connect(Lasting(id))
			s.SubscribeWith(proto.Subscription{Filter: c.Topic("a"), RetainAsPublished: true, RetainHandling: 2})
			s.Disconnect()
			s = c.Resume(id)
			s.Publish(retained(c.Topic("a"), "x", 0))
			if m := s.Expect(c.Topic("a"), "x"); !m.Retain {
				c.Fail("a message with RETAIN 1, since the subscription has Retain As Published", "%s", s.describe(m))
			}
		},
	},
	{
		Name: "resume-brings-no-retained", Title: "A session that is resumed does not get retained messages again",
		V5: "3.3.1.3 MQTT-3.3.1-9", V311: "3.3.1.3 MQTT-3.3.1-6", Needs: NeedSessions | NeedRetain,
		Run: func(c *C) {
			id := c.ID("s")
			s := c.Connect(Lasting(id))
			s.Subscribe(c.Topic("a"), 0)
			s.Publish(retained(c.Topic("a"), "kept", c.storedQoS()))
			s.Expect(c.Topic("a"), "kept")
			s.Disconnect()
			s = c.Resume(id)
			s.Publish(message(c.Topic("a"), "marker", 0))
			s.None("no retained message, since there was no SUBSCRIBE", "marker")
		},
	},
}

// Resume is Connect with Lasting, for a session that must be there.
func (c *C) Resume(id string, set ...func(*proto.Connect)) *Peer {
	p := c.Connect(append([]func(*proto.Connect){Lasting(id)}, set...)...)
	if c.Version != proto.V31 && !p.Connack.SessionPresent {
		c.FailRule(map[bool]string{true: "MQTT-3.1.2-5", false: "MQTT-3.1.2-4"}[c.V5()], "the session of the client", "%s", p.describe(p.Connack))
	}
	return p
}

// completed waits for the PUBCOMP with that packet identifier, after a reconnect. A server may send the PUBREC of the
// connection before again, which no rule forbids: it is passed over.
func (p *Peer) completed(id uint16) *proto.Ack {
	for {
		ack := await(p, fmt.Sprintf("PUBCOMP with packet identifier %d", id), func(a *proto.Ack) bool {
			return a.PacketID == id && (a.Kind == proto.PUBCOMP || a.Kind == proto.PUBREC)
		}, proto.PUBCOMP)
		if ack.Kind == proto.PUBCOMP {
			return ack
		}
		if ack.Reason >= 0x80 {
			p.c.Fail("PUBREC and PUBCOMP with success", "%s", p.describe(ack))
		}
	}
}
