package check

import (
	"strings"
	"time"

	"mqtt/internal/proto"
)

// identityCases are about client identifiers and the lifetime of the sessions that they name.
var identityCases = [...]Case{
	{
		Name: "client-ids-differ-in-case", Title: "Client identifiers that differ only in case are two clients",
		V5: "3.1.3.1 MQTT-3.1.3-2", V311: "3.1.3.1 MQTT-3.1.3-2", V31: "3.1",
		Run: func(c *C) { c.twoClients(c.ID("case"), c.ID("CASE")) },
	},
	{
		Name: "client-ids-differ-at-end", Title: "Client identifiers of 23 characters that differ only in the last are two clients",
		V5: "3.1.3.1 MQTT-3.1.3-2 MQTT-3.1.3-5", V311: "3.1.3.1 MQTT-3.1.3-2 MQTT-3.1.3-5", V31: "3.1",
		Run: func(c *C) {
			start := c.ID("")
			start += strings.Repeat("x", 22-len(start))
			c.twoClients(start+"a", start+"b")
		},
	},
	{
		Name: "client-id-assigned-names-session", Title: "A client identifier that the server assigned names the session afterwards",
		V5: "3.2.2.3.7 MQTT-3.1.3-7", Needs: NeedSessions,
		Run: func(c *C) {
			p := c.Open()
			hello := c.Hello(Lasting(""))
			hello.CleanStart = true
			p.Send(hello)
			packet := p.Next("CONNACK")
			ack, ok := packet.(*proto.Connack)
			if !ok {
				c.Fail("CONNACK", "%s", p.describe(packet))
			}
			id := string(ack.Props.Value(proto.AssignedClientIdentifier))
			if ack.Reason != proto.Success || id == "" {
				c.Skip("the server assigns no client identifier: %s", p.describe(ack))
			}
			c.forget(id, hello)
			p.Connack = ack
			p.Subscribe(c.Topic("a"), 0)
			p.Disconnect()
			if p = c.Connect(Lasting(id)); !p.Connack.SessionPresent {
				c.Fail("Session Present 1 for the identifier that was assigned", "%s", p.describe(p.Connack))
			}
		},
	},
	{
		Name: "clean-session-drops-identifiers", Title: "A clean session does not know the packet identifiers of the session before",
		V5: "3.1.2.4 MQTT-3.1.2-4", V311: "3.1.2.4 MQTT-3.1.2-6", Needs: NeedQoS2 | NeedSessions,
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("a"), 0)
			id := c.ID("p")
			p := c.Connect(Lasting(id))
			m := message(c.Topic("a"), "before", 2)
			m.PacketID = 7
			p.Send(&m)
			p.Ack(proto.PUBREC, 7) // and no PUBREL
			p.CloseAbruptly()
			p = c.Connect(WithID(id))
			m = message(c.Topic("a"), "after", 2)
			m.PacketID = 7
			p.Publish(m)
			s.Until("after")
		},
	},
	{
		Name: "session-outlives-connection", Title: "A session lives for its Session Expiry Interval",
		V5: "3.1.2.11.2 MQTT-3.1.2-23", Needs: NeedSessions,
		Run: func(c *C) { c.sessionLives(120, 2500*time.Millisecond) },
	},
	{
		Name: "session-never-expires", Title: "A session with the Session Expiry Interval 0xFFFFFFFF outlives its connection",
		V5: "3.1.2.11.2 MQTT-3.1.2-23", Needs: NeedSessions,
		Run: func(c *C) { c.sessionLives(0xffffffff, 500*time.Millisecond) },
	},
	{
		Name: "session-lives-while-connected", Title: "A session does not expire while its client is connected",
		V5: "3.1.2.11.2 MQTT-4.1.0-1", V311: "4.1 MQTT-4.1.0-2",
		Run: func(c *C) {
			s := c.Connect(WithProp(proto.SessionExpiryInterval, 1))
			s.Subscribe(c.Topic("a"), 0)
			c.Sleep(2200 * time.Millisecond)
			s.Publish(message(c.Topic("a"), "x", 0))
			s.Expect(c.Topic("a"), "x")
		},
	},
}

// twoClients expects that two clients with these identifiers are both served.
func (c *C) twoClients(a, b string) {
	first := c.Connect(WithID(a))
	first.Subscribe(c.Topic("a"), 0)
	second := c.Connect(WithID(b))
	second.Barrier()
	first.Barrier() // it was not taken over
	second.Publish(message(c.Topic("a"), "x", 0))
	first.Expect(c.Topic("a"), "x")
}

// sessionLives expects that a session with that Session Expiry Interval, in seconds, is there after a time.
func (c *C) sessionLives(expiry uint32, after time.Duration) {
	id := c.ID("s")
	lasting := func(p *proto.Connect) {
		p.ClientID, p.CleanStart = id, false
		p.Props = p.Props.AppendNum(proto.SessionExpiryInterval, expiry)
	}
	p := c.Connect(lasting)
	p.Subscribe(c.Topic("a"), 0) // that a session may be empty is what session-present-1 shows
	if n := p.Connack.Props.Num(proto.SessionExpiryInterval, expiry); time.Duration(n)*time.Second < after+time.Second {
		c.Skip("the server keeps the session for %d s, as its CONNACK says", n)
	}
	p.Disconnect()
	c.Sleep(after)
	if p = c.Connect(lasting); !p.Connack.SessionPresent {
		c.Fail("Session Present 1", "%s", p.describe(p.Connack))
	}
}
