package check

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"mqtt/internal/format"
	"mqtt/internal/proto"
	"mqtt/internal/rules"
)

// maxAside bounds the messages that a peer puts aside.
const maxAside = 10_000

// describe returns a packet as text for Got.
func (p *Peer) describe(packet proto.Packet) string {
	if packet == p.odd && packet != nil {
		return p.oddText
	}
	b, err := packet.Append(nil, p.v)
	if err != nil {
		return packet.Type().String()
	}
	f, _, err := proto.Split(b, 0)
	if err != nil {
		return packet.Type().String()
	}
	s := string(format.AppendPacket(nil, f, p.v))
	if len(s) > maxTextBytes {
		s = s[:maxTextBytes] + "…"
	}
	return s
}

// describeEnd is like describe, for a packet or the end of the connection.
func (p *Peer) describeEnd(packet proto.Packet) string {
	if packet == nil {
		return p.c.who() + " closed the connection"
	}
	return p.describe(packet)
}

// Next returns the next packet of any type. It does not wait longer than the limit of the run: then the
// script fails with what was expected.
func (p *Peer) Next(expected string) proto.Packet { return p.nextWithin(p.c.r.opt.Limit, expected) }

// nextWithin is like Next, with another limit.
func (p *Peer) nextWithin(limit time.Duration, expected string) proto.Packet {
	packet, err := p.read(limit)
	switch err {
	case nil:
		return packet
	case io.EOF:
		p.c.Fail(expected, "%s closed the connection", p.c.who())
	}
	p.missing(expected, limit)
	return nil
}

// missing fails because nothing came within the time that was waited. On a connection that is established it
// first asks whether the server still serves it, and says so: what was expected may come before the answer, and is
// then late, which the standard allows.
func (p *Peer) missing(expected string, waited time.Duration) {
	if p.Connack == nil || p.Hello != nil {
		p.c.Fail(expected, "nothing within %v", waited)
	}
	limit := p.c.r.opt.Limit
	p.Send(&proto.Ping{Kind: proto.PINGREQ})
	packet, err := p.read(limit)
	ping, ok := packet.(*proto.Ping)
	switch {
	case err == io.EOF:
		p.c.Fail(expected, "nothing within %v, then %s closed the connection", waited, p.c.who())
	case err != nil:
		p.c.Fail(expected, "nothing within %v, and no answer to PINGREQ within %v", waited, limit)
	case ok && ping.Kind == proto.PINGRESP:
		p.c.Fail(expected, "nothing within %v, although a PINGREQ after that was answered", waited)
	}
	p.c.Unsure("nothing came within %v, then %s: the server is too slow to judge it", waited, p.describe(packet))
}

// unanswered says that a server owes an answer of type t: the rules are those by which it answers, and those of the
// case only if they are of the same chapter.
func (p *Peer) unanswered(t proto.Type) {
	c := p.c
	if p.sends != rules.In || c.shows != nil {
		return
	}
	var owed []string
	switch t {
	case proto.PUBACK:
		owed = []string{"MQTT-3.3.4-1", "MQTT-4.3.2-4"}
		if c.Version == proto.V311 {
			owed[1] = "MQTT-4.3.2-2"
		}
	case proto.PUBREC:
		owed = []string{"MQTT-3.3.4-1", "MQTT-4.3.3-8"}
		if c.Version == proto.V311 {
			owed[1] = "MQTT-4.3.3-2"
		}
	case proto.PUBCOMP:
		owed = []string{"MQTT-4.3.3-11"}
		if c.Version == proto.V311 {
			owed[0] = "MQTT-4.3.3-2"
		}
	case proto.PUBREL:
		owed = []string{"MQTT-4.3.3-4"}
		if c.Version == proto.V311 {
			owed[0] = "MQTT-4.3.3-1"
		}
	case proto.SUBACK:
		owed = []string{"MQTT-3.8.4-1"}
	case proto.UNSUBACK:
		owed = []string{"MQTT-3.10.4-4"}
	case proto.PINGRESP:
		owed = []string{"MQTT-3.12.4-1"}
	}
	if c.Version == proto.V31 { // whose statements have no numbers
		owed = []string{}
	}
	section, own, _ := c.k.place(c.Version)
	for _, rule := range owed {
		if chapter(strings.TrimPrefix(rule, "MQTT-")) == chapter(section) {
			for _, r := range own {
				if !slices.Contains(owed, r) {
					owed = append(owed, r)
				}
			}
			break
		}
	}
	c.Shows(owed...)
}

// await returns the next packet that is wanted. Messages that come before it are put aside for Message;
// other packets are failures.
func await[T proto.Packet](p *Peer, expected string, wanted func(T) bool, answer ...proto.Type) T {
	end := time.Now().Add(p.c.r.opt.Limit)
	for {
		packet, err := p.read(time.Until(end))
		if err == io.EOF {
			p.c.Fail(expected, "%s closed the connection", p.c.who())
		}
		if err != nil {
			if len(answer) > 0 {
				p.unanswered(answer[0])
			}
			p.missing(expected, p.c.r.opt.Limit)
		}
		t, ok := packet.(T)
		if ok && wanted(t) {
			return t
		}
		if m, isMessage := packet.(*proto.Publish); isMessage && len(p.aside) < maxAside {
			p.aside = append(p.aside, m)
			continue
		}
		if ping, isPing := packet.(*proto.Ping); isPing && ping.Kind == proto.PINGRESP {
			p.pongs++ // the standard gives it no place among other answers
			continue
		}
		p.c.Fail(expected, "%s", p.describe(packet))
	}
}

// Ack waits for an acknowledgement of type t with that packet identifier.
func (p *Peer) Ack(t proto.Type, id uint16) *proto.Ack {
	return await(p, fmt.Sprintf("%v with packet identifier %d", t, id), func(a *proto.Ack) bool { return a.Kind == t && a.PacketID == id }, t)
}

// Suback waits for the SUBACK with that packet identifier.
func (p *Peer) Suback(id uint16) *proto.Suback {
	return await(p, fmt.Sprintf("SUBACK with packet identifier %d", id), func(a *proto.Suback) bool { return a.Kind == proto.SUBACK && a.PacketID == id }, proto.SUBACK)
}

// Unsuback waits for the UNSUBACK with that packet identifier.
func (p *Peer) Unsuback(id uint16) *proto.Suback {
	return await(p, fmt.Sprintf("UNSUBACK with packet identifier %d", id), func(a *proto.Suback) bool { return a.Kind == proto.UNSUBACK && a.PacketID == id }, proto.UNSUBACK)
}

// Pingresp waits for PINGRESP.
func (p *Peer) Pingresp() {
	if p.pongs > 0 {
		p.pongs--
		return
	}
	await(p, "PINGRESP", func(a *proto.Ping) bool { return a.Kind == proto.PINGRESP }, proto.PINGRESP)
}

// Barrier sends PINGREQ and waits for PINGRESP: the server has then handled what was sent on this
// connection before. Messages that come meanwhile are put aside.
func (p *Peer) Barrier() {
	p.Send(&proto.Ping{Kind: proto.PINGREQ})
	p.Pingresp()
}

// Receive returns the next PUBLISH as it came. The caller acknowledges it.
func (p *Peer) Receive(expected string) *proto.Publish {
	if len(p.aside) > 0 {
		m := p.aside[0]
		p.aside = p.aside[1:]
		return m
	}
	packet := p.Next(expected)
	m, ok := packet.(*proto.Publish)
	if !ok {
		p.c.Fail(expected, "%s", p.describe(packet))
	}
	return m
}

// Message returns the next message and acknowledges it: at QoS 2 the whole exchange is complete.
func (p *Peer) Message(expected string) *proto.Publish {
	m := p.Receive(expected)
	p.Acknowledge(m)
	return m
}

// Acknowledge acknowledges m as its QoS demands.
func (p *Peer) Acknowledge(m *proto.Publish) {
	switch m.QoS {
	case 1:
		p.Send(&proto.Ack{Kind: proto.PUBACK, PacketID: m.PacketID})
	case 2:
		p.Send(&proto.Ack{Kind: proto.PUBREC, PacketID: m.PacketID})
		if ack := p.Ack(proto.PUBREL, m.PacketID); ack.Reason >= 0x80 {
			// It has not treated the message as unacknowledged until PUBREC.
			p.c.FailRule("MQTT-4.3.3-3", "PUBREL with success", "%s", p.describe(ack))
		}
		p.Send(&proto.Ack{Kind: proto.PUBCOMP, PacketID: m.PacketID})
	}
}

// Expect receives a message with that topic and payload, and acknowledges it.
func (p *Peer) Expect(topic, payload string) *proto.Publish {
	expected := fmt.Sprintf("a message on %q with payload %q", topic, payload)
	m := p.Message(expected)
	if string(m.Topic) != topic || string(m.Payload) != payload {
		p.c.Fail(expected, "%s", p.describe(m))
	}
	return m
}

// Until receives and acknowledges messages until the one with the payload marker, and returns those before
// it. It proves what did not come: marker must have been published after it, on the same path.
func (p *Peer) Until(marker string) (before []*proto.Publish) {
	for {
		m := p.Message(fmt.Sprintf("a message with payload %q", marker))
		if bytes.Equal(m.Payload, []byte(marker)) {
			return before
		}
		if before = append(before, m); len(before) > maxAside {
			p.c.Unsure("more than %d messages came before the marker", maxAside)
		}
	}
}

// None is like Until, and fails if a message comes before the marker, or before the answer to a PINGREQ after
// it: retained messages may take a path of their own.
func (p *Peer) None(expected, marker string) {
	if before := p.Until(marker); len(before) > 0 {
		p.c.Fail(expected, "%s", p.describe(before[0]))
	}
	p.Barrier()
	if len(p.aside) > 0 {
		p.c.Fail(expected, "%s", p.describe(p.aside[0]))
	}
}
