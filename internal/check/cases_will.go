package check

import (
	"fmt"
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
			c.unretain(c.Topic("w"))
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
	{
		Name: "will-delay", Title: "The will is published after its delay",
		V5: "3.1.3.2.2 MQTT-3.1.2-8", Needs: NeedSessions,
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("w"), 0)
			w := &proto.Will{Topic: c.Topic("w"), Payload: []byte("will"), Props: proto.Props(nil).AppendNum(proto.WillDelayInterval, 2)}
			c.Connect(Lasting(c.ID("d")), WithWill(w)).CloseAbruptly()
			began := time.Now()
			s.Barrier()
			packet, err := s.read(c.within(2 * time.Second))
			if err != nil {
				c.Fail("the will, 2 s after the end of the connection", "nothing after %v", c.within(2*time.Second))
			}
			if m, ok := packet.(*proto.Publish); !ok || string(m.Payload) != "will" {
				c.Fail("the will", "%s", s.describe(packet))
			}
			if took := time.Since(began); took < 900*time.Millisecond { // a server may count in whole seconds
				c.Fail("the will, 2 s after the end of the connection", "the will after %v", took.Round(time.Millisecond))
			}
		},
	},
	{
		Name: "will-delay-and-session-end", Title: "The will is published when the session ends before its delay",
		V5: "3.1.3.2.2 MQTT-3.1.2-8",
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("w"), 0)
			delay := 2 + c.r.opt.Limit/time.Second
			w := &proto.Will{Topic: c.Topic("w"), Payload: []byte("will"), Props: proto.Props(nil).AppendNum(proto.WillDelayInterval, uint32(delay))}
			c.Connect(WithWill(w)).CloseAbruptly() // the session ends with the connection
			began := time.Now()
			packet := s.nextWithin(c.within(delay*time.Second), "the will")
			if m, ok := packet.(*proto.Publish); !ok || string(m.Payload) != "will" {
				c.Fail("the will", "%s", s.describe(packet))
			}
			// A server may count in whole seconds.
			if took := time.Since(began); took > delay*time.Second-1500*time.Millisecond {
				c.Fail("the will at the end of the session, which is that of the connection", "the will %.1f s later, as its delay of %d s says", took.Seconds(), delay)
			}
		},
	},
	{
		Name: "will-delay-reconnect", Title: "A client that comes back within the will delay has no will published",
		V5: "3.1.3.2.2 MQTT-3.1.3-9", Needs: NeedSessions,
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("w"), 0)
			id := c.ID("d")
			w := &proto.Will{Topic: c.Topic("w"), Payload: []byte("will"), Props: proto.Props(nil).AppendNum(proto.WillDelayInterval, 2)}
			c.Connect(Lasting(id), WithWill(w)).CloseAbruptly()
			c.Sleep(500 * time.Millisecond) // the server has seen the end: the next connection is no takeover
			c.Connect(Lasting(id))
			c.Sleep(2500 * time.Millisecond)
			s.Publish(message(c.Topic("w"), "marker", 0))
			s.None("no will", "marker")
		},
	},
	{
		Name: "will-delay-takeover", Title: "A connection that takes over a session with a will delay has no will published",
		V5: "3.1.3.2.2 MQTT-3.1.3-9", Needs: NeedSessions,
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("w"), 0)
			w := &proto.Will{Topic: c.Topic("w"), Payload: []byte("will"), Props: proto.Props(nil).AppendNum(proto.WillDelayInterval, 1)}
			for i := range 10 { // a server whose connections race may be right once
				id := c.ID(fmt.Sprint("d", i))
				first := c.Connect(Lasting(id), WithWill(w))
				c.Connect(Lasting(id))
				first.Closes("the server closes the connection that was taken over", proto.SessionTakenOver)
			}
			c.Sleep(2500 * time.Millisecond)
			s.Publish(message(c.Topic("w"), "marker", 0))
			s.None("no will", "marker")
		},
	},
	{
		Name: "will-delay-and-disconnect", Title: "A will with a delay is not published after DISCONNECT either",
		V5: "3.14.4 MQTT-3.14.4-3 MQTT-3.1.2-10", Needs: NeedSessions,
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("w"), 0)
			w := &proto.Will{Topic: c.Topic("w"), Payload: []byte("will"), Props: proto.Props(nil).AppendNum(proto.WillDelayInterval, 1)}
			c.Connect(Lasting(c.ID("d")), WithWill(w)).Disconnect()
			c.Sleep(2200 * time.Millisecond)
			s.Publish(message(c.Topic("w"), "marker", 0))
			s.None("no will", "marker")
		},
	},
	{
		Name: "will-delay-and-session-expiry", Title: "The will is published when the session expires before its delay",
		V5: "3.1.3.2.2 MQTT-3.1.2-8", Needs: NeedSessions,
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("w"), 0)
			w := &proto.Will{Topic: c.Topic("w"), Payload: []byte("will"), Props: proto.Props(nil).AppendNum(proto.WillDelayInterval, 3600)}
			p := c.Connect(WithProp(proto.SessionExpiryInterval, 1), WithWill(w))
			if n := p.Connack.Props.Num(proto.SessionExpiryInterval, 1); n != 1 {
				c.Skip("the server keeps the session for %d s, as its CONNACK says", n)
			}
			p.CloseAbruptly()
			packet, err := s.read(c.within(time.Second))
			if err != nil {
				c.Fail("the will, 1 s after the end of the connection", "nothing after %v", c.within(time.Second))
			}
			if m, ok := packet.(*proto.Publish); !ok || string(m.Payload) != "will" {
				c.Fail("the will", "%s", s.describe(packet))
			}
		},
	},
	{
		Name: "will-properties", Title: "The properties of the will come with it",
		V5: "3.1.3.2 MQTT-3.1.3-10",
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("w"), 0)
			ps := proto.Props(nil).AppendNum(proto.PayloadFormatIndicator, 1).AppendText(proto.ContentType, "text/plain").
				AppendText(proto.ResponseTopic, c.Topic("r")).AppendText(proto.CorrelationData, "c\x00d").
				AppendPair("k", "v").AppendPair("j", "u").AppendPair("k", "w")
			c.Connect(WithWill(&proto.Will{Topic: c.Topic("w"), Payload: []byte("will"), Props: ps})).CloseAbruptly()
			c.sameProperties(s.Expect(c.Topic("w"), "will"), ps, "MQTT-3.1.3-10")
		},
	},
	{
		Name: "will-expiry", Title: "The Message Expiry Interval of the will is that of the message",
		V5: "3.1.3.2.4 MQTT-3.3.2-6",
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("w"), 0)
			w := &proto.Will{Topic: c.Topic("w"), Payload: []byte("will"), Props: proto.Props(nil).AppendNum(proto.MessageExpiryInterval, 100)}
			c.Connect(WithWill(w)).CloseAbruptly()
			m := s.Expect(c.Topic("w"), "will")
			if n := m.Props.Num(proto.MessageExpiryInterval, 0); n > 100 || n < 80 {
				c.Fail("a Message Expiry Interval of 100 s, or a little less", "%s", s.describe(m))
			}
		},
	},
	{
		Name: "will-once-after-delay", Title: "A will that was published after its delay is not published again when the session ends",
		V5: "3.1.2.5 MQTT-3.1.2-10", Needs: NeedSessions,
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("w"), 0)
			w := &proto.Will{Topic: c.Topic("w"), Payload: []byte("will"), Props: proto.Props(nil).AppendNum(proto.WillDelayInterval, 1)}
			id := c.ID("d")
			c.Connect(Lasting(id), WithWill(w)).CloseAbruptly()
			packet, err := s.read(c.within(time.Second))
			if m, ok := packet.(*proto.Publish); err != nil || !ok || string(m.Payload) != "will" {
				c.Skip("the server publishes no will after its delay")
			}
			c.Connect(WithID(id)).Disconnect() // the session ends
			c.Sleep(100 * time.Millisecond)
			s.Publish(message(c.Topic("w"), "marker", 0))
			s.None("no second will", "marker")
		},
	},
	{
		Name: "will-delay-and-clean-start", Title: "A clean session ends the one whose will waits for its delay: the will is published, or deleted",
		V5: "3.1.3.2.2 MQTT-3.1.2-8", Needs: NeedSessions,
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("w"), 0)
			w := &proto.Will{Topic: c.Topic("w"), Payload: []byte("will"), Props: proto.Props(nil).AppendNum(proto.WillDelayInterval, 3600)}
			id := c.ID("d")
			c.Connect(Lasting(id), WithWill(w)).CloseAbruptly()
			s.Barrier()
			c.Connect(WithID(id))
			packet, err := s.read(c.r.opt.Limit)
			if err == errNothing {
				c.Choice("the server publishes no will: MQTT-3.1.2-8 also says that a new connection of the client, before the delay has passed, deletes it")
			}
			if m, ok := packet.(*proto.Publish); !ok || string(m.Payload) != "will" {
				c.Fail("the will, or nothing", "%s", s.describeEnd(packet))
			}
		},
	},
	{
		Name: "will-delay-in-publish", Title: "The will delay is not a property of the message",
		V5: "3.1.3.2.2",
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("w"), 0)
			w := &proto.Will{Topic: c.Topic("w"), Payload: []byte("will"), Props: proto.Props(nil).AppendNum(proto.WillDelayInterval, 1)}
			c.Connect(WithWill(w)).CloseAbruptly()
			s.Expect(c.Topic("w"), "will") // a PUBLISH with a will delay is malformed, which ends the script
		},
	},
}
