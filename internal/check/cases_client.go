package check

import (
	"fmt"
	"sync"
	"time"

	"mqtt/internal/proto"
)

// ClientCases returns all cases of clients. They must not be changed.
var ClientCases = sync.OnceValue(func() (all []*Case) {
	for _, g := range [...][]Case{clientFlowCases[:], clientLimitCases[:], clientMalformedCases[:]} {
		for i := range g {
			all = append(all, &g[i])
		}
	}
	return all
})

// clientFlowCases are about what a client does with a server that keeps the rules.
var clientFlowCases = [...]Case{
	{
		Name: "conversation", Title: "A conversation with a server that grants everything breaks no rule",
		V5: "4 MQTT-3.1.0-1 MQTT-3.1.0-2 MQTT-2.1.3-1 MQTT-2.2.1-2 MQTT-2.2.1-3", V311: "4 MQTT-3.1.0-1 MQTT-3.1.0-2 MQTT-2.2.2-1 MQTT-2.3.1-1 MQTT-2.3.1-2", V31: "4",
		Run: func(c *C) { c.Serve().Drain() },
	},
	{
		Name: "qos-1-messages", Title: "A message at QoS 1 is acknowledged by PUBACK with its identifier",
		V5: "4.3.2 MQTT-3.3.4-1 MQTT-4.3.2-4 MQTT-2.2.1-5 MQTT-4.5.0-2", V311: "4.3.2 MQTT-3.3.4-1 MQTT-4.3.2-2 MQTT-2.3.1-6 MQTT-4.5.0-2", V31: "3.4",
		Run: func(c *C) {
			p, topic := c.subscriber(1)
			for _, id := range []uint16{1, 255, 256, 32768, 65535} {
				p.Send(&proto.Publish{Topic: []byte(topic), QoS: 1, PacketID: id, Payload: []byte("21.5")})
			}
			for _, id := range []uint16{1, 255, 256, 32768, 65535} {
				p.acked(proto.PUBACK, id)
			}
		},
	},
	{
		Name: "qos-2-messages", Title: "A message at QoS 2 is acknowledged by PUBREC and, after PUBREL, by PUBCOMP",
		V5: "4.3.3 MQTT-3.3.4-1 MQTT-4.3.3-8 MQTT-4.3.3-11", V311: "4.3.3 MQTT-3.3.4-1 MQTT-4.3.3-2", V31: "3.5",
		Run: func(c *C) {
			p, topic := c.subscriber(2)
			for _, id := range []uint16{1, 256, 65535} {
				p.Send(&proto.Publish{Topic: []byte(topic), QoS: 2, PacketID: id, Payload: []byte("21.5")})
				p.acked(proto.PUBREC, id)
				p.Send(&proto.Ack{Kind: proto.PUBREL, PacketID: id})
				p.acked(proto.PUBCOMP, id)
			}
		},
	},
	{
		Name: "acknowledgements-in-order", Title: "PUBACKs and PUBRECs come in the order of their messages",
		V5: "4.6 MQTT-4.6.0-2 MQTT-4.6.0-3", V311: "4.6 MQTT-4.6.0-2 MQTT-4.6.0-3",
		Run: func(c *C) {
			p, topic := c.subscriber(2)
			kinds := []proto.Type{proto.PUBACK, proto.PUBREC}
			for qos := byte(1); qos <= 2; qos++ {
				n := 8
				if p.v == proto.V5 {
					n = min(n, int(p.Hello.Props.Num(proto.ReceiveMaximum, 65535)))
				}
				for i := range n {
					p.Send(&proto.Publish{Topic: []byte(topic), QoS: qos, PacketID: uint16(100*int(qos) + i), Payload: []byte(fmt.Sprint(i))})
				}
				for i := range n {
					p.acked(kinds[qos-1], uint16(100*int(qos)+i))
				}
				if qos == 2 {
					for i := range n {
						p.Send(&proto.Ack{Kind: proto.PUBREL, PacketID: uint16(200 + i)})
						p.acked(proto.PUBCOMP, uint16(200+i))
					}
				}
			}
		},
	},
	{
		Name: "qos-2-repeat-before-pubrel", Title: "A message at QoS 2 that is repeated before PUBREL gets another PUBREC",
		V5: "4.3.3 MQTT-4.3.3-10", V311: "4.3.3 MQTT-4.3.3-2",
		Run: func(c *C) {
			p, topic := c.subscriber(2)
			if p.Hello.CleanStart {
				c.Skip("a message is repeated on another connection only, and the client starts with a clean session")
			}
			m := &proto.Publish{Topic: []byte(topic), QoS: 2, PacketID: 7, Payload: []byte("once")}
			p.Send(m)
			p.acked(proto.PUBREC, 7)
			p.CloseAbruptly()
			p = c.Serve(present)
			m.Dup = true
			p.Send(m)
			p.acked(proto.PUBREC, 7)
			p.Send(&proto.Ack{Kind: proto.PUBREL, PacketID: 7})
			p.acked(proto.PUBCOMP, 7)
		},
	},
	{
		Name: "pubrel-unknown", Title: "A PUBREL for no message is answered by PUBCOMP",
		V5: "4.3.3 MQTT-4.3.3-11", V311: "4.3.3 MQTT-4.3.3-2",
		Run: func(c *C) {
			p, _ := c.subscriber(1)
			p.watch = nil // the server's session knows more than this connection
			p.Send(&proto.Ack{Kind: proto.PUBREL, PacketID: 99})
			p.acked(proto.PUBCOMP, 99)
		},
	},
	{
		Name: "publish-qos-1", Title: "A message at QoS 1 has an identifier other than 0, and DUP 0",
		V5: "4.3.2 MQTT-4.3.2-1 MQTT-4.3.2-2", V311: "4.3.2 MQTT-4.3.2-1", V31: "4.1",
		Run: func(c *C) {
			p := c.Serve()
			if m := p.Published(1); m.Dup || m.PacketID == 0 {
				c.Fail("DUP 0 and an identifier other than 0", "%s", p.describe(m))
			} else {
				p.Answer(m)
			}
			p.Drain()
		},
	},
	{
		Name: "pubrec-is-answered", Title: "PUBREC is answered by PUBREL with its identifier",
		V5: "4.3.3 MQTT-4.3.3-4", V311: "4.3.3 MQTT-4.3.3-1", V31: "3.6",
		Run: func(c *C) {
			p := c.Serve()
			m := p.Published(2)
			p.Answer(m)
			p.acked(proto.PUBREL, m.PacketID)
			p.Send(&proto.Ack{Kind: proto.PUBCOMP, PacketID: m.PacketID})
			p.Drain()
		},
	},
	{
		Name: "pubrec-with-error", Title: "After a PUBREC with an error code comes no PUBREL",
		V5: "4.3.3 MQTT-4.3.3-4 MQTT-4.3.3-9",
		Run: func(c *C) {
			p := c.Serve()
			m := p.Published(2)
			p.Send(&proto.Ack{Kind: proto.PUBREC, PacketID: m.PacketID, Reason: proto.NotAuthorized})
			end := time.Now().Add(c.r.opt.Limit)
			for {
				packet, err := p.read(time.Until(end))
				if err != nil {
					return
				}
				if a, ok := packet.(*proto.Ack); ok && a.Kind == proto.PUBREL && a.PacketID == m.PacketID {
					c.Fail("no PUBREL for a message that was refused", "%s", p.describe(a))
				}
				if !p.Answer(packet) {
					return
				}
			}
		},
	},
	{
		Name: "resend-after-loss", Title: "A message without acknowledgement is sent again after a reconnect, with DUP and its identifier",
		V5: "4.4 MQTT-4.4.0-1 MQTT-3.3.1-1", V311: "4.4 MQTT-4.4.0-1 MQTT-3.3.1-1 MQTT-2.3.1-3", V31: "4.2",
		Run: func(c *C) {
			p := c.Serve()
			first := p.Published(1)
			lasting := !p.Hello.CleanStart || p.Hello.Props.Num(proto.SessionExpiryInterval, 0) > 0
			p.CloseAbruptly()
			p = c.Accept()
			if p.Hello.CleanStart || !lasting {
				c.Skip("the client reconnects with a clean session")
			}
			p.Welcome(present)
			again := p.Published(1)
			if !again.Dup || again.PacketID != first.PacketID || string(again.Payload) != string(first.Payload) {
				c.Fail(fmt.Sprintf("the message with DUP 1 and identifier %d", first.PacketID), "%s", p.describe(again))
			}
			p.Answer(again)
			p.Drain()
		},
	},
	{
		Name: "pubrel-after-loss", Title: "A PUBREL without PUBCOMP is sent again after a reconnect, and the PUBLISH is not",
		V5: "4.4 MQTT-4.4.0-1 MQTT-4.3.3-5 MQTT-4.3.3-6", V311: "4.4 MQTT-4.4.0-1 MQTT-4.3.3-1", V31: "4.2",
		Run: func(c *C) {
			p := c.Serve()
			m := p.Published(2)
			p.Answer(m)
			p.acked(proto.PUBREL, m.PacketID)
			p.CloseAbruptly()
			p = c.Accept()
			if p.Hello.CleanStart {
				c.Skip("the client reconnects with a clean session")
			}
			p.Welcome(present)
			end := time.Now().Add(c.r.opt.Limit)
			for {
				packet, err := p.read(time.Until(end))
				if err != nil {
					c.Fail("PUBREL again", "none within %v", c.r.opt.Limit)
				}
				if a, ok := packet.(*proto.Ack); ok && a.Kind == proto.PUBREL && a.PacketID == m.PacketID {
					p.Answer(a)
					p.Drain()
					return
				}
				if again, ok := packet.(*proto.Publish); ok && again.PacketID == m.PacketID {
					c.Fail("PUBREL, and not the PUBLISH again", "%s", p.describe(again))
				}
				p.Answer(packet)
			}
		},
	},
	{
		Name: "no-resend-on-open-connection", Title: "A message is not sent again while the connection lasts",
		V5: "4.4 MQTT-4.4.0-1",
		Run: func(c *C) {
			p := c.Serve()
			m := p.Published(1)
			end := time.Now().Add(min(3*time.Second, c.r.opt.Limit))
			for {
				packet, err := p.read(time.Until(end))
				if err != nil {
					return
				}
				if again, ok := packet.(*proto.Publish); ok && again.QoS > 0 && again.PacketID == m.PacketID {
					c.Fail("the message once on this connection", "%s", p.describe(again))
				}
				if !p.Answer(packet) {
					return
				}
			}
		},
	},
	{
		Name: "keep-alive", Title: "A client without traffic sends PINGREQ within its Keep Alive",
		V5: "3.1.2.10 MQTT-3.1.2-20", V311: "3.1.2.10 MQTT-3.1.2-23", V31: "3.12",
		Run: func(c *C) {
			p := c.Serve()
			keep := time.Duration(p.Hello.KeepAlive) * time.Second
			if keep == 0 || keep >= c.r.opt.Limit {
				c.Skip("the client's Keep Alive is %v, and the case waits for %v", keep, c.r.opt.Limit)
			}
			c.pings(p, keep)
		},
	},
	{
		Name: "server-keep-alive", Title: "The Keep Alive of CONNACK replaces the client's",
		V5: "3.2.2.3.14 MQTT-3.1.2-21 MQTT-3.2.2-21",
		Run: func(c *C) {
			c.pings(c.Serve(limitTo(proto.ServerKeepAlive, 1)), time.Second)
		},
	},
	{
		Name: "closes-after-disconnect", Title: "A client closes the connection after its DISCONNECT",
		V5: "3.14.4 MQTT-3.14.4-2", V311: "3.14.4 MQTT-3.14.4-1", V31: "3.14",
		Run: func(c *C) {
			p := c.Serve()
			serveUntil(p, "DISCONNECT", func(*proto.Disconnect) bool { return true })
			end := time.Now().Add(c.r.opt.Limit)
			for {
				packet, err := p.read(time.Until(end))
				switch {
				case err == errNothing:
					c.Fail("the client closes the connection", "it is open after %v", c.r.opt.Limit)
				case err != nil:
					return
				}
				c.Fail("nothing after DISCONNECT", "%s", p.describe(packet))
			}
		},
	},
	{
		Name: "session-lost", Title: "A client whose session is not present any more sends nothing of it again",
		V5: "3.2.2.1.1 MQTT-3.2.2-5", V311: "3.2.2.2",
		Run: func(c *C) {
			p := c.Serve()
			p.Published(1)
			p.CloseAbruptly()
			p = c.Accept()
			if p.Hello.CleanStart {
				c.Skip("the client reconnects with a clean session")
			}
			p.Welcome()
			end := time.Now().Add(c.r.opt.Limit)
			for {
				packet, err := p.read(time.Until(end))
				if err != nil {
					return
				}
				if m, ok := packet.(*proto.Publish); ok && m.Dup {
					c.Fail("new messages only", "%s", p.describe(m))
				}
				if !p.Answer(packet) {
					return
				}
			}
		},
	},
	{
		Name: "disconnect-from-server", Title: "After a DISCONNECT from the server the client sends nothing and closes",
		V5: "3.14.4",
		Run: func(c *C) {
			p := c.Serve()
			p.serveFor(100 * time.Millisecond)
			p.Send(&proto.Disconnect{Reason: proto.ServerShuttingDown})
			p.watch = nil
			end := time.Now().Add(c.r.opt.Limit)
			for {
				_, err := p.read(time.Until(end))
				if err == errNothing {
					c.Fail("the client closes the connection", "it is open after %v", c.r.opt.Limit)
				}
				if err != nil {
					return
				}
			}
		},
	},
	{
		Name: "same-identifier-after-loss", Title: "A client identifier that the server assigned is used again for the session",
		V5: "3.2.2.3.7",
		Run: func(c *C) {
			p := c.Serve()
			if p.Hello.ClientID != "" {
				c.Skip("the client has an identifier of its own")
			}
			p.CloseAbruptly()
			if again := c.Accept(); !again.Hello.CleanStart && again.Hello.ClientID != c.ID("assigned") {
				c.Fail("the assigned client identifier", "%q", again.Hello.ClientID)
			}
		},
	},
	{
		Name: "subscription-refused", Title: "A subscription that is refused does no harm",
		V5: "3.9.3", V311: "3.9.3",
		Run: func(c *C) {
			p := c.Serve()
			s := serveUntil(p, "SUBSCRIBE", func(*proto.Subscribe) bool { return true })
			ack := &proto.Suback{Kind: proto.SUBACK, PacketID: s.PacketID}
			for range s.Filters {
				ack.Reasons = append(ack.Reasons, proto.UnspecifiedError)
			}
			p.Send(ack)
			p.Drain()
		},
	},
}

// clientLimitCases are about the limits and refusals of a server.
var clientLimitCases = [...]Case{
	{
		Name: "receive-maximum", Title: "No more messages are in flight than the server's Receive Maximum",
		V5: "3.3.4 MQTT-3.3.4-7 MQTT-4.9.0-1 MQTT-4.9.0-2",
		Run: func(c *C) {
			p := c.Serve(limitTo(proto.ReceiveMaximum, 1))
			p.Published(1)
			// The second message may come only after the first is acknowledged; the observer sees it.
			p.serveFor(time.Second)
		},
	},
	{
		Name: "receive-maximum-other-packets", Title: "The Receive Maximum holds up no packet but PUBLISH",
		V5: "3.3.4 MQTT-3.3.4-8",
		Run: func(c *C) {
			p := c.Serve(limitTo(proto.ReceiveMaximum, 1), limitTo(proto.ServerKeepAlive, 1))
			p.Published(1) // it stays unacknowledged
			c.pings(p, time.Second)
		},
	},
	{
		Name: "topic-aliases", Title: "All topic aliases up to the client's maximum are taken",
		V5: "3.3.2.3.4 MQTT-3.3.2-10",
		Run: func(c *C) {
			p, topic := c.subscriber(1)
			most := p.Hello.Props.Num(proto.TopicAliasMaximum, 0)
			if most == 0 {
				c.Skip("the client takes no topic aliases")
			}
			for i, t := range []string{topic, ""} {
				p.Send(&proto.Publish{Topic: []byte(t), QoS: 1, PacketID: uint16(5 + i), Payload: []byte("21.5"), Props: proto.Props(nil).AppendNum(proto.TopicAlias, most)})
				p.acked(proto.PUBACK, uint16(5+i))
			}
		},
	},
	{
		Name: "maximum-qos-0", Title: "With Maximum QoS 0 a client sends no message above QoS 0",
		V5:  "3.2.2.3.4 MQTT-3.2.2-11",
		Run: func(c *C) { c.Serve(limitTo(proto.MaximumQoS, 0)).Drain() },
	},
	{
		Name: "retain-unavailable", Title: "Without Retain Available a client sends no retained message",
		V5:  "3.2.2.3.5 MQTT-3.2.2-14",
		Run: func(c *C) { c.Serve(limitTo(proto.RetainAvailable, 0)).Drain() },
	},
	{
		Name: "maximum-packet-size", Title: "A client sends no packet above the server's Maximum Packet Size",
		V5:  "3.2.2.3.6 MQTT-3.2.2-15",
		Run: func(c *C) { c.Serve(limitTo(proto.MaximumPacketSize, 24)).Drain() },
	},
	{
		Name: "topic-alias-maximum", Title: "A client sends no Topic Alias above the server's maximum",
		V5:  "3.2.2.3.8 MQTT-3.2.2-17 MQTT-3.2.2-18",
		Run: func(c *C) { c.Serve().Drain() },
	},
	{
		Name: "refused-not-authorized", Title: "After a refusal the client closes the connection and sends nothing",
		V5: "3.2.2.2", V311: "3.2.2.3", V31: "3.2",
		Run: func(c *C) { c.refuses(proto.NotAuthorized) },
	},
	{
		Name: "refused-bad-password", Title: "After a refusal of user name or password the client closes the connection",
		V5: "3.2.2.2", V311: "3.2.2.3", V31: "3.2",
		Run: func(c *C) { c.refuses(proto.BadUserNameOrPassword) },
	},
	{
		Name: "refused-unavailable", Title: "After a refusal because the server is unavailable the client closes the connection",
		V5: "3.2.2.2", V311: "3.2.2.3", V31: "3.2",
		Run: func(c *C) { c.refuses(proto.ServerUnavailable) },
	},
	{
		Name: "refused-banned", Title: "After a refusal with a code that only MQTT 5 has the client closes the connection",
		V5:  "3.2.2.2",
		Run: func(c *C) { c.refuses(proto.Banned) },
	},
	{
		Name: "session-present-for-clean-start", Title: "A client that started with a clean session ends the connection if the server says that one is present",
		V5: "3.2.2.1.1 MQTT-3.2.2-4",
		Run: func(c *C) {
			p := c.Accept()
			if !p.Hello.CleanStart {
				c.Skip("the client resumes a session")
			}
			p.watch = nil
			p.Send(&proto.Connack{SessionPresent: true})
			p.Connack = &proto.Connack{}
			p.Abandons("the client closes the connection", func(packet proto.Packet) bool {
				a, ok := packet.(*proto.Ack)
				return ok && a.Kind == proto.PUBREL
			})
		},
	},
	{
		Name: "connack-properties", Title: "A CONNACK with all its properties is understood",
		V5: "3.2.2.3",
		Run: func(c *C) {
			p := c.Serve(limitTo(proto.SessionExpiryInterval, 100), limitTo(proto.ReceiveMaximum, 10), limitTo(proto.MaximumPacketSize, 1<<20),
				limitTo(proto.TopicAliasMaximum, 0), limitTo(proto.WildcardSubscriptionAvailable, 1), limitTo(proto.SubscriptionIdentifierAvailable, 1),
				limitTo(proto.SharedSubscriptionAvailable, 1), limitTo(proto.RetainAvailable, 1), func(p *proto.Connack) {
					p.Props = p.Props.AppendText(proto.ReasonString, "welcome").AppendPair("k", "v").AppendPair("k", "v")
				})
			packet, err := p.read(c.r.opt.Limit)
			if d, ok := packet.(*proto.Disconnect); err != nil || ok && d.Reason >= 0x80 {
				c.Fail("the client goes on", "it ended the connection")
			}
		},
	},
	{
		Name: "message-properties", Title: "A message with all its properties is taken",
		V5: "3.3.2.3",
		Run: func(c *C) {
			p, topic := c.subscriber(1)
			ps := proto.Props(nil).AppendNum(proto.PayloadFormatIndicator, 1).AppendNum(proto.MessageExpiryInterval, 100).AppendText(proto.ContentType, "text/plain").
				AppendText(proto.ResponseTopic, "r").AppendText(proto.CorrelationData, "cd").AppendPair("k", "v").AppendPair("k", "v")
			p.Send(&proto.Publish{Topic: []byte(topic), QoS: 1, PacketID: 5, Payload: []byte("21.5"), Props: ps})
			p.acked(proto.PUBACK, 5)
		},
	},
}

// clientMalformedCases are about packets of a server that break the rules.
var clientMalformedCases = [...]Case{
	{
		Name: "malformed-connack-flags", Title: "A CONNACK with reserved flags set ends the connection",
		V5: "3.2.2.1 MQTT-4.13.1-1", V311: "3.2.2.1 MQTT-4.8.0-1",
		Run: func(c *C) { c.malformedConnack(func(b []byte) { b[2] = 2 }) },
	},
	{
		Name: "malformed-connack-header", Title: "A CONNACK with reserved bits set in its fixed header ends the connection",
		V5: "2.1.3 MQTT-2.1.3-1", V311: "2.2.2 MQTT-2.2.2-2",
		Run: func(c *C) { c.malformedConnack(func(b []byte) { b[0] |= 1 }) },
	},
	{
		Name: "malformed-first-packet", Title: "A first packet that is not CONNACK ends the connection",
		V5: "3.2 MQTT-4.13.1-1", V311: "3.2 MQTT-4.8.0-1",
		Run: func(c *C) {
			p := c.Accept()
			p.Raw(0xD0, 0)
			p.Abandons("the client closes the connection", nil)
		},
	},
	{
		Name: "malformed-publish-qos-3", Title: "A PUBLISH with QoS 3 ends the connection",
		V5: "3.3.1.2 MQTT-3.3.1-4", V311: "3.3.1.2 MQTT-3.3.1-4",
		Run: func(c *C) {
			c.malformed(func(p *Peer, t string) []byte { return packet(0x36, text(t), id(9), p.props(), []byte("x")) })
		},
	},
	{
		Name: "malformed-publish-identifier-0", Title: "A PUBLISH at QoS 1 with identifier 0 ends the connection",
		V5: "2.2.1 MQTT-2.2.1-4", V311: "2.3.1 MQTT-2.3.1-1",
		Run: func(c *C) {
			c.malformed(func(p *Peer, t string) []byte { return packet(0x32, text(t), id(0), p.props(), []byte("x")) })
		},
	},
	{
		Name: "malformed-topic-not-utf8", Title: "A PUBLISH whose topic is not UTF-8 ends the connection",
		V5: "1.5.4 MQTT-1.5.4-1", V311: "1.5.3 MQTT-1.5.3-1",
		Run: func(c *C) {
			c.malformed(func(p *Peer, t string) []byte { return packet(0x30, text(t+"\xff"), p.props(), []byte("x")) })
		},
	},
	{
		Name: "malformed-topic-null", Title: "A PUBLISH whose topic has U+0000 ends the connection",
		V5: "1.5.4 MQTT-1.5.4-2", V311: "1.5.3 MQTT-1.5.3-2",
		Run: func(c *C) {
			c.malformed(func(p *Peer, t string) []byte { return packet(0x30, text(t+"\x00"), p.props(), []byte("x")) })
		},
	},
	{
		Name: "malformed-topic-wildcard", Title: "A PUBLISH with a wildcard in its topic ends the connection",
		V5: "3.3.2.1 MQTT-3.3.2-2", V311: "3.3.2.1 MQTT-3.3.2-2",
		Run: func(c *C) {
			c.malformed(func(p *Peer, _ string) []byte { return packet(0x30, text("a/#"), p.props(), []byte("x")) })
		},
	},
	{
		Name: "malformed-topic-empty", Title: "A PUBLISH with an empty topic and no alias ends the connection",
		V5: "4.7.3 MQTT-4.7.3-1", V311: "4.7.3 MQTT-4.7.3-1",
		Run: func(c *C) {
			c.malformed(func(p *Peer, _ string) []byte { return packet(0x30, text(""), p.props(), []byte("x")) })
		},
	},
	{
		Name: "malformed-topic-beyond-packet", Title: "A PUBLISH whose topic is longer than the packet ends the connection",
		V5: "4.13.1 MQTT-4.13.1-1", V311: "4.8 MQTT-4.8.0-1",
		Run: func(c *C) {
			c.malformed(func(*Peer, string) []byte { return packet(0x30, bytesOf(0x7f, 0xff, 'a')) })
		},
	},
	{
		Name: "malformed-remaining-length", Title: "A Remaining Length of more than four bytes ends the connection",
		V5: "1.5.5 MQTT-4.13.1-1", V311: "2.2.3 MQTT-4.8.0-1",
		Run: func(c *C) {
			c.malformed(func(*Peer, string) []byte { return bytesOf(0x30, 0xff, 0xff, 0xff, 0xff, 1) })
		},
	},
	{
		Name: "malformed-pubrel-header", Title: "A PUBREL whose header does not end in 0010 ends the connection",
		V5: "3.6.1 MQTT-3.6.1-1", V311: "3.6.1 MQTT-3.6.1-1",
		Run: func(c *C) { c.malformed(func(*Peer, string) []byte { return bytesOf(0x60, 2, 0, 9) }) },
	},
	{
		Name: "malformed-pingresp-header", Title: "A PINGRESP with reserved bits set ends the connection",
		V5: "2.1.3 MQTT-2.1.3-1", V311: "2.2.2 MQTT-2.2.2-2",
		Run: func(c *C) { c.malformed(func(*Peer, string) []byte { return bytesOf(0xD1, 0) }) },
	},
	{
		Name: "server-sends-connect", Title: "A CONNECT from the server ends the connection",
		V5: "4.13.1 MQTT-4.13.1-1", V311: "4.8 MQTT-4.8.0-1",
		Run: func(c *C) {
			c.malformed(func(p *Peer, _ string) []byte {
				return p.Encode(&proto.Connect{Version: p.v, CleanStart: true, ClientID: "server"})
			})
		},
	},
	{
		Name: "server-sends-subscribe", Title: "A SUBSCRIBE from the server ends the connection",
		V5: "4.13.1 MQTT-4.13.1-1", V311: "4.8 MQTT-4.8.0-1",
		Run: func(c *C) {
			c.malformed(func(p *Peer, _ string) []byte { return packet(0x82, id(9), p.props(), text("a"), bytesOf(0)) })
		},
	},
	{
		Name: "server-sends-pingreq", Title: "A PINGREQ from the server ends the connection",
		V5: "4.13.1 MQTT-4.13.1-1", V311: "4.8 MQTT-4.8.0-1",
		Run: func(c *C) { c.malformed(func(*Peer, string) []byte { return bytesOf(0xC0, 0) }) },
	},
	{
		Name: "second-connack", Title: "A second CONNACK ends the connection",
		V5: "3.2 MQTT-3.2.0-2", V311: "3.2 MQTT-4.8.0-1",
		Run: func(c *C) {
			c.malformed(func(p *Peer, _ string) []byte { return packet(0x20, bytesOf(0, 0), p.props()) })
		},
	},
	{
		Name: "auth-without-method", Title: "An AUTH without an authentication method in CONNECT ends the connection",
		V5: "4.12 MQTT-4.12.0-6",
		Run: func(c *C) {
			c.malformed(func(p *Peer, _ string) []byte {
				if p.Hello.Props.Has(proto.AuthenticationMethod) {
					c.Skip("the client has an authentication method")
				}
				return packet(0xF0, bytesOf(0x18), p.props(textProp(proto.AuthenticationMethod, "x")))
			})
		},
	},
	{
		Name: "topic-alias-0", Title: "A Topic Alias of 0 ends the connection",
		V5: "3.3.2.3.4 MQTT-3.3.2-8",
		Run: func(c *C) {
			c.malformed(func(p *Peer, t string) []byte {
				return packet(0x30, text(t), p.props(prop(proto.TopicAlias, 0, 0)), []byte("x"))
			})
		},
	},
	{
		Name: "topic-alias-above-maximum", Title: "A Topic Alias above the client's maximum ends the connection",
		V5: "3.3.2.3.4 MQTT-3.1.2-26 MQTT-3.1.2-27",
		Run: func(c *C) {
			c.malformed(func(p *Peer, t string) []byte {
				n := p.Hello.Props.Num(proto.TopicAliasMaximum, 0) + 1
				if n > 65535 {
					c.Skip("the client's Topic Alias Maximum is 65535")
				}
				return packet(0x30, text(t), p.props(prop(proto.TopicAlias, byte(n>>8), byte(n))), []byte("x"))
			})
		},
	},
	{
		Name: "unknown-property", Title: "A property that does not exist ends the connection",
		V5: "2.2.2.2 MQTT-4.13.1-1",
		Run: func(c *C) {
			c.malformed(func(p *Peer, t string) []byte { return packet(0x30, text(t), p.props(prop(0x77, 1)), []byte("x")) })
		},
	},
	{
		Name: "property-twice", Title: "A Content Type that is there twice ends the connection",
		V5: "3.3.2.3.9",
		Run: func(c *C) {
			c.malformed(func(p *Peer, t string) []byte {
				return packet(0x30, text(t), p.props(textProp(proto.ContentType, "a"), textProp(proto.ContentType, "a")), []byte("x"))
			})
		},
	},
	{
		Name: "user-property-not-utf8", Title: "A user property that is not UTF-8 ends the connection",
		V5: "1.5.7 MQTT-1.5.7-1",
		Run: func(c *C) {
			c.malformed(func(p *Peer, t string) []byte {
				return packet(0x30, text(t), p.props(append(textProp(proto.UserProperty, "k"), text("\xff")...)), []byte("x"))
			})
		},
	},
	{
		Name: "client-maximum-packet-size", Title: "A packet above the client's Maximum Packet Size ends the connection",
		V5: "3.1.2.11.4 MQTT-3.1.2-24",
		Run: func(c *C) {
			c.malformed(func(p *Peer, t string) []byte {
				n := p.Hello.Props.Num(proto.MaximumPacketSize, 0)
				if n == 0 || n > 16<<20 {
					c.Skip("the client's Maximum Packet Size is %d", n)
				}
				return packet(0x30, text(t), p.props(), make([]byte, n))
			})
		},
	},
}

// present says in CONNACK that there is a session.
func present(p *proto.Connack) { p.SessionPresent = true }

// subscriber serves the client until it subscribes at QoS qos or above, and returns a topic that matches.
func (c *C) subscriber(qos byte) (*Peer, string) {
	p := c.Serve()
	topic, granted := p.Subscribed()
	if granted < qos {
		c.Skip("the client subscribes at QoS %d", granted)
	}
	return p, topic
}

// acked serves the client until the acknowledgement comes.
func (p *Peer) acked(kind proto.Type, id uint16) {
	expected := fmt.Sprintf("%v with packet identifier %d", kind, id)
	end := time.Now().Add(p.c.r.opt.Limit)
	for {
		packet, err := p.read(time.Until(end))
		if err == errNothing {
			p.c.Fail(expected, "nothing within %v", p.c.r.opt.Limit)
		}
		if err != nil {
			p.c.Skip("the client closed the connection before %s", expected)
		}
		if a, ok := packet.(*proto.Ack); ok {
			if a.Kind != kind || a.PacketID != id {
				p.c.Fail(expected, "%s", p.describe(a))
			}
			return
		}
		if !p.Answer(packet) {
			p.c.Skip("the client disconnected before %s", expected)
		}
	}
}

// serveFor serves the client for a time.
func (p *Peer) serveFor(d time.Duration) {
	end := time.Now().Add(d)
	for {
		packet, err := p.read(time.Until(end))
		if err != nil || !p.Answer(packet) {
			return
		}
	}
}

// pings expects a PINGREQ within the Keep Alive, with slack for a busy machine.
func (c *C) pings(p *Peer, keep time.Duration) {
	last := time.Now()
	for {
		packet, err := p.read(time.Until(last.Add(c.within(keep))))
		if err == errNothing {
			c.Fail(fmt.Sprintf("a packet within %v", keep), "nothing within %v", c.within(keep))
		}
		if err != nil {
			c.Skip("the client closed the connection before its Keep Alive had passed")
		}
		last = time.Now()
		if a, ok := packet.(*proto.Ping); ok && a.Kind == proto.PINGREQ {
			p.Answer(a)
			return
		}
		if !p.Answer(packet) {
			c.Skip("the client disconnected before its Keep Alive had passed")
		}
	}
}

// refuses refuses the client, and expects that it closes and sends nothing but DISCONNECT.
func (c *C) refuses(reason proto.Reason) {
	p := c.Accept()
	p.Send(&proto.Connack{Reason: reason})
	p.watch = nil
	end := time.Now().Add(c.r.opt.Limit)
	for {
		_, err := p.read(time.Until(end))
		if err == errNothing {
			c.Choice("the client leaves it to the server to close the connection, which the standard obliges it to do")
		}
		if err != nil {
			return
		}
	}
}

// malformedConnack sends a CONNACK that change has made wrong.
func (c *C) malformedConnack(change func(b []byte)) {
	p := c.Accept()
	b := p.Encode(&proto.Connack{})
	change(b)
	p.Raw(b...)
	p.Abandons("the client closes the connection", func(packet proto.Packet) bool {
		a, ok := packet.(*proto.Ack)
		return ok && a.Kind == proto.PUBREL // an answer: it took the connection for accepted
	})
}

// malformed sends what make returns, which breaks the rules, to a client that has subscribed or published, and
// expects that it closes the connection. A probe that is answered afterwards proves that it goes on: a message at
// QoS 1 to a subscriber, a PUBREC to a publisher at QoS 2.
func (c *C) malformed(wrong func(p *Peer, topic string) []byte) {
	const probe = 4242
	p := c.Serve()
	first := serveUntil(p, "SUBSCRIBE or PUBLISH", func(packet proto.Packet) bool {
		t := packet.Type()
		return t == proto.SUBSCRIBE || t == proto.PUBLISH
	})
	topic := "mqtt-check"
	var after []byte
	switch a := first.(type) {
	case *proto.Subscribe:
		p.Answer(a)
		_, filter := proto.SplitShare(a.Filters[0].Filter)
		topic = topicOf(filter)
		if a.Filters[0].QoS > 0 {
			after = p.Encode(&proto.Publish{Topic: []byte(topic), QoS: 1, PacketID: probe, Payload: []byte("21.5")})
		}
	case *proto.Publish:
		if a.QoS == 2 {
			after = p.Encode(&proto.Ack{Kind: proto.PUBREC, PacketID: a.PacketID})
		}
	}
	p.Raw(append(wrong(p, topic), after...)...)
	p.Abandons("the client closes the connection", func(packet proto.Packet) bool {
		a, ok := packet.(*proto.Ack)
		return ok && (a.Kind == proto.PUBACK && a.PacketID == probe || a.Kind == proto.PUBREL)
	})
}

// props returns the properties field in the version of the connection.
func (p *Peer) props(parts ...[]byte) []byte {
	c := C{Version: p.v}
	return c.props(parts...)
}
