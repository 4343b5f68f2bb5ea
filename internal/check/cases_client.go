package check

import (
	"fmt"
	"sync"
	"time"

	"mqtt/internal/proto"
)

// ClientCases returns all cases of clients. They must not be changed.
var ClientCases = sync.OnceValue(func() (all []*Case) {
	for _, g := range [...][]Case{clientFlowCases[:], clientLimitCases[:], clientAvailableCases[:], clientResendCases[:], clientMalformedCases[:]} {
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
			if p.v == proto.V31 {
				p.v = proto.V311 // what the standard of 3.1 means
			}
			p.closesAfter()
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
