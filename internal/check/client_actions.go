package check

import (
	"fmt"
	"time"

	"mqtt/internal/proto"
)

// present says in CONNACK that there is a session.
func present(p *proto.Connack) { p.SessionPresent = true }

// subscriber serves the client until it subscribes at QoS qos or above, and returns a topic that matches.
func (c *C) subscriber(qos byte) (*Peer, string) {
	p := c.Serve()
	topic, granted := p.Subscribed()
	if granted < qos {
		c.Skip("the client subscribes at QoS %d", granted)
	}
	return p, topic
}

// acked serves the client until the acknowledgement comes.
func (p *Peer) acked(kind proto.Type, id uint16) {
	expected := fmt.Sprintf("%v with packet identifier %d", kind, id)
	end := time.Now().Add(p.c.r.opt.Limit)
	for {
		packet, err := p.read(time.Until(end))
		if err == errNothing {
			p.c.Fail(expected, "nothing within %v", p.c.r.opt.Limit)
		}
		if err != nil {
			p.c.Skip("the client closed the connection before %s", expected)
		}
		a, ok := packet.(*proto.Ack)
		if ok && a.Kind == kind && a.PacketID == id {
			return
		}
		if ok && a.Kind != proto.PUBREL { // a PUBREL may be of a message of the client
			p.c.Fail(expected, "%s", p.describe(a))
		}
		if !p.Answer(packet) {
			p.c.Skip("the client disconnected before %s", expected)
		}
	}
}

// serveUntilTime serves the client for a time. handle sees each packet first, and returns whether it is to be answered.
func (p *Peer) serveUntilTime(d time.Duration, handle func(proto.Packet) (answer bool)) {
	end := time.Now().Add(d)
	for {
		packet, err := p.read(time.Until(end))
		if err != nil || handle(packet) && !p.Answer(packet) {
			return
		}
	}
}

// serveFor serves the client for a time.
func (p *Peer) serveFor(d time.Duration) {
	end := time.Now().Add(d)
	for {
		packet, err := p.read(time.Until(end))
		if err != nil || !p.Answer(packet) {
			return
		}
	}
}

// pings expects a PINGREQ within the Keep Alive, with slack for a busy machine.
func (c *C) pings(p *Peer, keep time.Duration) {
	last := time.Now()
	for {
		packet, err := p.read(time.Until(last.Add(c.within(keep))))
		if err == errNothing {
			c.Fail(fmt.Sprintf("a packet within %v", keep), "nothing within %v", c.within(keep))
		}
		if err != nil {
			c.Skip("the client closed the connection before its Keep Alive had passed")
		}
		last = time.Now()
		if a, ok := packet.(*proto.Ping); ok && a.Kind == proto.PINGREQ {
			p.Answer(a)
			return
		}
		if !p.Answer(packet) {
			c.Skip("the client disconnected before its Keep Alive had passed")
		}
	}
}

// refuses refuses the client, and expects that it closes and sends nothing but DISCONNECT.
func (c *C) refuses(reason proto.Reason) {
	p := c.Accept()
	p.Send(&proto.Connack{Reason: reason})
	p.watch = nil
	end := time.Now().Add(c.r.opt.Limit)
	for {
		_, err := p.read(time.Until(end))
		if err == errNothing {
			c.Choice("the client leaves it to the server to close the connection, which the standard obliges it to do")
		}
		if err != nil {
			return
		}
	}
}

// malformedConnack sends a CONNACK that change has made wrong.
func (c *C) malformedConnack(change func(b []byte)) {
	p := c.Accept()
	b := p.Encode(&proto.Connack{})
	change(b)
	p.Raw(b...)
	p.Abandons("the client closes the connection", func(packet proto.Packet) bool {
		a, ok := packet.(*proto.Ack)
		return ok && a.Kind == proto.PUBREL // an answer: it took the connection for accepted
	})
}

// malformed sends what make returns, which breaks the rules, to a client that has subscribed or published, and
// expects that it closes the connection. A probe that is answered afterwards proves that it continues: a message at
// QoS 1 to a subscriber, a PUBREC to a publisher at QoS 2.
func (c *C) malformed(wrong func(p *Peer, topic string) []byte) {
	const probe = 4242
	p := c.Serve()
	first := serveUntil(p, "SUBSCRIBE or PUBLISH", func(packet proto.Packet) bool {
		t := packet.Type()
		return t == proto.SUBSCRIBE || t == proto.PUBLISH
	})
	topic := "mqtt-check"
	var after []byte
	switch a := first.(type) {
	case *proto.Subscribe:
		p.Answer(a)
		_, filter := proto.SplitShare(a.Filters[0].Filter)
		topic = topicOf(filter)
		if a.Filters[0].QoS > 0 {
			after = p.Encode(&proto.Publish{Topic: []byte(topic), QoS: 1, PacketID: probe, Payload: []byte("21.5")})
		}
	case *proto.Publish:
		if a.QoS == 2 {
			after = p.Encode(&proto.Ack{Kind: proto.PUBREC, PacketID: a.PacketID})
		}
	}
	p.Raw(append(wrong(p, topic), after...)...)
	p.Abandons("the client closes the connection", func(packet proto.Packet) bool {
		a, ok := packet.(*proto.Ack)
		return ok && (a.Kind == proto.PUBACK && a.PacketID == probe || a.Kind == proto.PUBREL)
	})
}

// props returns the properties field in the version of the connection.
func (p *Peer) props(parts ...[]byte) []byte {
	c := C{Version: p.v}
	return c.props(parts...)
}
