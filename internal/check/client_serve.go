package check

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"mqtt/internal/proto"
	"mqtt/internal/rules"
)

// Accept waits for a connection of the client and its CONNECT. The script ends as skipped if there is
// none.
func (c *C) Accept() *Peer {
	end := time.Now().Add(c.r.opt.Limit)
	for {
		// A command that has ended makes no further connection, but what it made waits to be accepted.
		ended := false
		select {
		case <-c.over:
			ended = true
		default:
		}
		c.listener.SetDeadline(time.Now().Add(20 * time.Millisecond)) //nolint:errcheck // Accept reports it
		conn, err := c.listener.Accept()
		if err == nil {
			return c.welcome(c.peer(conn, rules.Out))
		}
		if ended || time.Now().After(end) || c.ctx.Err() != nil {
			c.Skip("the client made no %s", map[bool]string{true: "connection", false: "further connection"}[len(c.peers) == 0])
		}
	}
}

// welcome reads CONNECT.
func (c *C) welcome(p *Peer) *Peer {
	p.v = proto.V5 // the packet has its version, whatever this is
	packet := p.Next("CONNECT")
	hello, ok := packet.(*proto.Connect)
	if !ok {
		if c.Version == proto.V31 { // whose statements have no numbers
			c.Fail("CONNECT as the first packet", "%s", p.describe(packet))
		}
		c.FailRule("MQTT-3.1.0-1", "CONNECT as the first packet", "%s", p.describe(packet))
	}
	p.Hello, p.ClientID, p.v = hello, hello.ClientID, hello.Version
	return p
}

// Serve accepts a connection of the client and sends a CONNACK with success, which change may alter.
func (c *C) Serve(change ...func(*proto.Connack)) *Peer {
	p := c.Accept()
	p.Welcome(change...)
	return p
}

// Welcome sends CONNACK.
func (p *Peer) Welcome(change ...func(*proto.Connack)) {
	ack := &proto.Connack{}
	if p.v == proto.V5 && p.ClientID == "" {
		ack.Props = ack.Props.AppendText(proto.AssignedClientIdentifier, p.c.ID("assigned"))
	}
	for _, f := range change {
		f(ack)
	}
	p.Send(ack)
	p.Connack = ack
}

// limitTo returns a change of CONNACK: an integer property.
func limitTo(id proto.PropID, n uint32) func(*proto.Connack) {
	return func(p *proto.Connack) { p.Props = p.Props.AppendNum(id, n) }
}

// Answer does what a server does for a packet of a client: it grants, acknowledges and answers. It returns
// false for DISCONNECT.
func (p *Peer) Answer(packet proto.Packet) bool {
	switch a := packet.(type) {
	case *proto.Subscribe:
		ack := &proto.Suback{Kind: proto.SUBACK, PacketID: a.PacketID}
		for _, f := range a.Filters {
			ack.Reasons = append(ack.Reasons, proto.Reason(f.QoS))
		}
		p.Send(ack)
	case *proto.Unsubscribe:
		ack := &proto.Suback{Kind: proto.UNSUBACK, PacketID: a.PacketID}
		if p.v == proto.V5 {
			ack.Reasons = make([]proto.Reason, len(a.Filters))
		}
		p.Send(ack)
	case *proto.Publish:
		switch a.QoS {
		case 1:
			p.Send(&proto.Ack{Kind: proto.PUBACK, PacketID: a.PacketID})
		case 2:
			p.Send(&proto.Ack{Kind: proto.PUBREC, PacketID: a.PacketID})
		}
	case *proto.Ack:
		switch a.Kind {
		case proto.PUBREC:
			p.Send(&proto.Ack{Kind: proto.PUBREL, PacketID: a.PacketID})
		case proto.PUBREL:
			p.Send(&proto.Ack{Kind: proto.PUBCOMP, PacketID: a.PacketID})
		}
	case *proto.Ping:
		if a.Kind == proto.PINGREQ {
			p.Send(&proto.Ping{Kind: proto.PINGRESP})
		}
	case *proto.Disconnect:
		return false
	}
	return true
}

// serveUntil serves the client until wanted returns true for a packet, which is returned unanswered. The script
// ends as skipped if that does not come; what names it.
func serveUntil[T proto.Packet](p *Peer, what string, wanted func(T) bool) T {
	end := time.Now().Add(p.c.r.opt.Limit)
	for {
		packet, err := p.read(time.Until(end))
		if err != nil {
			p.c.Skip("the client sent no %s", what)
		}
		if t, ok := packet.(T); ok && wanted(t) {
			return t
		}
		if !p.Answer(packet) {
			p.c.Skip("the client sent no %s", what)
		}
	}
}

// Subscribed serves the client until it subscribes, grants that, and returns a topic that matches and the
// QoS that was granted.
func (p *Peer) Subscribed() (topic string, qos byte) {
	s := serveUntil(p, "SUBSCRIBE", func(*proto.Subscribe) bool { return true })
	p.Answer(s)
	_, filter := proto.SplitShare(s.Filters[0].Filter)
	return topicOf(filter), s.Filters[0].QoS
}

// topicOf returns a topic name that a filter matches.
func topicOf(filter string) string {
	levels := strings.Split(filter, "/")
	for i, level := range levels {
		if level == "+" || level == "#" {
			levels[i] = "mqtt-check"
		}
	}
	return strings.Join(levels, "/")
}

// Published serves the client until it publishes a message at a QoS of at least least, which is returned
// unanswered.
func (p *Peer) Published(least byte) *proto.Publish {
	return serveUntil(p, "PUBLISH at QoS "+strconv.Itoa(int(least))+" or above", func(m *proto.Publish) bool { return m.QoS >= least })
}

// Drain serves the client until it disconnects, or for the time that a case may wait.
func (p *Peer) Drain() {
	end := time.Now().Add(p.c.r.opt.Limit)
	for {
		packet, err := p.read(time.Until(end))
		if err != nil || !p.Answer(packet) {
			return
		}
	}
}

// Abandons expects that the client ends the connection because of what was sent last. In version 5 it may
// send a DISCONNECT with an error code. A client that continues to serve the connection fails; one that ends it
// as if nothing had happened, or does nothing, is unsure.
func (p *Peer) Abandons(expected string, goesOn func(proto.Packet) bool) {
	p.watch = nil
	end := time.Now().Add(p.c.r.opt.Limit)
	for {
		packet, err := p.read(time.Until(end))
		if errors.Is(err, errNothing) {
			p.c.Unsure("the client neither closed the connection within %v nor showed that it goes on", p.c.r.opt.Limit)
		}
		if err != nil {
			return
		}
		if d, ok := packet.(*proto.Disconnect); ok {
			p.closesAfter()
			if p.v == proto.V5 && d.Reason >= 0x80 {
				return
			}
			p.c.Unsure("the client ended the connection with an ordinary DISCONNECT, perhaps before it read what was wrong")
		}
		if goesOn != nil && goesOn(packet) {
			p.c.Fail(expected, "the client goes on: %s", p.describe(packet))
		}
		p.Answer(packet)
	}
}

// closesAfter expects that the client, which has sent DISCONNECT, sends nothing more and closes the connection.
func (p *Peer) closesAfter() {
	nothing, closes := "MQTT-3.14.4-1", "MQTT-3.14.4-2"
	switch p.v {
	case proto.V311:
		nothing, closes = closes, nothing
	case proto.V31:
		return // says neither
	}
	packet, err := p.read(p.c.r.opt.Limit)
	switch {
	case errors.Is(err, errNothing):
		p.c.FailRule(closes, "the client closes the connection after its DISCONNECT", "it is open after %v", p.c.r.opt.Limit)
	case err == nil:
		p.c.FailRule(nothing, "nothing after DISCONNECT", "%s", p.describe(packet))
	}
}
