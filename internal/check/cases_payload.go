package check

import (
	"fmt"

	"mqtt/internal/proto"
)

// payloadCases are about payloads of all sizes and bytes, and packets that arrive together or in parts.
var payloadCases = [...]Case{
	{
		Name: "large-payload", Title: "A message of 100 KiB is delivered unchanged",
		V5: "3.3.3", V311: "3.3.3", V31: "3.3",
		Run: func(c *C) {
			const n = 100 << 10
			if m := c.Server.MaximumPacketSize; m > 0 && m < n+1000 {
				c.Skip("the server's Maximum Packet Size is %d", m)
			}
			s := c.Connect()
			s.Subscribe(c.Topic("a"), 0)
			payload := make([]byte, n)
			for i := range payload {
				payload[i] = byte(i * 7)
			}
			s.Send(&proto.Publish{Topic: []byte(c.Topic("a")), Payload: payload})
			packet, err := s.read(c.r.opt.Limit)
			if err == errNothing { // over a slow connection it comes before the answer to a PINGREQ
				s.Send(&proto.Ping{Kind: proto.PINGREQ})
				packet, err = s.read(c.r.resend)
			}
			if err == errNothing {
				c.Unsure("nothing came, not even an answer to PINGREQ: the connection may be too slow for this case")
			}
			if m, ok := packet.(*proto.Publish); !ok {
				c.Fail("the message", "%s", s.describeEnd(packet))
			} else if string(m.Payload) != string(payload) {
				c.Fail("the payload unchanged", "%d bytes, which differ", len(m.Payload))
			}
		},
	},
	{
		Name: "empty-payload", Title: "A message with an empty payload is delivered",
		V5: "3.3.3", V311: "3.3.3", V31: "3.3",
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("a"), 0)
			s.Publish(message(c.Topic("a"), "", 0))
			s.Expect(c.Topic("a"), "")
		},
	},
	{
		Name: "all-byte-values", Title: "A payload of all byte values is delivered unchanged",
		V5: "3.3.3", V311: "3.3.3", V31: "3.3",
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("a"), 0)
			for _, payload := range []string{allBytes(), " \t{\"a\": 1}\r\n ", "\xff\xfe\x00"} {
				s.Publish(message(c.Topic("a"), payload, 0))
				s.Expect(c.Topic("a"), payload)
			}
		},
	},
	{
		Name: "packets-in-one-write", Title: "Many packets in one write are all handled",
		V5: "4.2", V311: "4.2", V31: "3",
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("a"), 0)
			var all []proto.Packet
			const n = 200
			for i := range n {
				m := message(c.Topic("a"), fmt.Sprint(i), 0)
				all = append(all, &m)
			}
			s.Send(all...)
			for i := range n {
				s.Expect(c.Topic("a"), fmt.Sprint(i))
			}
		},
	},
	{
		Name: "packet-byte-by-byte", Title: "A PUBLISH that arrives byte by byte is handled",
		V5: "4.2 MQTT-4.2-1", V311: "4.2", V31: "3",
		Run: func(c *C) {
			s := c.Connect()
			s.Subscribe(c.Topic("a"), 0)
			m := message(c.Topic("a"), "slow", 0)
			s.Dribble(s.Encode(&m))
			s.Expect(c.Topic("a"), "slow")
		},
	},
}

// allBytes returns the 256 bytes.
func allBytes() string {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return string(b)
}
