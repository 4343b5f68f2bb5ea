package check

import (
	"fmt"
	"time"

	"mqtt/internal/proto"
)

// sessionCases are about CONNACK, and about sessions: what they keep, when they end, and who takes them over.
var sessionCases = [...]Case{
	{
		Name: "connack-first", Title: "CONNACK is the first packet, and comes once",
		V5: "3.2 MQTT-3.2.0-1 MQTT-3.2.0-2 MQTT-3.1.4-5", V311: "3.2 MQTT-3.2.0-1 MQTT-3.1.4-4", V31: "3.2",
		Run: func(c *C) {
			p := c.Connect()
			p.Barrier()
		},
	},
	{
		Name: "connack-flags", Title: "The reserved bits of the Connect Acknowledge Flags are 0",
		V5: "3.2.2.1 MQTT-3.2.2-1", V311: "3.2.2.1",
		Run: func(c *C) { c.Connect() }, // other bits are malformed, which ends the script
	},
	{
		Name: "clean-session-present-0", Title: "Session Present is 0 for a clean session",
		V5: "3.2.2.1.1 MQTT-3.2.2-2", V311: "3.2.2.2 MQTT-3.2.2-1",
		Run: func(c *C) {
			id := c.ID("s")
			c.Connect(Lasting(id)).Disconnect()
			if p := c.Connect(WithID(id)); p.Connack.SessionPresent {
				c.Fail("Session Present 0", "%s", p.describe(p.Connack))
			}
		},
	},
	{
		Name: "new-session-present-0", Title: "Session Present is 0 if there is no session",
		V5: "3.2.2.1.1 MQTT-3.2.2-3 MQTT-3.1.2-6", V311: "3.2.2.2 MQTT-3.2.2-3",
		Run: func(c *C) {
			if p := c.Connect(Lasting(c.ID("s"))); p.Connack.SessionPresent {
				c.Fail("Session Present 0", "%s", p.describe(p.Connack))
			}
		},
	},
	{
		Name: "session-present-1", Title: "Session Present is 1 if there is a session",
		V5: "3.2.2.1.1 MQTT-3.2.2-3 MQTT-3.1.2-5", V311: "3.2.2.2 MQTT-3.2.2-2 MQTT-3.1.2-4",
		Run: func(c *C) {
			if c.V5() {
				c.Need(NeedSessions)
			}
			id := c.ID("s")
			c.Connect(Lasting(id)).Disconnect()
			if p := c.Connect(Lasting(id)); !p.Connack.SessionPresent {
				c.Fail("Session Present 1", "%s", p.describe(p.Connack))
			}
		},
	},
	{
		Name: "session-keeps-subscriptions", Title: "A session keeps its subscriptions",
		V5: "4.1 MQTT-3.1.2-5 MQTT-3.1.2-23 MQTT-3.1.3-2 MQTT-4.1.0-1", V311: "4.1 MQTT-3.1.2-4 MQTT-3.1.3-2 MQTT-4.1.0-1 MQTT-4.1.0-2", V31: "3.1", Needs: NeedSessions,
		Run: func(c *C) {
			id := c.ID("s")
			s := c.Connect(Lasting(id))
			s.Subscribe(c.Topic("a"), 0)
			s.Disconnect()
			s = c.Connect(Lasting(id))
			s.Publish(message(c.Topic("a"), "x", 0))
			s.Expect(c.Topic("a"), "x")
		},
	},
	{
		Name: "session-queues-messages", Title: "Messages at QoS 1 and 2 wait for a client that is away",
		V5: "4.5 MQTT-4.5.0-1 MQTT-3.1.2-23", V311: "3.1.2.4 MQTT-3.1.2-5", V31: "3.1", Needs: NeedSessions | NeedQoS2,
		Run: func(c *C) {
			id := c.ID("s")
			s := c.Connect(Lasting(id))
			s.Subscribe(c.Topic("a"), 2)
			s.Disconnect()
			p := c.Connect()
			for i := range 10 {
				p.Publish(message(c.Topic("a"), fmt.Sprint(i), byte(1+i%2)))
			}
			s = c.Connect(Lasting(id))
			came := map[string]bool{}
			for range 10 {
				came[string(s.Message("a message that waited").Payload)] = true
			}
			if len(came) < 10 {
				c.Fail("each of 10 messages", "only %d of them, some more than once", len(came))
			}
		},
	},
	{
		Name: "clean-session-drops-subscriptions", Title: "A clean session has none of the subscriptions before",
		V5: "3.1.2.4 MQTT-3.1.2-4 MQTT-3.1.4-4", V311: "3.1.2.4 MQTT-3.1.2-6 MQTT-3.1.4-3", V31: "3.1",
		Run: func(c *C) {
			id := c.ID("s")
			s := c.Connect(Lasting(id))
			s.Subscribe(c.Topic("a"), 0)
			s.Disconnect()
			s = c.Connect(WithID(id))
			s.Subscribe(c.Topic("m"), 0)
			p := c.Connect()
			p.Publish(message(c.Topic("a"), "old", 0))
			p.Publish(message(c.Topic("m"), "marker", 0))
			s.None("no message of the old subscription", "marker")
		},
	},
	{
		Name: "clean-session-drops-messages", Title: "A clean session has none of the messages that waited",
		V5: "3.1.2.4 MQTT-3.1.2-4", V311: "3.1.2.4 MQTT-3.1.2-6", V31: "3.1", Needs: NeedQoS1,
		Run: func(c *C) {
			id := c.ID("s")
			s := c.Connect(Lasting(id))
			s.Subscribe(c.Topic("a"), 1)
			s.Disconnect()
			p := c.Connect()
			p.Publish(message(c.Topic("a"), "old", 1))
			s = c.Connect(WithID(id))
			s.Subscribe(c.Topic("a"), 1)
			p.Publish(message(c.Topic("a"), "marker", 1))
			s.None("no message from before", "marker")
		},
	},
	{
		Name: "clean-session-ends-with-connection", Title: "A clean session ends with its connection",
		V5: "3.1.2.11.2", V311: "3.1.2.4 MQTT-3.1.2-6",
		Run: func(c *C) {
			id := c.ID("s")
			s := c.Connect(WithID(id))
			s.Subscribe(c.Topic("a"), 0)
			s.Disconnect()
			c.Sleep(50 * time.Millisecond) // until the server has seen the end
			s = c.Connect(Lasting(id))
			if s.Connack.SessionPresent {
				c.Fail("Session Present 0", "%s", s.describe(s.Connack))
			}
		},
	},
	{
		Name: "session-expires", Title: "A session ends when its expiry interval has passed",
		V5: "3.1.2.11.2 MQTT-4.1.0-2", Needs: NeedSessions,
		Run: func(c *C) {
			id := c.ID("s")
			short := func(p *proto.Connect) {
				p.ClientID, p.CleanStart = id, false
				p.Props = p.Props.AppendNum(proto.SessionExpiryInterval, 1)
			}
			p := c.Connect(short)
			if n := p.Connack.Props.Num(proto.SessionExpiryInterval, 1); n != 1 {
				c.Choice("the server keeps the session for %d s, as its CONNACK says", n)
			}
			p.Disconnect()
			c.Sleep(2500 * time.Millisecond)
			if p = c.Connect(short); p.Connack.SessionPresent {
				c.Fail("Session Present 0, 2.5 s after the end of a connection with Session Expiry Interval 1", "%s", p.describe(p.Connack))
			}
		},
	},
	{
		Name: "session-expiry-in-disconnect", Title: "A Session Expiry Interval in DISCONNECT replaces that of CONNECT",
		V5: "3.14.2.2.2", Needs: NeedSessions,
		Run: func(c *C) {
			id := c.ID("s")
			p := c.Connect(Lasting(id))
			p.Send(&proto.Disconnect{Props: proto.Props(nil).AppendNum(proto.SessionExpiryInterval, 0)})
			p.awaitClose()
			p.close()
			if p = c.Connect(Lasting(id)); p.Connack.SessionPresent {
				c.Fail("Session Present 0, after a DISCONNECT with Session Expiry Interval 0", "%s", p.describe(p.Connack))
			}
		},
	},
	{
		Name: "session-expiry-raised-from-0", Title: "A DISCONNECT that raises a Session Expiry Interval of 0 is a protocol error",
		V5: "3.14.2.2.2",
		Run: func(c *C) {
			id := c.ID("s")
			c.forget(id, c.Hello())
			p := c.Connect(WithID(id))
			p.Raw(p.Encode(&proto.Disconnect{Props: proto.Props(nil).AppendNum(proto.SessionExpiryInterval, 60)})...)
			p.awaitClose()
			p.close()
			if p = c.Connect(Lasting(id)); p.Connack.SessionPresent {
				c.Fail("the session has ended", "%s", p.describe(p.Connack))
			}
		},
	},
	{
		Name: "takeover", Title: "A second connection with the same client identifier ends the first",
		V5: "3.1.4 MQTT-3.1.4-3 MQTT-3.14.4-2 MQTT-4.13.2-1", V311: "3.1.4 MQTT-3.1.4-2", V31: "3.1",
		Run: func(c *C) {
			id := c.ID("t")
			first := c.Connect(WithID(id))
			c.Connect(WithID(id)).Barrier()
			d := first.Closes("the server closes the first connection", proto.SessionTakenOver)
			if c.V5() && d == nil {
				c.FailRule("MQTT-3.1.4-3", "DISCONNECT with 0x8E before the end of the first connection", "%s closed it without a DISCONNECT", c.who())
			}
		},
	},
	{
		Name: "takeover-continues-session", Title: "A second connection with Clean Start 0 goes on with the session of the first",
		V5: "3.1.4 MQTT-3.1.4-3", V311: "3.1.4 MQTT-3.1.4-2", Needs: NeedSessions,
		Run: func(c *C) {
			id := c.ID("t")
			first := c.Connect(Lasting(id))
			first.Subscribe(c.Topic("a"), 0)
			second := c.Connect(Lasting(id))
			if !second.Connack.SessionPresent {
				c.Fail("Session Present 1", "%s", second.describe(second.Connack))
			}
			first.Closes("the server closes the first connection", proto.SessionTakenOver)
			second.Publish(message(c.Topic("a"), "x", 0))
			second.Expect(c.Topic("a"), "x")
		},
	},
}
