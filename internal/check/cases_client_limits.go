package check

import (
	"time"

	"mqtt/internal/proto"
)

// clientLimitCases are about the limits and refusals of a server.
var clientLimitCases = [...]Case{
	{
		Name: "receive-maximum", Title: "No more messages are in flight than the server's Receive Maximum",
		V5: "3.3.4 MQTT-3.3.4-7 MQTT-4.9.0-1 MQTT-4.9.0-2",
		Run: func(c *C) {
			p := c.Serve(limitTo(proto.ReceiveMaximum, 1))
			p.Published(1)
			// The second message may come only after the first is acknowledged; the observer sees it.
			p.serveFor(time.Second)
		},
	},
	{
		Name: "receive-maximum-other-packets", Title: "The Receive Maximum holds up no packet but PUBLISH",
		V5: "3.3.4 MQTT-3.3.4-8",
		Run: func(c *C) {
			p := c.Serve(limitTo(proto.ReceiveMaximum, 1), limitTo(proto.ServerKeepAlive, 1))
			p.Published(1) // it stays unacknowledged
			c.pings(p, time.Second)
		},
	},
	{
		Name: "topic-aliases", Title: "All topic aliases up to the client's maximum are taken",
		V5: "3.3.2.3.4 MQTT-3.3.2-10",
		Run: func(c *C) {
			p, topic := c.subscriber(1)
			most := p.Hello.Props.Num(proto.TopicAliasMaximum, 0)
			if most == 0 {
				c.Skip("the client takes no topic aliases")
			}
			for i, t := range []string{topic, ""} {
				p.Send(&proto.Publish{Topic: []byte(t), QoS: 1, PacketID: uint16(5 + i), Payload: []byte("21.5"), Props: proto.Props(nil).AppendNum(proto.TopicAlias, most)})
				p.acked(proto.PUBACK, uint16(5+i))
			}
		},
	},
	{
		Name: "maximum-qos-0", Title: "With Maximum QoS 0 a client sends no message above QoS 0",
		V5:  "3.2.2.3.4 MQTT-3.2.2-11",
		Run: func(c *C) { c.Serve(limitTo(proto.MaximumQoS, 0)).Drain() },
	},
	{
		Name: "retain-unavailable", Title: "Without Retain Available a client sends no retained message",
		V5:  "3.2.2.3.5 MQTT-3.2.2-14",
		Run: func(c *C) { c.Serve(limitTo(proto.RetainAvailable, 0)).Drain() },
	},
	{
		Name: "maximum-packet-size", Title: "A client sends no packet above the server's Maximum Packet Size",
		V5:  "3.2.2.3.6 MQTT-3.2.2-15",
		Run: func(c *C) { c.Serve(limitTo(proto.MaximumPacketSize, 24)).Drain() },
	},
	{
		Name: "topic-alias-maximum", Title: "A client sends no Topic Alias above the server's maximum",
		V5:  "3.2.2.3.8 MQTT-3.2.2-17 MQTT-3.2.2-18",
		Run: func(c *C) { c.Serve().Drain() },
	},
	{
		Name: "refused-not-authorized", Title: "After a refusal the client closes the connection and sends nothing",
		V5: "3.2.2.2", V311: "3.2.2.3", V31: "3.2",
		Run: func(c *C) { c.refuses(proto.NotAuthorized) },
	},
	{
		Name: "refused-bad-password", Title: "After a refusal of user name or password the client closes the connection",
		V5: "3.2.2.2", V311: "3.2.2.3", V31: "3.2",
		Run: func(c *C) { c.refuses(proto.BadUserNameOrPassword) },
	},
	{
		Name: "refused-unavailable", Title: "After a refusal because the server is unavailable the client closes the connection",
		V5: "3.2.2.2", V311: "3.2.2.3", V31: "3.2",
		Run: func(c *C) { c.refuses(proto.ServerUnavailable) },
	},
	{
		Name: "refused-banned", Title: "After a refusal with a code that only MQTT 5 has the client closes the connection",
		V5:  "3.2.2.2",
		Run: func(c *C) { c.refuses(proto.Banned) },
	},
	{
		Name: "session-present-for-clean-start", Title: "A client that started with a clean session ends the connection if the server says that one is present",
		V5: "3.2.2.1.1 MQTT-3.2.2-4",
		Run: func(c *C) {
			p := c.Accept()
			if !p.Hello.CleanStart {
				c.Skip("the client resumes a session")
			}
			p.watch = nil
			p.Send(&proto.Connack{SessionPresent: true})
			p.Connack = &proto.Connack{}
			p.Abandons("the client closes the connection", func(packet proto.Packet) bool {
				a, ok := packet.(*proto.Ack)
				return ok && a.Kind == proto.PUBREL
			})
		},
	},
	{
		Name: "connack-properties", Title: "A CONNACK with all its properties is understood",
		V5: "3.2.2.3",
		Run: func(c *C) {
			p := c.Serve(limitTo(proto.SessionExpiryInterval, 100), limitTo(proto.ReceiveMaximum, 10), limitTo(proto.MaximumPacketSize, 1<<20),
				limitTo(proto.TopicAliasMaximum, 0), limitTo(proto.WildcardSubscriptionAvailable, 1), limitTo(proto.SubscriptionIdentifierAvailable, 1),
				limitTo(proto.SharedSubscriptionAvailable, 1), limitTo(proto.RetainAvailable, 1), func(p *proto.Connack) {
					p.Props = p.Props.AppendText(proto.ReasonString, "welcome").AppendPair("k", "v").AppendPair("k", "v")
				})
			packet, err := p.read(c.r.opt.Limit)
			if d, ok := packet.(*proto.Disconnect); err != nil || ok && d.Reason >= 0x80 {
				c.Fail("the client goes on", "it ended the connection")
			}
		},
	},
	{
		Name: "message-properties", Title: "A message with all its properties is taken",
		V5: "3.3.2.3",
		Run: func(c *C) {
			p, topic := c.subscriber(1)
			ps := proto.Props(nil).AppendNum(proto.PayloadFormatIndicator, 1).AppendNum(proto.MessageExpiryInterval, 100).AppendText(proto.ContentType, "text/plain").
				AppendText(proto.ResponseTopic, "r").AppendText(proto.CorrelationData, "cd").AppendPair("k", "v").AppendPair("k", "v")
			p.Send(&proto.Publish{Topic: []byte(topic), QoS: 1, PacketID: 5, Payload: []byte("21.5"), Props: ps})
			p.acked(proto.PUBACK, 5)
		},
	},
}
