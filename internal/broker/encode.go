package broker

import (
	"unicode/utf8"

	"mqtt/internal/proto"
)

const (
	longestAlias = 1024 // bytes of the longest topic that gets an alias
	aliasSize    = 64   // bytes that an alias takes besides its topic, about
)

// append encodes a message for the client, with its subscription identifiers, the rest of its
// expiry interval, and a topic alias if the client accepts one. It returns false, and appends
// nothing, if the packet is larger than the client accepts [MQTT-3.1.2-24]. session.mu is held.
func (c *client) append(now int64, h *delivery, id uint16) bool {
	var space [256]byte
	p, newAlias := c.compose(space[:0], now, h, id)
	size := p.Size(c.v)
	if size > proto.MaxPacket || c.maxPacket > 0 && size > c.maxPacket {
		return false
	}
	if newAlias {
		if c.aliases == nil {
			c.aliases = make(map[string]uint16)
		}
		c.aliases[string(h.m.Topic)] = uint16(len(c.aliases) + 1)
		c.aliased += len(h.m.Topic) + aliasSize
	}
	b, err := p.Append(c.out.buffer(&c.b.blocks, size), c.v)
	c.out.setBuffer(b)
	return err == nil
}

// compose returns the PUBLISH of a message. Properties that differ from the message's own are
// stored in space. newAlias reports whether the packet sets the next topic alias. session.mu is
// held.
func (c *client) compose(space proto.Props, now int64, h *delivery, id uint16) (p proto.Publish, newAlias bool) {
	m := h.m
	p = proto.Publish{Dup: h.sent, QoS: h.qos, Retain: h.retain, Topic: m.Topic, PacketID: id, Payload: m.Payload}
	if !c.v5() {
		return p, false
	}
	p.Props = m.Props
	if m.Expires == 0 && len(h.g.ids) == 0 && c.aliasMax == 0 {
		return p, false
	}
	ps := space
	if m.Expires != 0 {
		ps = m.appendCounted(ps, now)
	} else {
		ps = append(ps, m.Props...)
	}
	ps = append(ps, h.g.ids...)
	if alias := c.aliases[string(m.Topic)]; alias != 0 {
		p.Topic = nil
		ps = ps.AppendNum(proto.TopicAlias, uint32(alias))
	} else if len(c.aliases) < c.aliasMax && len(m.Topic) > 3 && len(m.Topic) <= longestAlias && c.b.available(forSession, false) > 0 {
		newAlias = true
		ps = ps.AppendNum(proto.TopicAlias, uint32(len(c.aliases)+1))
	}
	p.Props = ps
	return p, newAlias
}

// maxPublishOverhead is an upper bound of the bytes of a PUBLISH besides topic, properties and
// payload.
const maxPublishOverhead = 32

// fitsPacketLimit reports whether the message fits into the client's Maximum Packet Size.
// session.mu is held.
func (c *client) fitsPacketLimit(now int64, h *delivery) bool {
	m := h.m
	if c.maxPacket == 0 || len(m.Topic)+len(m.Props)+len(h.g.ids)+len(m.Payload)+maxPublishOverhead <= c.maxPacket {
		return true
	}
	p, _ := c.compose(nil, now, h, 1)
	return p.Size(c.v) <= c.maxPacket
}

// clearSentFlags marks the messages that are still in c.out as not sent, because DUP is only for
// messages that were sent before [MQTT-3.3.1-1]. session.mu is held.
func (c *client) clearSentFlags() {
	for _, b := range c.out.buffers(nil) {
		for {
			f, n, err := proto.Split(b, 0)
			if n == 0 || err != nil {
				break
			}
			b = b[n:]
			if f.Type() != proto.PUBLISH {
				continue
			}
			var p proto.Publish
			if p.Decode(f, c.v) != nil || p.QoS == 0 || p.Dup {
				continue
			}
			if h := c.s.sender.Message(p.PacketID); h != nil {
				h.sent = false
			}
		}
	}
}

// discardOutput discards the bytes that were not written. session.mu is held.
func (c *client) discardOutput() {
	c.clearSentFlags()
	c.out.free(&c.b.blocks)
}

// appendDisconnect appends a DISCONNECT, with a reason string if the client wants one and it fits.
// session.mu is held.
func (c *client) appendDisconnect(why *closeReason) {
	d := proto.Disconnect{Reason: why.reason}
	if why.text != "" && c.problem {
		d.Props = d.Props.AppendText(proto.ReasonString, clip(why.text))
	}
	b, err := d.Append(nil, c.v)
	if err == nil && c.maxPacket > 0 && len(b) > c.maxPacket {
		d.Props = nil // [MQTT-3.14.2-3]
		b, err = d.Append(nil, c.v)
	}
	if err == nil {
		c.out.add(&c.b.blocks, b)
		c.b.stats.answers.Add(1)
	}
}

// clip returns s as a short, well-formed reason string.
func clip(s string) string {
	if proto.CheckText(s) != nil {
		return "malformed"
	}
	return shorten(s, 200)
}

// shorten returns the longest prefix of s of at most n bytes that ends between two characters.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
