package check

import (
	"fmt"
	"time"

	"mqtt/internal/proto"
)

// clientResendCases are about what a client sends and takes again after a reconnect.
var clientResendCases = [...]Case{
	{
		Name: "resend-order", Title: "Messages are sent again in the order in which they were sent first",
		V5: "4.6 MQTT-4.6.0-1", V311: "4.6 MQTT-4.6.0-1",
		Run: func(c *C) {
			p := c.Serve()
			var first []uint16
			p.serveUntilTime(time.Second, func(packet proto.Packet) bool {
				m, ok := packet.(*proto.Publish)
				if ok && m.QoS > 0 {
					first = append(first, m.PacketID)
				}
				return !ok // what is published stays unanswered
			})
			if len(first) < 2 {
				c.Skip("the client has %d messages in flight", len(first))
			}
			p.CloseAbruptly()
			p = c.Accept()
			if p.Hello.CleanStart {
				c.Skip("the client reconnects with a clean session")
			}
			p.Welcome(present)
			var again []uint16
			for end := time.Now().Add(c.r.opt.Limit); len(again) < len(first); {
				packet, err := p.read(time.Until(end))
				if err != nil {
					break
				}
				if m, ok := packet.(*proto.Publish); ok && m.Dup {
					again = append(again, m.PacketID)
				}
				p.Answer(packet)
			}
			if len(again) < len(first) {
				c.FailRule("MQTT-4.4.0-1", fmt.Sprintf("%d messages again", len(first)), "%d", len(again))
			}
			if fmt.Sprint(again) != fmt.Sprint(first) {
				c.Fail(fmt.Sprintf("the messages with identifiers %d again, in this order", first), "%d", again)
			}
		},
	},
	{
		Name: "qos-1-repeat", Title: "A message at QoS 1 that is sent again after a reconnect is acknowledged",
		V5: "4.3.2 MQTT-4.3.2-4", V311: "4.3.2 MQTT-4.3.2-2",
		Run: func(c *C) {
			p, topic := c.subscriber(1)
			if p.Hello.CleanStart {
				c.Skip("a message is repeated on another connection only, and the client starts with a clean session")
			}
			m := &proto.Publish{Topic: []byte(topic), QoS: 1, PacketID: 7, Payload: []byte("21.5")}
			p.Send(m)
			p.acked(proto.PUBACK, 7)
			p.CloseAbruptly() // as if the PUBACK had been lost
			p = c.Serve(present)
			m.Dup = true
			p.watch = nil // which has seen the PUBACK
			p.Send(m)
			p.acked(proto.PUBACK, 7)
		},
	},
}
