package check

import "mqtt/internal/proto"

// malformedSubscribeCases are about the form of SUBSCRIBE and UNSUBSCRIBE, and of the filters in them.
var malformedSubscribeCases = [...]Case{
	{
		Name: "subscribe-no-filter", Title: "A SUBSCRIBE without a topic filter ends the connection",
		V5: "3.8.3 MQTT-3.8.3-2", V311: "3.8.3 MQTT-3.8.3-3",
		Run: func(c *C) { c.bad(packet(0x82, id(1), c.props())) },
	},
	{
		Name: "subscribe-no-options", Title: "A SUBSCRIBE that ends before the options of its filter ends the connection",
		V5: "4.13.1 MQTT-4.13.1-1", V311: "4.8 MQTT-4.8.0-1",
		Run: func(c *C) { c.bad(packet(0x82, id(1), c.props(), text(c.Topic("a")))) },
	},
	{
		Name: "subscribe-qos-3", Title: "A SUBSCRIBE with QoS 3 ends the connection",
		V5: "3.8.3.1", V311: "3.8.3 MQTT-3.8.3-4",
		Run: func(c *C) { c.bad(packet(0x82, id(1), c.props(), text(c.Topic("a")), bytesOf(3))) },
	},
	{
		Name: "subscribe-reserved-bits", Title: "A SUBSCRIBE with reserved bits set in its options ends the connection",
		V5: "3.8.3.1 MQTT-3.8.3-5", V311: "3.8.3 MQTT-3.8.3-4",
		Run: func(c *C) { c.bad(packet(0x82, id(1), c.props(), text(c.Topic("a")), bytesOf(0x40))) },
	},
	{
		Name: "subscribe-reserved-bit-7", Title: "A SUBSCRIBE with the highest reserved bit set ends the connection",
		V5: "3.8.3.1 MQTT-3.8.3-5", V311: "3.8.3 MQTT-3.8.3-4",
		Run: func(c *C) { c.bad(packet(0x82, id(1), c.props(), text(c.Topic("a")), bytesOf(0x80))) },
	},
	{
		Name: "subscribe-v5-options", Title: "A SUBSCRIBE with bits that only MQTT 5 has ends the connection",
		V311: "3.8.3 MQTT-3.8.3-4",
		Run:  func(c *C) { c.bad(packet(0x82, id(1), text(c.Topic("a")), bytesOf(0x04))) },
	},
	{
		Name: "subscribe-retain-handling-3", Title: "A SUBSCRIBE with Retain Handling 3 ends the connection",
		V5:  "3.8.3.1",
		Run: func(c *C) { c.bad(packet(0x82, id(1), c.props(), text(c.Topic("a")), bytesOf(0x30))) },
	},
	{
		Name: "subscribe-filter-not-utf8", Title: "A SUBSCRIBE whose filter is not UTF-8 ends the connection",
		V5: "3.8.3 MQTT-3.8.3-1", V311: "3.8.3 MQTT-3.8.3-1",
		Run: func(c *C) { c.bad(packet(0x82, id(1), c.props(), text(c.Topic("\xc3\x28")), bytesOf(0))) },
	},
	{
		Name: "subscribe-filter-null", Title: "A SUBSCRIBE whose filter has U+0000 ends the connection",
		V5: "4.7.3 MQTT-4.7.3-2 MQTT-1.5.4-2", V311: "4.7.3 MQTT-4.7.3-2 MQTT-1.5.3-2",
		Run: func(c *C) { c.bad(packet(0x82, id(7), c.props(), text(c.Topic("a\x00")), bytesOf(0))) },
	},
	{
		Name: "subscribe-filter-empty", Title: "A SUBSCRIBE with an empty filter ends the connection, or is refused in SUBACK",
		V5: "4.7.3 MQTT-4.7.3-1", V311: "4.7.3 MQTT-4.7.3-1",
		Run: func(c *C) { c.refusedFilter("") },
	},
	{
		Name: "subscribe-hash-not-last", Title: "A filter with # before its last level is not granted",
		V5: "4.7.1.2 MQTT-4.7.1-1", V311: "4.7.1.2 MQTT-4.7.1-2",
		Run: func(c *C) { c.refusedFilter(c.Topic("#/a")) },
	},
	{
		Name: "subscribe-hash-in-level", Title: "A filter with # beside other characters of a level is not granted",
		V5: "4.7.1.2 MQTT-4.7.1-1", V311: "4.7.1.2 MQTT-4.7.1-2",
		Run: func(c *C) { c.refusedFilter(c.Topic("a#")) },
	},
	{
		Name: "subscribe-plus-in-level", Title: "A filter with + beside other characters of a level is not granted",
		V5: "4.7.1.3 MQTT-4.7.1-2", V311: "4.7.1.3 MQTT-4.7.1-3",
		Run: func(c *C) { c.refusedFilter(c.Topic("a+/b")) },
	},
	{
		Name: "unsubscribe-no-filter", Title: "An UNSUBSCRIBE without a topic filter ends the connection",
		V5: "3.10.3 MQTT-3.10.3-2", V311: "3.10.3 MQTT-3.10.3-2",
		Run: func(c *C) { c.bad(packet(0xA2, id(1), c.props())) },
	},
	{
		Name: "unsubscribe-filter-not-utf8", Title: "An UNSUBSCRIBE whose filter is not UTF-8 ends the connection",
		V5: "3.10.3 MQTT-3.10.3-1", V311: "3.10.3 MQTT-3.10.3-1",
		Run: func(c *C) { c.bad(packet(0xA2, id(1), c.props(), text("\xff"))) },
	},
}

// refusedFilter subscribes to a filter that the standard forbids, and expects that it is not granted: the
// server ends the connection or answers with an error code.
func (c *C) refusedFilter(filter string) {
	p := c.Connect()
	p.Raw(packet(0x82, id(7), c.props(), text(filter), bytesOf(0))...)
	p.refusesFilter()
}

// refusesFilter expects that a SUBSCRIBE with one filter, which was sent last, is not granted.
func (p *Peer) refusesFilter() {
	const expected = "the filter is not granted"
	c := p.c
	answer, err := p.read(c.r.opt.Limit)
	switch a := answer.(type) {
	case nil:
		if err == errNothing {
			p.open(expected, "nothing within %v, and the connection is open", c.r.opt.Limit)
		}
	case *proto.Suback:
		if len(a.Reasons) != 1 || a.Reasons[0] < 0x80 {
			p.open(expected, "%s", p.describe(a))
		}
		if !c.V5() {
			c.Choice("the server answers with return code 0x80 and keeps the connection")
		}
	case *proto.Disconnect:
		if !c.V5() || a.Reason < 0x80 {
			c.Fail(expected, "%s", p.describe(a))
		}
	default:
		c.Fail(expected, "%s", p.describe(a))
	}
}
