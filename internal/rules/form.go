package rules

import (
	"strings"
	"unicode/utf8"

	"mqtt/internal/proto"
)

// malformed reports why a packet that proto rejects is malformed.
func (o *Observer) malformed(way Way, f proto.Frame, packet []byte, err error) {
	c := form{body: f.Body, v: o.sides[way].version, t: f.Type()}
	c.packet(f)
	if c.zero && o.sides[way].lost {
		return // it may answer a packet with the identifier 0
	}
	if len(c.broken) == 0 {
		c.broken = append(c.broken, ruleForm)
	}
	for _, r := range c.broken {
		o.report(way, r, packet, "%s", err)
	}
}

// form reads a packet again, to find out which statement it breaks. It stops at the first fault,
// which may break several.
type form struct {
	body   []byte
	at     int
	v      proto.Version
	t      proto.Type
	broken []rule
	zero   bool // the first fault is a packet identifier of 0
}

// fail notes the statements that the first fault breaks. It is called seldom and from 50 places, so it
// is not inlined.
//
//go:noinline
func (c *form) fail(rules ...rule) {
	if len(c.broken) == 0 {
		c.broken = append(c.broken, rules...)
	}
}

func (c *form) ok() bool { return len(c.broken) == 0 }

func (c *form) left() int { return len(c.body) - c.at }

// number reads an integer of n bytes. r is the rule that its absence breaks.
func (c *form) number(n int, r rule) (value int) {
	if !c.ok() || c.left() < n {
		c.fail(r)
		return 0
	}
	for range n {
		value = value<<8 | int(c.body[c.at])
		c.at++
	}
	return value
}

// binary reads a binary field.
func (c *form) binary(missing rule) []byte {
	n := c.number(2, missing)
	if !c.ok() || c.left() < n {
		c.fail(missing)
		return nil
	}
	c.at += n
	return c.body[c.at-n : c.at]
}

// text reads a text field. own are rules for this field that a bad text breaks as well.
func (c *form) text(missing rule, own ...rule) []byte {
	b := c.binary(missing)
	c.checkText(b, own...)
	return b
}

func (c *form) checkText(b []byte, own ...rule) {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		switch {
		case r == 0:
			c.fail(ruleNUL)
			return
		case r == utf8.RuneError && n == 1:
			c.fail(append(own, ruleUTF8)...)
			return
		}
		i += n
	}
}

// topic reads a topic name or a topic filter.
func (c *form) topic(missing, own rule) []byte {
	b := c.binary(missing)
	if strings.IndexByte(string(b), 0) >= 0 && utf8.Valid(b) {
		c.fail(ruleTopicNUL, ruleNUL)
	}
	c.checkText(b, own)
	return b
}

// varint reads a variable byte integer. It returns -1 if there is none.
func (c *form) varint(missing rule) int {
	if !c.ok() {
		return -1
	}
	if c.left() == 0 {
		c.fail(missing)
		return -1
	}
	n := 0
	for i := range 4 {
		if c.left() == 0 {
			c.fail(ruleForm)
			return -1
		}
		b := c.body[c.at]
		c.at++
		n |= int(b&0x7F) << (7 * i)
		if b < 0x80 {
			if i > 0 && b == 0 {
				c.fail(ruleVarint)
			}
			return n
		}
	}
	c.fail(ruleForm)
	return -1
}

// id reads a packet identifier.
func (c *form) id(zero rule) {
	if c.number(2, ruleForm) == 0 && c.ok() {
		c.zero = true
		c.fail(zero)
	}
}

// reason reads a reason code.
func (c *form) reason(r rule) proto.Reason {
	code := proto.Reason(c.number(1, ruleForm))
	if c.ok() && !code.Allowed(c.t) {
		c.fail(r)
	}
	return code
}

// packet checks a whole packet.
func (c *form) packet(f proto.Frame) {
	c.flags(f)
	if !c.ok() {
		return
	}
	switch c.t {
	case proto.CONNECT:
		c.connect()
	case proto.CONNACK:
		c.connack()
	case proto.PUBLISH:
		c.publish(f)
		return
	case proto.PUBACK:
		c.ack(ruleAckReason)
	case proto.PUBREC:
		c.ack(rulePubrecReason)
	case proto.PUBREL:
		c.ack(rulePubrelReason)
	case proto.PUBCOMP:
		c.ack(rulePubcompReason)
	case proto.SUBSCRIBE:
		c.subscribe()
	case proto.UNSUBSCRIBE:
		c.unsubscribe()
	case proto.SUBACK, proto.UNSUBACK:
		c.suback()
	case proto.DISCONNECT:
		c.short(ruleDisconnectReason)
	case proto.AUTH:
		c.short(ruleAuthReason)
	}
	if c.ok() && c.left() > 0 {
		c.fail(ruleForm)
	}
}

// flags checks the lower bits of the first byte.
func (c *form) flags(f proto.Frame) {
	bits := f.First & 0x0F
	switch c.t {
	case proto.PUBLISH:
		switch {
		case bits>>1&3 == 3:
			c.fail(ruleQoS3)
		case bits&proto.DupBit != 0 && bits>>1&3 == 0:
			c.fail(ruleDupQoS0)
		}
		return
	case proto.PUBREL, proto.SUBSCRIBE, proto.UNSUBSCRIBE:
		if c.v == proto.V31 {
			bits &^= proto.DupBit
		}
		if bits != 2 {
			c.fail(map[proto.Type]rule{proto.PUBREL: rulePubrelFlags, proto.SUBSCRIBE: ruleSubscribeFlags, proto.UNSUBSCRIBE: ruleUnsubscribeFlags}[c.t])
		}
		return
	}
	if bits == 0 {
		return
	}
	switch c.t {
	case proto.DISCONNECT:
		c.fail(ruleDisconnectFlags)
	case proto.AUTH:
		c.fail(ruleAuthFlags)
	default:
		c.fail(ruleFlags)
	}
}

func (c *form) publish(f proto.Frame) {
	topic := c.topic(ruleTopicText, ruleTopicText)
	if strings.ContainsAny(string(topic), "+#") {
		c.fail(ruleTopicWildcard)
	}
	if f.First>>1&3 > 0 {
		c.id(rulePublishID0)
	}
	alias := false
	if c.v >= proto.V5 {
		alias = c.props(proto.PUBLISH)
	}
	if len(topic) == 0 && !alias {
		c.fail(ruleTopicEmpty)
	}
}

func (c *form) ack(reason rule) {
	c.id(ruleAckID)
	if c.v >= proto.V5 && c.left() > 0 {
		c.reason(reason)
		if c.left() > 0 {
			c.props(c.t)
		}
	}
}

// short checks DISCONNECT and AUTH, which may leave out their fields.
func (c *form) short(reason rule) {
	if c.v < proto.V5 || c.left() == 0 {
		return
	}
	c.reason(reason)
	if c.left() > 0 {
		c.props(c.t)
	}
}

func (c *form) subscribe() {
	c.id(ruleRequestID0)
	if c.v >= proto.V5 {
		c.props(proto.SUBSCRIBE)
	}
	if c.ok() && c.left() == 0 {
		c.fail(ruleSubscribeEmpty)
	}
	for c.ok() && c.left() > 0 {
		filter := c.topic(ruleForm, ruleFilterText)
		bits := c.number(1, ruleForm)
		reserved := 0xFC
		if c.v >= proto.V5 {
			reserved = 0xC0
		}
		name, _ := proto.SplitShare(string(filter))
		switch {
		case !c.ok():
		case bits&reserved != 0:
			c.fail(ruleSubscriptionReserved)
		case bits&3 == 3, c.v >= proto.V5 && bits>>4&3 == 3:
			c.fail(ruleSubscriptionQoS)
		case c.v >= proto.V5 && name != "" && bits&4 != 0:
			c.fail(ruleNoLocalShared)
		}
	}
}

func (c *form) unsubscribe() {
	c.id(ruleRequestID0)
	if c.v >= proto.V5 {
		c.props(proto.UNSUBSCRIBE)
	}
	if c.ok() && c.left() == 0 {
		c.fail(ruleUnsubscribeEmpty)
	}
	for c.ok() && c.left() > 0 {
		c.topic(ruleForm, ruleUnsubscribeText)
	}
}

func (c *form) suback() {
	id, code, none := ruleSubackID, ruleSubackCode, ruleSubackCount
	if c.t == proto.UNSUBACK {
		id, code, none = ruleUnsubackID, ruleUnsubackCode, ruleUnsubackCount
	}
	c.id(id)
	if c.v >= proto.V5 {
		c.props(c.t)
	} else if c.t == proto.UNSUBACK {
		return
	}
	if c.ok() && c.left() == 0 {
		c.fail(none)
	}
	for c.ok() && c.left() > 0 {
		if r := c.reason(code); c.v < proto.V5 && r.Failed() && r != proto.UnspecifiedError {
			c.fail(code)
		}
	}
}

func (c *form) connack() {
	flags := c.number(1, ruleForm)
	if c.v == proto.V31 {
		flags = 0
	}
	if flags > 1 {
		c.fail(ruleConnackFlags)
	}
	code := c.number(1, ruleForm)
	switch {
	case !c.ok():
		return
	case c.v < proto.V5 && code > 5, c.v >= proto.V5 && !proto.Reason(code).Allowed(proto.CONNACK):
		c.fail(ruleConnackCode)
	case flags == 1 && code != 0:
		c.fail(ruleConnackRefusedPresent)
	}
	if c.v >= proto.V5 {
		c.props(proto.CONNACK)
	}
}
