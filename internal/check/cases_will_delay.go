package check

import (
	"fmt"
	"time"

	"mqtt/internal/proto"
)

// willDelayCases are about the will delay, and the other properties of a will.
var willDelayCases = [...]Case{
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
