package check

import "mqtt/internal/proto"

// disconnectCases are about PINGREQ and DISCONNECT, and about what a server does not handle after the end.
var disconnectCases = [...]Case{
	{
		Name: "pingresp", Title: "PINGREQ is answered by PINGRESP",
		V5: "3.12.4 MQTT-3.12.4-1", V311: "3.12.4 MQTT-3.12.4-1", V31: "3.12",
		Run: func(c *C) {
			p := c.Connect()
			for range 5 {
				p.Barrier()
			}
		},
	},
	{
		Name: "pingresp-once", Title: "A PINGREQ is answered by one PINGRESP",
		V5: "3.13", V311: "3.13", V31: "3.13",
		Run: func(c *C) {
			p := c.Connect()
			p.Barrier()
			p.Subscribe(c.Topic("a"), 0)
			p.Publish(message(c.Topic("a"), "x", 0))
			p.Expect(c.Topic("a"), "x")
			if p.pongs > 0 {
				c.Fail("one PINGRESP for one PINGREQ", "%d", 1+p.pongs)
			}
		},
	},
	{
		Name: "disconnect-closes", Title: "The server closes the connection after DISCONNECT",
		V5: "3.14.4", V311: "3.14.4", V31: "3.14", Should: true,
		Run: func(c *C) {
			p := c.Connect()
			p.Send(&proto.Disconnect{})
			p.Closes("the server closes the connection")
		},
	},
	{
		Name: "nothing-after-disconnect", Title: "Packets after DISCONNECT are not handled",
		V5: "3.14.4", V311: "3.14.4", Needs: NeedQoS1,
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("a"), 0)
			p := c.Connect()
			late := message(c.Topic("a"), "late", 0)
			p.Raw(append(p.Encode(&proto.Disconnect{}), p.Encode(&late)...)...)
			p.awaitClose()
			s.Publish(message(c.Topic("a"), "marker", 0))
			if len(s.Until("marker")) > 0 {
				c.Choice("the server handles a packet that came after DISCONNECT; section 3.14.4 forbids it to clients only")
			}
		},
	},
	{
		Name: "refused-connect-is-not-handled", Title: "Packets after a CONNECT that is refused are not handled",
		V5: "3.1.4 MQTT-3.1.4-6", V311: "3.1.4 MQTT-3.1.4-5",
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("a"), 0)
			p := c.Open()
			late := message(c.Topic("a"), "late", 0)
			p.Raw(append(c.connect(func(p *parts) { p.Flags |= 1 }), p.Encode(&late)...)...)
			if packet, err := p.read(c.r.opt.Limit); err == nil && isAccepted(packet) {
				c.Skip("the server does not refuse a CONNECT with the reserved flag")
			}
			s.Publish(message(c.Topic("a"), "marker", 0))
			s.None("no message of a client that was refused", "marker")
		},
	},
	{
		Name: "refusal-session-present-0", Title: "A CONNACK with an error has Session Present 0",
		V5: "3.2.2.1.1 MQTT-3.2.2-6 MQTT-3.2.2-7", V311: "3.2.2.2 MQTT-3.2.2-4 MQTT-3.2.2-5",
		Run: func(c *C) {
			p := c.Open()
			p.Raw(c.connect(func(p *parts) { p.Level, p.Flags = 77, 0 })...)
			p.v, p.anyForm = proto.V5, true
			if ack := p.Refused("the connection is refused"); ack != nil && ack.SessionPresent {
				c.Fail("Session Present 0", "%s", p.describe(ack))
			}
		},
	},
	{
		Name: "disconnect-unknown-reason", Title: "A DISCONNECT with a reason code that clients do not have is malformed",
		V5: "3.14.2.1 MQTT-3.14.2-1",
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("w"), 0)
			p := c.Connect(WithWill(&proto.Will{Topic: c.Topic("w"), Payload: []byte("will")}))
			p.Raw(0xE0, 1, 0x01)
			p.Closes("the server closes the connection")
			s.Publish(message(c.Topic("w"), "marker", 0))
			if before := s.Until("marker"); len(before) == 0 {
				c.Choice("the server takes it for an ordinary end: it publishes no will before the next message")
			}
		},
	},
	{
		Name: "user-may-connect-again", Title: "A client may connect again at once after DISCONNECT",
		V5: "3.14", V311: "3.14", V31: "3.14",
		Run: func(c *C) {
			id := c.ID("r")
			for range 5 {
				c.Connect(WithID(id)).Disconnect()
			}
		},
	},
}
