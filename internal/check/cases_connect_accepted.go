package check

import (
	"strings"

	"mqtt/internal/proto"
)

// connectAcceptedCases are about what a server accepts in CONNECT: client identifiers of all kinds, the bounds of the
// Keep Alive, and the ways in which its bytes arrive.
var connectAcceptedCases = [...]Case{
	{
		Name: "client-id-23-characters", Title: "A client identifier of 23 letters and digits is accepted",
		V5: "3.1.3.1 MQTT-3.1.3-5", V311: "3.1.3.1 MQTT-3.1.3-5", V31: "3.1",
		Run: func(c *C) {
			id := c.ID("")
			c.Connect(WithID(id + strings.Repeat("Z", 23-len(id))))
		},
	},
	{
		Name: "client-id-all-characters", Title: "Client identifiers of all letters and digits are accepted",
		V5: "3.1.3.1 MQTT-3.1.3-5", V311: "3.1.3.1 MQTT-3.1.3-5",
		Run: func(c *C) {
			const all = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			for i := 0; i < len(all); i += 8 {
				c.Connect(WithID(c.ID("") + all[i:min(i+8, len(all))])).Disconnect()
			}
		},
	},
	{
		Name: "client-id-long", Title: "A client identifier of more than 23 bytes is accepted, or refused with its own code",
		V5: "3.1.3.1 MQTT-3.1.3-8", V311: "3.1.3.1 MQTT-3.1.3-9",
		Run: func(c *C) {
			p := c.Open()
			p.Send(c.Hello(WithID(c.ID("") + strings.Repeat("y", 100))))
			packet, err := p.read(c.r.opt.Limit)
			if err == nil && isAccepted(packet) {
				return
			}
			const expected = "CONNACK that accepts the identifier, or refuses it as such and ends the connection"
			ack, ok := packet.(*proto.Connack)
			switch {
			case err == errNothing:
				c.Fail(expected, "nothing within %v", c.r.opt.Limit)
			case err != nil && c.V5():
				c.Choice("the server closes the connection for an identifier of more than 100 bytes")
			case err != nil:
				c.Fail(expected, "the server closed the connection without CONNACK")
			case !ok || ack.Reason != proto.ClientIdentifierNotValid && !c.V5():
				c.Fail(expected, "%s", p.describe(packet))
			}
			p.Closes("the server closes the connection after the refusal")
			c.Choice("the server refuses an identifier of more than 100 bytes: %s", p.describe(packet))
		},
	},
	{
		Name: "client-id-empty", Title: "An empty client identifier is replaced by one that is told in CONNACK, or refused with 0x85",
		V5: "3.1.3.1 MQTT-3.1.3-6 MQTT-3.1.3-7 MQTT-3.1.3-8 MQTT-3.2.2-16",
		Run: func(c *C) {
			p, ack := c.withoutID()
			if ack.Reason == proto.ClientIdentifierNotValid {
				p.Closes("the server closes the connection after the refusal")
				c.Choice("the server does not accept an empty client identifier, which section 3.1.3.1 allows")
			}
			if ack.Reason != proto.Success || len(ack.Props.Value(proto.AssignedClientIdentifier)) == 0 {
				c.Fail("CONNACK with success and Assigned Client Identifier, or with reason 0x85", "%s", p.describe(ack))
			}
			q := c.Connect(WithID(""))
			if q.ClientID == string(ack.Props.Value(proto.AssignedClientIdentifier)) {
				c.Fail("an Assigned Client Identifier that no session uses", "the same identifier %q twice", q.ClientID)
			}
			p.Barrier()
		},
	},
	{
		Name: "client-id-empty-311", Title: "Clients with an empty identifier and CleanSession 1 get identifiers of their own",
		V311: "3.1.3.1 MQTT-3.1.3-6",
		Run: func(c *C) {
			p, ack := c.withoutID()
			if ack.Reason == proto.ClientIdentifierNotValid {
				c.Choice("the server does not accept an empty client identifier, which section 3.1.3.1 allows")
			}
			if ack.Reason != proto.Success {
				c.Fail("CONNACK with return code 0 or 2", "%s", p.describe(ack))
			}
			p.Connack = ack
			c.Connect(WithID("")) // must not take over the session of the first
			p.Barrier()
		},
	},
	{
		Name: "client-id-empty-lasting", Title: "An empty client identifier with CleanSession 0 is refused with return code 2",
		V311: "3.1.3.1 MQTT-3.1.3-8",
		Run: func(c *C) {
			p := c.Open()
			p.Raw(c.connect(func(p *parts) { p.ID, p.Flags = "", 0 })...)
			if p.Refused("CONNACK with return code 2, then the server closes the connection", proto.ClientIdentifierNotValid) == nil {
				c.Choice("the server closes the connection without CONNACK, as section 3.1.4 demands for a CONNECT that does not conform")
			}
		},
	},
	{
		Name: "keep-alive-0", Title: "A CONNECT with Keep Alive 0 is accepted",
		V5: "3.1.2.10", V311: "3.1.2.10", V31: "3.1",
		Run: func(c *C) { c.Connect(WithKeepAlive(0)).Barrier() },
	},
	{
		Name: "keep-alive-65535", Title: "A CONNECT with Keep Alive 65535 is accepted",
		V5: "3.1.2.10", V311: "3.1.2.10", V31: "3.1",
		Run: func(c *C) { c.Connect(WithKeepAlive(65535)).Barrier() },
	},
	{
		Name: "packets-with-connect", Title: "Packets that are sent right after CONNECT, before CONNACK, are handled",
		V5: "3.1.4", V311: "3.1.4",
		Run: func(c *C) {
			p := c.Open()
			p.Send(c.Hello(), &proto.Subscribe{PacketID: 1, Filters: []proto.Subscription{{Filter: c.Topic("a")}}}, &proto.Ping{Kind: proto.PINGREQ})
			if packet := p.Next("CONNACK"); !isAccepted(packet) {
				c.Fail("CONNACK that accepts the connection", "%s", p.describe(packet))
			}
			p.Suback(1)
			p.Pingresp()
		},
	},
	{
		Name: "connect-byte-by-byte", Title: "A CONNECT that arrives byte by byte is handled",
		V5: "4.2 MQTT-4.2-1", V311: "4.2", V31: "3.1",
		Run: func(c *C) {
			p := c.Open()
			b := p.Encode(c.Hello())
			p.Dribble(b)
			if packet := p.Next("CONNACK"); !isAccepted(packet) {
				c.Fail("CONNACK that accepts the connection", "%s", p.describe(packet))
			}
		},
	},
}

// withoutID opens a connection with an empty client identifier, and returns the CONNACK as it came.
func (c *C) withoutID() (*Peer, *proto.Connack) {
	p := c.Open()
	p.Send(c.Hello(WithID("")))
	packet := p.Next("CONNACK")
	ack, ok := packet.(*proto.Connack)
	if !ok {
		c.Fail("CONNACK", "%s", p.describe(packet))
	}
	return p, ack
}
