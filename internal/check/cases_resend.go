package check

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"mqtt/internal/proto"
)

// resendCases are about what a server sends to a client that comes back to its session.
var resendCases = [...]Case{
	{
		Name: "resend-on-reconnect-qos-1", Title: "A message at QoS 1 without PUBACK is sent again after a reconnect, with DUP and its identifier",
		V5: "4.4 MQTT-4.4.0-1 MQTT-3.3.1-1 MQTT-4.3.2-3", V311: "4.4 MQTT-4.4.0-1 MQTT-3.3.1-1 MQTT-2.3.1-3", V31: "4.2", Should31: true,
		Needs: NeedQoS1 | NeedSessions,
		Run: func(c *C) {
			p, id := c.Connect(), c.ID("s")
			s := c.Connect(Lasting(id))
			s.Subscribe(c.Topic("a"), 1)
			p.Publish(message(c.Topic("a"), "x", 1))
			first := s.Receive("the message")
			s.CloseAbruptly()
			s = c.Resume(id)
			again, late := s.resent(first)
			s.Acknowledge(again)
			p.Publish(message(c.Topic("a"), "marker", 1))
			s.None("the message once more only", "marker")
			c.late(late)
		},
	},
	{
		Name: "resend-on-reconnect-qos-2", Title: "A message at QoS 2 without PUBREC is sent again after a reconnect, with DUP and its identifier",
		V5: "4.4 MQTT-4.4.0-1 MQTT-3.3.1-1 MQTT-4.3.3-3", V311: "4.4 MQTT-4.4.0-1 MQTT-3.3.1-1 MQTT-2.3.1-3", V31: "4.2", Should31: true,
		Needs: NeedQoS2 | NeedSessions,
		Run: func(c *C) {
			p, id := c.Connect(), c.ID("s")
			s := c.Connect(Lasting(id))
			s.Subscribe(c.Topic("a"), 2)
			p.Publish(message(c.Topic("a"), "x", 2))
			first := s.Receive("the message")
			s.CloseAbruptly()
			s = c.Resume(id)
			again, late := s.resent(first)
			s.Acknowledge(again)
			c.late(late)
		},
	},
	{
		Name: "pubrel-on-reconnect", Title: "A PUBREL without PUBCOMP is sent again after a reconnect, and the PUBLISH is not",
		V5: "4.4 MQTT-4.4.0-1 MQTT-4.3.3-5 MQTT-4.3.3-6", V311: "4.4 MQTT-4.4.0-1 MQTT-4.3.3-1", V31: "4.2", Should31: true,
		Needs: NeedQoS2 | NeedSessions,
		Run: func(c *C) {
			p, id := c.Connect(), c.ID("s")
			s := c.Connect(Lasting(id))
			s.Subscribe(c.Topic("a"), 2)
			p.Publish(message(c.Topic("a"), "x", 2))
			m := s.Receive("the message")
			s.Send(&proto.Ack{Kind: proto.PUBREC, PacketID: m.PacketID})
			s.Ack(proto.PUBREL, m.PacketID)
			s.CloseAbruptly()
			s = c.Resume(id)
			expected := fmt.Sprintf("PUBREL with identifier %d", m.PacketID)
			packet, late := s.again(expected)
			if a, ok := packet.(*proto.Ack); !ok || a.Kind != proto.PUBREL || a.PacketID != m.PacketID {
				c.Fail(expected, "%s", s.describe(packet))
			}
			s.Send(&proto.Ack{Kind: proto.PUBCOMP, PacketID: m.PacketID})
			p.Publish(message(c.Topic("a"), "marker", 2))
			s.None("the message is not sent again", "marker")
			c.late(late)
		},
	},
	{
		Name: "resend-order", Title: "Messages are sent again in the order of their first delivery",
		V5: "4.6 MQTT-4.6.0-5 MQTT-4.6.0-6", V311: "4.6 MQTT-4.6.0-5 MQTT-4.6.0-6", Needs: NeedQoS1 | NeedSessions,
		Run: func(c *C) {
			p, id := c.Connect(), c.ID("s")
			s := c.Connect(Lasting(id))
			s.Subscribe(c.Topic("a"), 1)
			const n = 10
			for i := range n {
				p.Publish(message(c.Topic("a"), fmt.Sprint(i), 1))
			}
			s.Receive("the first message")
			s.CloseAbruptly()
			s = c.Resume(id)
			var late time.Duration
			first, again, before := -1, -1, false // the last message that is sent for the first time, and again
			for range n {
				packet, took := s.again(fmt.Sprintf("each of %d messages", n))
				m, ok := packet.(*proto.Publish)
				i := -1
				if ok {
					i, _ = strconv.Atoi(string(m.Payload))
				}
				switch {
				case !ok || i <= again || !m.Dup && i <= first:
					c.Fail("the messages in their order", "after message %d: %s", max(first, again), s.describe(packet))
				case m.Dup:
					before = before || i < first
					again = i
				default:
					first = i
				}
				s.Acknowledge(m)
				late = max(late, took)
			}
			c.late(late)
			if before {
				c.Choice("messages that the server has not sent before come first; the standard orders only what is sent for the first time, and what is sent again")
			}
		},
	},
	{
		Name: "queued-order", Title: "Messages that waited for a client that was away come in the order in which they were published",
		V5: "4.6 MQTT-4.6.0-5 MQTT-4.6.0-6", V311: "4.6 MQTT-4.6.0-5 MQTT-4.6.0-6", Needs: NeedQoS1 | NeedSessions,
		Run: func(c *C) {
			id := c.ID("s")
			s := c.Connect(Lasting(id))
			s.Subscribe(c.Topic("a"), c.Server.highestQoS())
			s.Disconnect()
			p := c.Connect()
			most := max(1, int(c.Server.highestQoS()))
			for i := range 10 {
				p.Publish(message(c.Topic("a"), fmt.Sprint(i), byte(1+i%most)))
			}
			s = c.Resume(id)
			next := []int{1: 0, 2: 1} // the messages of each QoS have an order, but not both together
			for range 10 {
				m := s.Message("a message that waited")
				if got := fmt.Sprint(next[m.QoS]); m.QoS > 0 && string(m.Payload) != got {
					c.Fail("message "+got, "%s", s.describe(m))
				}
				next[m.QoS] += most
			}
		},
	},
	{
		Name: "no-resend-on-open-connection", Title: "A message without PUBACK is not sent again while the connection lasts",
		V5: "4.4 MQTT-4.4.0-1", Needs: NeedQoS1,
		Run: func(c *C) {
			p, s := c.Connect(), c.Connect()
			s.Subscribe(c.Topic("a"), 1)
			p.Publish(message(c.Topic("a"), "x", 1))
			m := s.Receive("the message")
			// What is sent again within three seconds is seen; the standard forbids it at any time.
			end := time.Now().Add(3 * time.Second)
			for time.Now().Before(end) {
				packet, err := s.read(time.Until(end))
				if err != nil {
					break
				}
				if err != nil {
					c.Unsure("the server closed the connection")
				}
				if a, ok := packet.(*proto.Publish); ok && a.PacketID == m.PacketID {
					c.Fail("the message once on this connection", "%s", s.describe(a))
				}
			}
			s.Acknowledge(m)
		},
	},
}

// again returns the next packet, which the server is to send again after a reconnect. The standard names no time
// for it, and a server may go by a timer: so again waits longer than for an answer. It also returns how
// long that took, 0 if it was no longer than an answer may take. The script is not repeated if nothing comes.
func (p *Peer) again(expected string) (packet proto.Packet, late time.Duration) {
	began := time.Now()
	packet, err := p.read(p.c.r.resend)
	switch err {
	case nil:
	case io.EOF:
		p.c.Fail(expected, "%s closed the connection", p.c.who())
	default:
		p.c.final = true
		p.missing(expected, p.c.r.resend)
	}
	if took := time.Since(began); took > p.c.r.opt.Limit {
		late = took
	}
	return packet, late
}

// resent returns the message first, sent again after a reconnect as the standard demands, and what again returns.
func (p *Peer) resent(first *proto.Publish) (*proto.Publish, time.Duration) {
	packet, late := p.again("the message again")
	m, ok := packet.(*proto.Publish)
	switch expected := fmt.Sprintf("the message with DUP and identifier %d", first.PacketID); {
	case !ok || string(m.Payload) != string(first.Payload):
		p.c.Fail("the message again", "%s", p.describe(packet))
	case m.PacketID != first.PacketID:
		p.c.Fail(expected, "%s", p.describe(m))
	case !m.Dup && p.c.Version != proto.V31:
		p.c.FailRule("MQTT-3.3.1-1", expected, "%s", p.describe(m))
	case !m.Dup:
		p.c.Fail(expected, "%s", p.describe(m))
	}
	return m, late
}

// late ends the script with a choice if what was sent again came later than an answer may.
func (c *C) late(took time.Duration) {
	if took > 0 {
		c.Choice("the server sends it again %v after the reconnect; the standard names no time", took.Round(time.Second))
	}
}
