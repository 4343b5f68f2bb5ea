package check

import (
	"slices"

	"mqtt/internal/proto"
)

// propertyMutants are faults in the properties of MQTT 5, and in the limits that they set.
var propertyMutants = []mutant{
	// Of messages.
	{name: "has no message expiry", in: without(proto.MessageExpiryInterval)},
	{name: "does not count message expiry down", out: change(func(p *proto.Publish) {
		if n := p.Props.Num(proto.MessageExpiryInterval, 0); n > 50 {
			p.Props = p.Props.Without(proto.MessageExpiryInterval).AppendNum(proto.MessageExpiryInterval, 100)
		}
	})},
	{name: "loses user properties", in: without(proto.UserProperty)},
	{name: "reverses user properties", out: change(reverseUserProperties)},
	{name: "loses Content Type", in: without(proto.ContentType)},
	{name: "loses Response Topic", in: without(proto.ResponseTopic)},
	{name: "loses Correlation Data", in: without(proto.CorrelationData)},
	{name: "loses Payload Format Indicator", in: without(proto.PayloadFormatIndicator)},
	{name: "adds a property", out: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Publish); ok && m.v == proto.V5 && len(a.Props) == 0 {
			a.Props = a.Props.AppendText(proto.ContentType, "added")
		}
		return []proto.Packet{p}
	}},

	// Limits of the client, and topic aliases.
	{name: "ignores the client's Receive Maximum", in: without(proto.ReceiveMaximum)},
	{name: "holds messages at QoS 0 up", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters {
			p.Filters[i].QoS = max(p.Filters[i].QoS, 1)
		}
	}), out: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Publish); ok && a.QoS == 0 && m.count("zero") == 1 {
			return nil
		}
		return []proto.Packet{p}
	}},
	{name: "ignores the client's Maximum Packet Size", in: without(proto.MaximumPacketSize)},
	{name: "sends topic aliases to all", in: func(_ *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Connect); ok && a.Version == proto.V5 {
			a.Props = a.Props.Without(proto.TopicAliasMaximum).AppendNum(proto.TopicAliasMaximum, 50)
		}
		return []proto.Packet{p}
	}},
	{name: "loses topic aliases", in: func(_ *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Publish); ok && len(a.Topic) == 0 {
			return nil
		}
		return []proto.Packet{p}
	}},
	{name: "closes the connection instead of discarding what is too large", out: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Publish); ok && m.v == proto.V5 && len(a.Payload) > 200 && len(a.Payload) < 5000 {
			m.client.Close() //nolint:errcheck // the fault
		}
		return []proto.Packet{p}
	}, in: without(proto.MaximumPacketSize), v5: "MQTT-3.1.2-24"},
	{name: "sends a topic alias of 0", out: text5(func(p proto.Packet) {
		if a, ok := p.(*proto.Publish); ok {
			a.Props = a.Props.Without(proto.TopicAlias).AppendNum(proto.TopicAlias, 0)
		}
	}), raw: func(m *link, b []byte, in bool) []byte {
		if !in && m.v == proto.V5 && b[0]>>4 == 3 && b[0]&6 == 0 && len(b) < 100 {
			n := 4 + int(b[3])
			if b[n] == 0 {
				return slices.Concat([]byte{b[0], b[1] + 3}, b[2:n], []byte{3, 0x23, 0, 0}, b[n+1:])
			}
		}
		return b
	}, v5: "MQTT-3.3.2-8"},
	{name: "carries topic aliases to the next connection", v5: "MQTT-3.3.2-7", raw: func() func(*link, []byte, bool) []byte {
		return func(m *link, b []byte, in bool) []byte {
			if in && m.v == proto.V5 && b[0]>>4 == 3 && len(b) > 6 && b[2] == 0 && b[3] == 0 && m.count("first") == 1 {
				return []byte{0xC0, 0} // taken for a message
			}
			return b
		}
	}()},

	// What a client did not ask for.
	{name: "has response information for all", out: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Connack); ok && m.v == proto.V5 {
			a.Props = a.Props.AppendText(proto.ResponseInformation, "r")
		}
		return []proto.Packet{p}
	}},
	{name: "has an authentication method for all", out: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Connack); ok && m.v == proto.V5 {
			a.Props = a.Props.AppendText(proto.AuthenticationMethod, "m")
		}
		return []proto.Packet{p}
	}},
	{name: "has reason strings for all", out: func(m *link, p proto.Packet) []proto.Packet {
		if m.v == proto.V5 {
			switch a := p.(type) {
			case *proto.Suback:
				a.Props = a.Props.AppendText(proto.ReasonString, "because")
			case *proto.Ack:
				a.Props = a.Props.AppendText(proto.ReasonString, "because")
			}
		}
		return []proto.Packet{p}
	}},
	{name: "sends user properties with an acknowledgement unasked", out: text5(func(p proto.Packet) {
		if a, ok := p.(*proto.Suback); ok {
			a.Props = a.Props.AppendPair("a", "b")
		}
	}), v5: "MQTT-3.1.2-29"},
}

// reverseUserProperties reverses the order of the user properties of a message.
func reverseUserProperties(p *proto.Publish) {
	var pairs []proto.Prop
	for q := range p.Props.All() {
		if q.ID == proto.UserProperty {
			pairs = append(pairs, q)
		}
	}
	slices.Reverse(pairs)
	p.Props = p.Props.Without(proto.UserProperty)
	for _, q := range pairs {
		p.Props = p.Props.Append(q)
	}
}
