package check

import "mqtt/internal/proto"

// topicCases are about topic names and topic filters.
var topicCases = [...]Case{
	{
		Name: "wildcard-hash", Title: "# matches its parent and all levels below it",
		V5: "4.7.1.2 MQTT-4.7.1-1", V311: "4.7.1.2 MQTT-4.7.1-2", V31: "A", Needs: NeedWildcard,
		Run: func(c *C) {
			c.matches("a/#", []string{"a", "a/b", "a/b/c", "a/", "a//x"}, []string{"b", "ab", "", "/a"})
		},
	},
	{
		Name: "wildcard-plus", Title: "+ matches exactly one level",
		V5: "4.7.1.3 MQTT-4.7.1-2", V311: "4.7.1.3 MQTT-4.7.1-3", V31: "A", Needs: NeedWildcard,
		Run: func(c *C) { c.matches("a/+", []string{"a/b", "a/"}, []string{"a", "a/b/c", "ab", "b/b"}) },
	},
	{
		Name: "wildcard-plus-in-middle", Title: "+ matches one level in the middle of a filter",
		V5: "4.7.1.3 MQTT-4.7.1-2", V311: "4.7.1.3 MQTT-4.7.1-3", V31: "A", Needs: NeedWildcard,
		Run: func(c *C) {
			c.matches("a/+/c", []string{"a/b/c", "a//c"}, []string{"a/c", "a/b/d/c", "a/b", "a/b/c/d"})
		},
	},
	{
		Name: "wildcard-plus-and-hash", Title: "+ and # in one filter match as each alone does",
		V5: "4.7.1.3 MQTT-4.7.1-2", V311: "4.7.1.3 MQTT-4.7.1-3", V31: "A", Needs: NeedWildcard,
		Run: func(c *C) { c.matches("+/b/#", []string{"a/b", "x/b/c/d", "/b"}, []string{"a/c/b", "b", "a/bb"}) },
	},
	{
		Name: "empty-levels", Title: "Empty levels are levels",
		V5: "4.7.3 MQTT-4.7.3-4", V311: "4.7.3 MQTT-4.7.3-4",
		Run: func(c *C) { c.matches("a//b", []string{"a//b"}, []string{"a/b", "a///b", "a//b/"}) },
	},
	{
		Name: "case-sensitive", Title: "Topics are compared with their case",
		V5: "4.7.3 MQTT-4.7.3-4", V311: "4.7.3 MQTT-4.7.3-4",
		Run: func(c *C) { c.matches("Aa", []string{"Aa"}, []string{"aa", "AA", "aA"}) },
	},
	{
		Name: "spaces", Title: "Spaces in topics are characters like others",
		V5: "4.7.3", V311: "4.7.3",
		Run: func(c *C) { c.matches("a b", []string{"a b"}, []string{"ab", "a  b", " a b", "a b "}) },
	},
	{
		Name: "no-normalization", Title: "Topics are compared without Unicode normalization",
		V5: "4.7.3 MQTT-4.7.3-4", V311: "4.7.3 MQTT-4.7.3-4",
		Run: func(c *C) { c.matches("\u00e9", []string{"\u00e9"}, []string{"e\u0301", "e", "\u00c9"}) },
	},
	{
		Name: "byte-order-mark", Title: "U+FEFF in a topic is kept",
		V5: "1.5.4 MQTT-1.5.4-3", V311: "1.5.3 MQTT-1.5.3-3",
		Run: func(c *C) { c.matches("\ufeffa", []string{"\ufeffa"}, []string{"a"}) },
	},
	{
		Name: "byte-order-mark-first", Title: "U+FEFF at the beginning of a topic is kept",
		V5: "1.5.4 MQTT-1.5.4-3", V311: "1.5.3 MQTT-1.5.3-3",
		Run: func(c *C) {
			s, topic := c.Connect(), "\ufeff"+c.Topic("a")
			s.mayUse(topic)
			s.Subscribe(c.Topic("a"), 0)
			s.Publish(message(topic, "x", 0))
			s.Expect(topic, "x")
			s.Publish(message(c.Topic("a"), "without", 0))
			s.Expect(c.Topic("a"), "without")
		},
	},
	{
		Name: "unicode", Title: "Topics of all planes of Unicode are taken",
		V5: "4.7.3", V311: "4.7.3",
		Run: func(c *C) { c.matches("日本/😀/ü", []string{"日本/😀/ü"}, []string{"日本/😀/u"}) },
	},
	{
		Name: "dollar-hash", Title: "A subscription to # gets no topic that begins with $",
		V5: "4.7.2 MQTT-4.7.2-1", V311: "4.7.2 MQTT-4.7.2-1", Needs: NeedWildcard, Alone: true,
		Run: func(c *C) { c.dollar("#") },
	},
	{
		Name: "dollar-plus", Title: "A subscription to a filter that begins with + gets no topic that begins with $",
		V5: "4.7.2 MQTT-4.7.2-1", V311: "4.7.2 MQTT-4.7.2-1", Needs: NeedWildcard,
		Run: func(c *C) { c.dollar("+/" + c.Topic("#")) },
	},
	{
		Name: "dollar-within", Title: "Wildcards match levels that begin with $ after the first",
		V5: "4.7.2", V311: "4.7.2", V31: "A", Needs: NeedWildcard,
		Run: func(c *C) {
			c.matches("a/+", []string{"a/$b", "a/$SYS"}, []string{"$a/b"})
			c.matches("b/#", []string{"b/$b", "b/$b/$c", "b/c/$SYS"}, []string{"$b/b"})
		},
	},
	{
		Name: "wildcard-hash-after-plus", Title: "# after + matches the level of the +",
		V5: "4.7.1.2 MQTT-4.7.1-1", V311: "4.7.1.2 MQTT-4.7.1-2", V31: "A", Needs: NeedWildcard,
		Run: func(c *C) { c.matches("a/+/#", []string{"a/b", "a/b/c"}, []string{"a", "b/b"}) },
	},
	{
		Name: "special-characters", Title: "Characters with a meaning in patterns of other kinds have none in filters",
		V5: "4.7.3 MQTT-4.7.3-4", V311: "4.7.3 MQTT-4.7.3-4",
		Run: func(c *C) {
			c.matches("a.b*[c]?^d", []string{"a.b*[c]?^d"}, []string{"axb*[c]?^d", "a.bb[c]?^d", "a.b*c?^d", "a.b*[c]x^d", "a.b"})
		},
	},
	{
		Name: "dollar-explicit", Title: "A client may publish to a topic that begins with $ and is not $SYS",
		V5: "4.7.2", V311: "4.7.2",
		Run: func(c *C) {
			s := c.Connect()
			topic := "$" + c.Topic("a")
			s.Send(&proto.Subscribe{PacketID: 1, Filters: []proto.Subscription{{Filter: topic}}})
			if ack := s.Suback(1); len(ack.Reasons) == 1 && ack.Reasons[0] >= 0x80 {
				c.Choice("the server refuses a subscription to a topic that begins with $")
			}
			s.Subscribe(c.Topic("m"), 0)
			s.Send(&proto.Publish{Topic: []byte(topic), Payload: []byte("x")}, &proto.Publish{Topic: []byte(c.Topic("m")), Payload: []byte("marker")})
			for {
				packet, err := s.read(c.r.opt.Limit)
				m, ok := packet.(*proto.Publish)
				switch {
				case err != nil || !ok:
					c.Choice("the server ends a connection that publishes to a topic that begins with $")
				case string(m.Payload) == "marker":
					c.Choice("the server does not deliver messages on topics that begin with $")
				case string(m.Payload) == "x":
					return
				}
			}
		},
	},
	{
		Name: "leading-slash", Title: "A topic that begins with / is another than the one without",
		V5: "4.7.3", V311: "4.7.3",
		Run: func(c *C) {
			s := c.Connect()
			s.mayUse("/" + c.Topic("a"))
			s.Publish(message(c.Topic("a"), "without", 0))
			s.Publish(message("/"+c.Topic("a"), "marker", 0))
			s.None("no message on the topic without the first /", "marker")
		},
	},
	{
		Name: "every-client-gets-it", Title: "Every client with a matching subscription gets the message",
		V5: "4.5 MQTT-4.5.0-1", V311: "4.5 MQTT-4.5.0-1", V31: "3.3",
		Run: func(c *C) {
			var all []*Peer
			for range 8 {
				s := c.Connect()
				s.Subscribe(c.Topic("a"), 0)
				all = append(all, s)
			}
			p := c.Connect()
			p.Publish(message(c.Topic("a"), "x", 0))
			for _, s := range all {
				s.Expect(c.Topic("a"), "x")
			}
		},
	},
}

// matches subscribes to filter and expects the messages on the topics of yes, and none on those of no.
func (c *C) matches(filter string, yes, no []string) {
	p, s := c.Connect(), c.Connect()
	s.Subscribe(c.Topic(filter), 0)
	s.Subscribe(c.Topic("marker"), 0)
	for _, t := range no {
		p.Publish(message(c.Topic(t), "no", 0))
	}
	for _, t := range yes {
		p.Publish(message(c.Topic(t), t, 0))
		s.Expect(c.Topic(t), t)
	}
	p.Publish(message(c.Topic("marker"), "marker", 0))
	s.None("messages on matching topics only", "marker")
}

// dollar subscribes to filter, which matches x/TOPIC, and expects no message on $x/TOPIC.
func (c *C) dollar(filter string) {
	p, s := c.Connect(), c.Connect()
	c.Connect().mayUse("x/" + c.Topic("a"))
	s.watch = nil // the messages of other clients are not judged
	s.Send(&proto.Subscribe{PacketID: 1, Filters: []proto.Subscription{{Filter: filter}}})
	if ack := s.Suback(1); len(ack.Reasons) != 1 || ack.Reasons[0] >= 0x80 {
		c.Skip("the server refuses the subscription to %q: %s", filter, s.describe(ack))
	}
	s.Subscribe("x/"+c.Topic("marker"), 0)
	p.Send(&proto.Publish{Topic: []byte("$x/" + c.Topic("a")), Payload: []byte("hidden")}, &proto.Ping{Kind: proto.PINGREQ})
	if packet, err := p.read(c.r.opt.Limit); err != nil || packet.Type() != proto.PINGRESP {
		p = c.Connect() // the server does not take such messages from clients
	}
	p.Publish(message("x/"+c.Topic("marker"), "marker", 0))
	for {
		m := s.Message("the marker")
		if len(m.Topic) > 0 && m.Topic[0] == '$' {
			c.Fail("no message on a topic that begins with $", "%s", s.describe(m))
		}
		if string(m.Payload) == "marker" && string(m.Topic) == "x/"+c.Topic("marker") {
			return
		}
	}
}
