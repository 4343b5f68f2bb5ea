package check

import "mqtt/internal/proto"

// subscribeCases are about SUBSCRIBE and SUBACK.
var subscribeCases = [...]Case{
	{
		Name:  "suback-repeats-identifier",
		Title: "SUBACK has the packet identifier of its SUBSCRIBE",
		V5:    "3.8.4 MQTT-3.8.4-2", V311: "3.8.4 MQTT-3.8.4-2", V31: "3.8",
		Run: func(c *C) {
			p := c.Connect()
			for _, id := range []uint16{1, 255, 256, 65535} {
				p.Send(&proto.Subscribe{PacketID: id, Filters: []proto.Subscription{{Filter: c.Topic("a")}}})
				p.Suback(id)
			}
		},
	},
	{
		Name:  "no-message-without-subscription",
		Title: "A client gets only messages whose topic matches a subscription",
		V5:    "3.8.4", V311: "3.8.4",
		Run: func(c *C) {
			p, s := c.Connect(), c.Connect()
			s.Subscribe(c.Topic("a"), 0)
			p.Publish(Text(c.Topic("b"), "other", 0))
			p.Publish(Text(c.Topic("a"), "marker", 0))
			s.None("no message on a topic without a subscription", "marker")
		},
	},
}
