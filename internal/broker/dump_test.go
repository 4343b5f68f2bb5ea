package broker

import (
	"fmt"
	"strings"

	"mqtt/internal/proto"
)

// dump writes a packet in one line. A reason string is shown as why, and limits of the broker in a
// CONNACK are omitted.
func dump(x proto.Packet) string {
	var b strings.Builder
	b.WriteString(x.Type().String())
	var props proto.Props
	switch p := x.(type) {
	case *proto.Connack:
		fmt.Fprintf(&b, " %02X", byte(p.Reason))
		if p.SessionPresent {
			b.WriteString(" present")
		}
		props = p.Props
	case *proto.Publish:
		topic := string(p.Topic)
		if topic == "" {
			topic = "-"
		}
		payload := string(p.Payload)
		if len(payload) > 40 {
			payload = fmt.Sprintf("(%d bytes)", len(payload))
		}
		fmt.Fprintf(&b, " %s %q", topic, payload)
		if p.QoS > 0 {
			fmt.Fprintf(&b, " q%d id%d", p.QoS, p.PacketID)
		}
		if p.Dup {
			b.WriteString(" dup")
		}
		if p.Retain {
			b.WriteString(" retain")
		}
		props = p.Props
	case *proto.Ack:
		fmt.Fprintf(&b, " %d", p.PacketID)
		if p.Reason != 0 {
			fmt.Fprintf(&b, " %02X", byte(p.Reason))
		}
		props = p.Props
	case *proto.Suback:
		fmt.Fprintf(&b, " %d", p.PacketID)
		for _, r := range p.Reasons {
			fmt.Fprintf(&b, " %02X", byte(r))
		}
		props = p.Props
	case *proto.Disconnect:
		fmt.Fprintf(&b, " %02X", byte(p.Reason))
		props = p.Props
	case *proto.Auth:
		fmt.Fprintf(&b, " %02X", byte(p.Reason))
		props = p.Props
	}
	for q := range props.All() {
		switch q.ID {
		case proto.ReasonString:
			b.WriteString(" why")
			continue
		case proto.ReceiveMaximum, proto.MaximumPacketSize, proto.TopicAliasMaximum:
			if x.Type() == proto.CONNACK {
				continue
			}
		}
		switch q.ID.Property().Kind {
		case proto.Pair:
			fmt.Fprintf(&b, " %s:%s", q.Key, q.Value)
		case proto.Binary, proto.Text:
			fmt.Fprintf(&b, " %s=%s", q.ID, q.Value)
		default:
			fmt.Fprintf(&b, " %s=%d", q.ID, q.Num)
		}
	}
	return b.String()
}
