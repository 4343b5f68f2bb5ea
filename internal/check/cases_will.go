package check

import (
	"time"

	"mqtt/internal/proto"
)

// willCases are about the will.
var willCases = [...]Case{
	{
		Name: "will-on-lost-connection", Title: "The will is published when the connection is lost",
		V5: "3.1.2.5 MQTT-3.1.2-7 MQTT-3.1.2-8", V311: "3.1.2.5 MQTT-3.1.2-8", V31: "3.1",
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("w"), 0)
			p := c.Connect(WithWill(&proto.Will{Topic: c.Topic("w"), Payload: []byte("will")}))
			p.CloseAbruptly()
			s.Expect(c.Topic("w"), "will")
		},
	},
	{
		Name: "will-not-after-disconnect", Title: "The will is not published after DISCONNECT",
		V5: "3.14.4 MQTT-3.14.4-3 MQTT-3.1.2-10", V311: "3.14.4 MQTT-3.14.4-3 MQTT-3.1.2-10", V31: "3.1",
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("w"), 0)
			p := c.Connect(WithWill(&proto.Will{Topic: c.Topic("w"), Payload: []byte("will")}))
			p.Disconnect()
			c.Sleep(100 * time.Millisecond)
			s.Publish(message(c.Topic("w"), "marker", 0))
			s.None("no will", "marker")
		},
	},
	{
		Name: "will-after-disconnect-with-will", Title: "The will is published after DISCONNECT with reason 0x04",
		V5: "3.14.2.1 MQTT-3.1.2-8",
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("w"), 0)
			p := c.Connect(WithWill(&proto.Will{Topic: c.Topic("w"), Payload: []byte("will")}))
			p.Send(&proto.Disconnect{Reason: proto.DisconnectWithWill})
			s.Expect(c.Topic("w"), "will")
		},
	},
	{
		Name: "will-after-disconnect-with-error", Title: "The will is published after DISCONNECT with an error code",
		V5: "3.14.4 MQTT-3.1.2-8 MQTT-3.14.4-3",
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("w"), 0)
			p := c.Connect(WithWill(&proto.Will{Topic: c.Topic("w"), Payload: []byte("will")}))
			p.Send(&proto.Disconnect{Reason: proto.UnspecifiedError})
			s.Expect(c.Topic("w"), "will")
		},
	},
	{
		Name: "will-after-protocol-error", Title: "The will is published when the server ends the connection because of an error",
		V5: "3.1.2.5 MQTT-3.1.2-8", V311: "3.1.2.5 MQTT-3.1.2-8",
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("w"), 0)
			p := c.Connect(WithWill(&proto.Will{Topic: c.Topic("w"), Payload: []byte("will")}))
			p.Raw(packet(0x36, text(c.Topic("a")), id(1), c.props())...) // QoS 3
			p.Closes("the server closes the connection")
			s.Expect(c.Topic("w"), "will")
		},
	},
	{
		Name: "will-after-keep-alive", Title: "The will is published when the Keep Alive has passed",
		V5: "3.1.2.5 MQTT-3.1.2-8 MQTT-3.1.2-22", V311: "3.1.2.5 MQTT-3.1.2-8 MQTT-3.1.2-24", V31: "3.1",
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("w"), 0)
			p := c.Connect(WithKeepAlive(1), WithWill(&proto.Will{Topic: c.Topic("w"), Payload: []byte("will")}))
			if n := p.Connack.Props.Num(proto.ServerKeepAlive, 1); n != 1 {
				c.Skip("the server replaces a Keep Alive of 1 s by %d s", n)
			}
			end := time.Now().Add(c.within(1500 * time.Millisecond))
			packet, err := s.read(time.Until(end))
			if err != nil {
				c.Fail("the will, 1.5 s after the last packet of the client", "nothing after %v", c.within(1500*time.Millisecond))
			}
			if m, ok := packet.(*proto.Publish); !ok || string(m.Payload) != "will" {
				c.Fail("the will", "%s", s.describe(packet))
			}
		},
	},
	{
		Name: "will-after-takeover", Title: "The will is published when another connection takes over a clean session",
		V5: "3.1.4 MQTT-3.1.4-3 MQTT-3.1.2-8", V311: "3.1.2.5 MQTT-3.1.2-8",
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("w"), 0)
			id := c.ID("t")
			first := c.Connect(WithID(id), WithWill(&proto.Will{Topic: c.Topic("w"), Payload: []byte("will")}))
			c.Connect(WithID(id))
			first.awaitClose() // for the evidence: the case takeover judges it
			s.Expect(c.Topic("w"), "will")
		},
	},
	{
		Name: "will-qos", Title: "The will is published at its QoS",
		V5: "3.1.2.6 MQTT-3.1.2-9", V311: "3.1.2.6 MQTT-3.1.2-9", V31: "3.1", Needs: NeedQoS2,
		Run: func(c *C) {
			for _, q := range []byte{0, 1, 2} {
				s := c.Connect()
				topic := c.Topic(string('0' + rune(q)))
				s.Subscribe(topic, 2)
				c.Connect(WithWill(&proto.Will{Topic: topic, Payload: []byte("will"), QoS: q})).CloseAbruptly()
				if m := s.Expect(topic, "will"); m.QoS != q {
					c.Fail("the will at the QoS of CONNECT", "%s", s.describe(m))
				}
			}
		},
	},
	{
		Name: "will-retained", Title: "A will with Will Retain 1 is published as a retained message",
		V5: "3.1.2.7 MQTT-3.1.2-15", V311: "3.1.2.7 MQTT-3.1.2-17", V31: "3.1", Should31: true, Needs: NeedRetain,
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("w"), 0)
			c.Connect(WithWill(&proto.Will{Topic: c.Topic("w"), Payload: []byte("will"), QoS: c.storedQoS(), Retain: true})).CloseAbruptly()
			s.Expect(c.Topic("w"), "will")
			late := c.Connect()
			late.Subscribe(c.Topic("w"), 0)
			if m := late.Expect(c.Topic("w"), "will"); !m.Retain {
				c.Fail("the will with RETAIN 1", "%s", late.describe(m))
			}
		},
	},
	{
		Name: "will-not-retained", Title: "A will with Will Retain 0 is not retained",
		V5: "3.1.2.7 MQTT-3.1.2-14", V311: "3.1.2.7 MQTT-3.1.2-16", V31: "3.1",
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("w"), 0)
			c.Connect(WithWill(&proto.Will{Topic: c.Topic("w"), Payload: []byte("will")})).CloseAbruptly()
			s.Expect(c.Topic("w"), "will")
			late := c.Connect()
			late.Subscribe(c.Topic("w"), 0)
			late.Publish(message(c.Topic("w"), "marker", 0))
			late.None("no retained will", "marker")
		},
	},
	{
		Name: "no-will", Title: "Without the Will Flag no will is published",
		V5: "3.1.2.5", V311: "3.1.2.5 MQTT-3.1.2-12", V31: "3.1",
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("w"), 0)
			id := c.ID("n")
			// A will of an earlier connection of the same client is not that of the next one.
			c.Connect(WithID(id), WithWill(&proto.Will{Topic: c.Topic("w"), Payload: []byte("earlier")})).Disconnect()
			c.Connect(WithID(id)).CloseAbruptly()
			c.Sleep(100 * time.Millisecond)
			s.Publish(message(c.Topic("w"), "marker", 0))
			s.None("no will", "marker")
		},
	},
	{
		Name: "will-once", Title: "The will is published once",
		V5: "3.1.2.5 MQTT-3.1.2-10", V311: "3.1.2.5 MQTT-3.1.2-10",
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("w"), 0)
			id := c.ID("t")
			c.Connect(WithID(id), WithWill(&proto.Will{Topic: c.Topic("w"), Payload: []byte("will")})).CloseAbruptly()
			s.Expect(c.Topic("w"), "will")
			c.Connect(WithID(id)).CloseAbruptly() // without a will
			c.Sleep(100 * time.Millisecond)
			s.Publish(message(c.Topic("w"), "marker", 0))
			s.None("no second will", "marker")
		},
	},
	{
		Name: "will-empty-payload", Title: "A will with an empty payload is published",
		V5: "3.1.3.4", V311: "3.1.3.3", V31: "3.1",
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("w"), 0)
			c.Connect(WithWill(&proto.Will{Topic: c.Topic("w")})).CloseAbruptly()
			s.Expect(c.Topic("w"), "")
		},
	},
	{
		Name: "will-all-byte-values", Title: "A will with a payload of all byte values is published unchanged",
		V5: "3.1.3.4", V311: "3.1.3.3", V31: "3.1",
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("w"), 0)
			c.Connect(WithWill(&proto.Will{Topic: c.Topic("w"), Payload: []byte(allBytes())})).CloseAbruptly()
			s.Expect(c.Topic("w"), allBytes())
		},
	},
	{
		Name: "will-removes-retained", Title: "A retained will with an empty payload removes the retained message",
		V5: "3.1.2.7 MQTT-3.1.2-15 MQTT-3.3.1-6", V311: "3.1.2.7 MQTT-3.1.2-17 MQTT-3.3.1-10", Needs: NeedRetain,
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("w"), 0)
			s.Publish(retained(c.Topic("w"), "old", c.storedQoS()))
			s.Expect(c.Topic("w"), "old")
			p := c.Open()
			p.Send(c.Hello(WithWill(&proto.Will{Topic: c.Topic("w"), QoS: c.storedQoS(), Retain: true})))
			if packet := p.Next("CONNACK"); !isAccepted(packet) {
				c.Skip("the server refuses a will with an empty payload (see will-empty-payload): %s", p.describe(packet))
			}
			p.CloseAbruptly()
			s.Expect(c.Topic("w"), "")
			late := c.Connect()
			late.Subscribe(c.Topic("w"), 0)
			late.Publish(message(c.Topic("w"), "marker", 0))
			late.None("no retained message", "marker")
		},
	},
}
