package check

import (
	"mqtt/internal/proto"
)

// authCases are about authentication, enhanced authentication and access.
var authCases = [...]Case{
	{
		Name: "auth-method-unknown", Title: "An authentication method that the server does not know is refused",
		V5: "4.12 MQTT-4.12.0-1",
		Run: func(c *C) {
			c.badConnect(func(p *parts) { p.Props = c.props(textProp(proto.AuthenticationMethod, "mqtt-check-unknown")) })
		},
	},
	{
		Name: "auth-without-method", Title: "An AUTH on a connection without an authentication method ends it",
		V5:  "4.12 MQTT-4.12.0-7",
		Run: func(c *C) { c.bad(packet(0xF0, bytesOf(0x18), c.props(textProp(proto.AuthenticationMethod, "x")))) },
	},
	{
		Name: "auth-reauthenticate-without-method", Title: "A re-authentication on a connection without an authentication method ends it",
		V5:  "4.12.1 MQTT-4.12.0-7",
		Run: func(c *C) { c.bad(packet(0xF0, bytesOf(0x19), c.props(textProp(proto.AuthenticationMethod, "x")))) },
	},
	{
		Name: "auth-unknown-reason", Title: "An AUTH with a reason code that AUTH does not have ends the connection",
		V5:  "3.15.2.1 MQTT-3.15.2-1",
		Run: func(c *C) { c.bad(packet(0xF0, bytesOf(0x42), c.props())) },
	},
	{
		Name: "no-auth-method-in-connack", Title: "Without an authentication method there is none in CONNACK",
		V5: "4.12 MQTT-4.12.0-6",
		Run: func(c *C) {
			if p := c.Connect(); p.Connack.Props.Has(proto.AuthenticationMethod) || p.Connack.Props.Has(proto.AuthenticationData) {
				c.Fail("CONNACK without Authentication Method", "%s", p.describe(p.Connack))
			}
		},
	},
	{
		Name: "wrong-password", Title: "A wrong password is refused, and the connection closed",
		V5: "3.1.4 MQTT-3.1.4-2 MQTT-3.2.2-7", V311: "3.1.4 MQTT-3.2.2-5", V31: "3.2",
		Run: func(c *C) {
			if c.r.opt.User == nil {
				c.Skip("needs a user (-u and --password-file)")
			}
			p := c.Open()
			p.Send(c.Hello(func(p *proto.Connect) { p.HasPassword, p.Password = true, []byte("mqtt-check-wrong") }))
			if packet, err := p.read(c.r.opt.Limit); err == nil && isAccepted(packet) {
				c.Choice("the server accepts a wrong password")
			} else if err == errNothing {
				c.Fail("the connection is refused", "nothing within %v", c.r.opt.Limit)
			} else if err == nil {
				p.Closes("the server closes the connection after the refusal")
			}
		},
	},
	{
		Name: "denied-topic", Title: "A message on a topic that the user may not publish to is acknowledged, or ends the connection",
		V5: "3.3.4 MQTT-3.3.4-1", V311: "3.3.5 MQTT-3.3.5-2", Needs: NeedDeniedTopic | NeedQoS1,
		Run: func(c *C) {
			p := c.Connect()
			m := message(c.r.opt.DeniedTopic, "denied", 1)
			m.PacketID = p.NewID()
			p.Send(&m)
			packet, err := p.read(c.r.opt.Limit)
			switch a := packet.(type) {
			case nil:
				if err == errNothing {
					c.Fail("PUBACK, or the server closes the connection", "nothing within %v", c.r.opt.Limit)
				}
			case *proto.Ack:
				if a.Kind != proto.PUBACK || a.PacketID != m.PacketID {
					c.Fail("PUBACK", "%s", p.describe(a))
				}
				if c.V5() && a.Reason == proto.Success {
					c.Choice("the server acknowledges the message with success")
				}
			case *proto.Disconnect:
			default:
				c.Fail("PUBACK, or the server closes the connection", "%s", p.describe(packet))
			}
		},
	},
	{
		Name: "denied-topic-not-delivered", Title: "A message on a topic that the user may not publish to is not delivered",
		V5: "3.3.4", V311: "3.3.5", Needs: NeedDeniedTopic | NeedSecondUser,
		Run: func(c *C) {
			u := c.r.opt.SecondUser
			s := c.Connect(func(p *proto.Connect) {
				p.HasUsername, p.Username, p.HasPassword, p.Password = true, u.Name, u.HasPassword, []byte(u.Password)
			})
			s.Subscribe(c.r.opt.DeniedTopic, 0)
			s.Subscribe(c.Topic("m"), 0)
			p := c.Connect()
			payload := c.Topic("denied") // no other attempt's
			p.Send(&proto.Publish{Topic: []byte(c.r.opt.DeniedTopic), Payload: []byte(payload)}, &proto.Ping{Kind: proto.PINGREQ})
			if packet, err := p.read(c.r.opt.Limit); err != nil || packet.Type() != proto.PINGRESP {
				p = c.Connect() // the server has ended the connection, as it may
			}
			p.Publish(message(c.Topic("m"), "marker", 0))
			for _, m := range s.Until("marker") {
				if string(m.Payload) == payload {
					c.Fail("no message on that topic", "%s", s.describe(m))
				}
			}
		},
	},
	{
		Name: "second-user-session", Title: "Another user with the same client identifier",
		V5: "3.1.4 MQTT-3.1.4-3", V311: "3.1.4 MQTT-3.1.4-2", Needs: NeedSecondUser | NeedSessions,
		Run: func(c *C) {
			id := c.ID("s")
			s := c.Connect(Lasting(id))
			s.Subscribe(c.Topic("a"), 0)
			p := c.Open()
			u := c.r.opt.SecondUser
			p.Send(c.Hello(Lasting(id), func(p *proto.Connect) {
				p.HasUsername, p.Username, p.HasPassword, p.Password = true, u.Name, u.HasPassword, []byte(u.Password)
			}))
			packet, err := p.read(c.r.opt.Limit)
			if err == errNothing {
				c.Fail("CONNACK, or the server closes the connection", "nothing within %v", c.r.opt.Limit)
			}
			ack, ok := packet.(*proto.Connack)
			switch {
			case err == nil && !ok:
				c.Fail("CONNACK", "%s", p.describe(packet))
			case err != nil || ack.Reason != proto.Success:
				c.Choice("the server refuses another user with the client identifier of a session")
			case ack.SessionPresent:
				c.Choice("another user gets the session of the client identifier")
			default:
				c.Choice("another user gets a new session with the client identifier")
			}
		},
	},
}
