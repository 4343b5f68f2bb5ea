package check

import "mqtt/internal/proto"

// versionCases are about messages between clients of different versions.
var versionCases = [...]Case{
	{
		Name: "message-from-mqtt-5", Title: "A message that a client of MQTT 5 published with properties arrives without them",
		V311: "3.3.3", V31: "3.3",
		Run: func(c *C) {
			p, s := c.ConnectAs(proto.V5), c.Connect()
			s.Subscribe(c.Topic("a"), 0)
			m := message(c.Topic("a"), "x", 0)
			m.Props = proto.Props(nil).AppendNum(proto.MessageExpiryInterval, 100).AppendText(proto.ContentType, "a/b").AppendPair("k", "v")
			p.Publish(m)
			s.Expect(c.Topic("a"), "x")
		},
	},
	{
		Name: "retained-from-mqtt-5", Title: "A retained message that a client of MQTT 5 published with properties arrives without them",
		V311: "3.3.1.3 MQTT-3.3.1-6", Needs: NeedRetain,
		Run: func(c *C) {
			p, s := c.ConnectAs(proto.V5), c.Connect()
			m := retained(c.Topic("a"), "x", c.storedQoS())
			m.Props = proto.Props(nil).AppendText(proto.ContentType, "a/b").AppendPair("k", "v")
			p.Publish(m)
			p.Barrier()
			s.Subscribe(c.Topic("a"), 0)
			s.Expect(c.Topic("a"), "x")
		},
	},
	{
		Name: "message-from-mqtt-311", Title: "A message of a client of MQTT 3.1.1 arrives without properties of a client",
		V5: "3.3.3",
		Run: func(c *C) {
			p, s := c.ConnectAs(proto.V311), c.Connect()
			s.Subscribe(c.Topic("a"), 0)
			p.Publish(message(c.Topic("a"), "x", 0))
			m := s.Expect(c.Topic("a"), "x")
			for _, id := range []proto.PropID{proto.PayloadFormatIndicator, proto.ResponseTopic, proto.CorrelationData, proto.ContentType} {
				if m.Props.Has(id) {
					c.Fail("a message without properties", "%s", s.describe(m))
				}
			}
		},
	},
}

// ConnectAs is like Connect, for a client of another version. The case is skipped if the server refuses it.
func (c *C) ConnectAs(v proto.Version) *Peer {
	was := c.Version
	c.Version = v
	defer func() { c.Version = was }()
	p := c.Open()
	hello := c.Hello()
	p.Send(hello)
	packet, err := p.read(c.r.opt.Limit)
	if err != nil || !isAccepted(packet) {
		c.Skip("the server accepts no client of MQTT %s", VersionName(v))
	}
	p.Connack, p.ClientID = packet.(*proto.Connack), hello.ClientID
	return p
}
