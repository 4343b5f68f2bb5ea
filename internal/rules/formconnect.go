package rules

import (
	"strings"

	"mqtt/internal/proto"
)

// connect checks CONNECT. c.v is the version that the packet names.
func (c *form) connect() {
	name := string(c.text(ruleForm))
	level := proto.Version(c.number(1, ruleForm))
	if !c.ok() {
		return
	}
	want := "MQTT"
	if level == proto.V31 {
		want = "MQIsdp"
	}
	if name != want {
		c.fail(ruleProtocolName)
		return
	}
	flags := c.number(1, ruleForm)
	will, user, password := flags&4 != 0, flags&0x80 != 0, flags&0x40 != 0
	switch {
	case !c.ok():
	case flags&1 != 0:
		c.fail(ruleConnectFlag)
	case !will && flags&0x18 != 0:
		c.fail(ruleWillQoSWithout)
	case flags&0x18 == 0x18:
		c.fail(ruleWillQoS3)
	case !will && flags&0x20 != 0:
		c.fail(ruleWillRetainWithout)
	case c.v < proto.V5 && password && !user:
		c.fail(rulePasswordAlone)
	}
	c.number(2, ruleForm)
	if c.v >= proto.V5 {
		c.props(proto.CONNECT)
	}
	c.text(ruleClientIDMissing, ruleClientIDText)
	if will {
		if c.ok() && c.left() == 0 {
			c.fail(ruleWillFields)
		}
		if c.v >= proto.V5 {
			c.props(proto.WILL)
		}
		topic := c.topic(ruleWillFields, ruleWillTopicText)
		switch {
		case !c.ok():
		case len(topic) == 0:
			c.fail(ruleTopicEmpty)
		case strings.ContainsAny(string(topic), "+#"):
			c.fail(ruleTopicWildcard)
		}
		c.binary(ruleWillFields)
	}
	if user {
		c.text(ruleUserNameMissing, ruleUserNameText)
	}
	if password {
		c.binary(rulePasswordMissing)
	}
	if c.ok() && c.left() > 0 {
		switch {
		case !user:
			c.fail(ruleUserNameWithout)
		case !password:
			c.fail(rulePasswordWithout)
		}
	}
}

// props checks the properties of a packet of type t. It reports whether there is a topic alias.
func (c *form) props(t proto.Type) (alias bool) {
	n := c.varint(rulePropsLength)
	if !c.ok() {
		return false
	}
	if c.left() < n {
		c.fail(ruleForm)
		return false
	}
	end := c.at + n
	in := form{body: c.body[:end], at: c.at, v: c.v, t: t}
	in.properties(t, &alias)
	c.broken, c.at = in.broken, end
	return alias
}

// properties checks properties up to the end of the body.
func (c *form) properties(t proto.Type, alias *bool) {
	seen := make(map[proto.PropID]bool)
	for c.ok() && c.left() > 0 {
		id := proto.PropID(c.number(1, ruleForm))
		p := id.Property()
		switch {
		case p == nil || !p.In(t):
			c.fail(rulePropAllowed)
			return
		case seen[id] && !p.Repeats(t):
			c.fail(rulePropOnce)
			return
		}
		seen[id] = true
		value := 1
		switch p.Kind {
		case proto.Flag:
			if value = c.number(1, ruleForm); value > 1 {
				c.fail(rulePropValue)
			}
		case proto.Uint16:
			value = c.number(2, ruleForm)
		case proto.Uint32:
			value = c.number(4, ruleForm)
		case proto.Varint:
			value = c.varint(ruleForm)
		case proto.Binary:
			c.binary(ruleForm)
		case proto.Pair:
			c.text(ruleForm, rulePair)
			c.text(ruleForm, rulePair)
		case proto.Text:
			c.textProperty(id)
		}
		if c.ok() && p.NoZero && value == 0 {
			if id == proto.TopicAlias {
				c.fail(ruleAlias0)
			}
			c.fail(rulePropValue)
		}
		*alias = *alias || id == proto.TopicAlias
	}
	if c.ok() && seen[proto.AuthenticationData] && !seen[proto.AuthenticationMethod] {
		c.fail(ruleAuthData)
	}
}

// textProperty checks the value of a text property.
func (c *form) textProperty(id proto.PropID) {
	switch id {
	case proto.ResponseTopic:
		topic := c.text(ruleForm, ruleResponseTopicText)
		switch {
		case !c.ok():
		case strings.ContainsAny(string(topic), "+#"):
			c.fail(ruleResponseTopicWildcard)
		case len(topic) == 0:
			c.fail(ruleTopicEmpty)
		}
	case proto.ContentType:
		c.text(ruleForm, ruleContentType)
	default:
		c.text(ruleForm)
	}
}
