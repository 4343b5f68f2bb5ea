package check

import "mqtt/internal/proto"

// connectCases are about CONNECT and CONNACK.
var connectCases = [...]Case{
	{
		Name:  "first-packet-is-connect",
		Title: "A first packet that is not CONNECT ends the connection",
		V5:    "3.1 MQTT-3.1.0-1", V311: "3.1 MQTT-3.1.0-1", V31: "3.1",
		Run: func(c *C) {
			p := c.Open()
			p.Raw(p.Encode(&proto.Publish{Topic: []byte(c.Topic("a"))})...)
			p.Refused("the connection is closed")
		},
	},
	{
		Name:  "second-connect",
		Title: "A second CONNECT ends the connection",
		V5:    "3.1 MQTT-3.1.0-2", V311: "3.1 MQTT-3.1.0-2", V31: "3.1",
		Run: func(c *C) {
			p := c.Connect()
			p.Raw(p.Encode(c.Hello())...)
			p.Closed("the connection is closed", proto.ProtocolError)
		},
	},
}
