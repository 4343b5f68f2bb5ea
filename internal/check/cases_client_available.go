package check

import "mqtt/internal/proto"

// clientAvailableCases are about what a server says it lacks, and about the topic aliases that it takes.
var clientAvailableCases = [...]Case{
	{
		Name: "wildcard-unavailable", Title: "Without Wildcard Subscription Available a client subscribes to no wildcard",
		V5:  "3.2.2.3.11",
		Run: func(c *C) { c.Serve(limitTo(proto.WildcardSubscriptionAvailable, 0)).Drain() },
	},
	{
		Name: "subscription-identifier-unavailable", Title: "Without Subscription Identifier Available a client sends none",
		V5:  "3.2.2.3.12",
		Run: func(c *C) { c.Serve(limitTo(proto.SubscriptionIdentifierAvailable, 0)).Drain() },
	},
	{
		Name: "shared-unavailable", Title: "Without Shared Subscription Available a client makes no shared subscription",
		V5:  "3.2.2.3.13",
		Run: func(c *C) { c.Serve(limitTo(proto.SharedSubscriptionAvailable, 0)).Drain() },
	},
	{
		Name: "topic-alias-allowed", Title: "A client sends topic aliases from 1 to the server's maximum, with their topic first",
		V5:  "3.3.2.3.4 MQTT-3.2.2-17 MQTT-3.3.2-8 MQTT-3.3.2-9",
		Run: func(c *C) { c.Serve(limitTo(proto.TopicAliasMaximum, 2)).Drain() },
	},
	{
		Name: "topic-alias-next-connection", Title: "A client carries no topic alias from one connection to the next",
		V5: "3.3.2.3.4 MQTT-3.3.2-7",
		Run: func(c *C) {
			p := c.Serve(limitTo(proto.TopicAliasMaximum, 2))
			p.Answer(serveUntil(p, "PUBLISH with a Topic Alias", func(m *proto.Publish) bool { return m.Props.Has(proto.TopicAlias) }))
			p.CloseAbruptly()
			p = c.Accept()
			limits := []func(*proto.Connack){limitTo(proto.TopicAliasMaximum, 2)}
			if !p.Hello.CleanStart {
				limits = append(limits, present)
			}
			p.Welcome(limits...)
			known := map[uint32]bool{}
			p.serveUntilTime(c.r.opt.Limit, func(packet proto.Packet) bool {
				m, ok := packet.(*proto.Publish)
				if !ok {
					return true
				}
				alias := m.Props.Num(proto.TopicAlias, 0)
				if len(m.Topic) == 0 && !known[alias] {
					c.Fail("a topic alias with its topic first", "%s", p.describe(m))
				}
				known[alias] = true
				return true
			})
		},
	},
}
