package proxy

import (
	"encoding/hex"
	"strconv"
	"strings"

	"mqtt/internal/jsonline"
	"mqtt/internal/proto"
)

// AppendJSON appends a packet as a JSON object without a newline: who sent it and when, its bytes in
// hex, and its fields. packet.schema.json describes it. Passwords and authentication data are masked.
// A PUBLISH has the keys of a message, with the topic behind an alias, so that it can be published
// again.
func AppendJSON(dst []byte, p *Packet) []byte {
	dst = append(dst, `{"time":"`...)
	if p.stamp != nil {
		dst = append(dst, p.stamp...)
	} else {
		dst = jsonline.AppendTime(dst, p.Time)
	}
	dst = append(dst, `","connection":`...)
	dst = strconv.AppendUint(dst, p.Connection, 10)
	dst = text(dst, "client", p.Client)
	dst = text(dst, "way", wayName(p.In))
	dst = text(dst, "type", p.Type().String())
	if word := p.Fault(); word != "" {
		dst = text(dst, "fault", word)
		if p.Action.Corrupt {
			dst = number(dst, "corrupt_bit", uint64(p.Action.Bit))
		}
	}
	dst = number(dst, "size", uint64(p.Size))
	dst = append(dst, `,"hex":"`...)
	dst = hex.AppendEncode(dst, p.Masked())
	dst = append(dst, '"')
	if !p.Whole() {
		dst = append(dst, `,"truncated":true`...)
	}
	return append(appendFields(dst, p), '}')
}

func wayName(in bool) string {
	if in {
		return "in"
	}
	return "out"
}

// appendFields appends the decoded fields of a packet.
func appendFields(dst []byte, p *Packet) []byte {
	if !p.Whole() {
		if p.Type() == proto.PUBLISH {
			b := p.Bytes[0]
			return head(dst, &proto.Publish{Dup: b&8 != 0, QoS: b >> 1 & 3, Retain: b&1 != 0, Topic: p.Topic})
		}
		return dst
	}
	f, _, err := proto.Split(p.Bytes, 0)
	if err != nil {
		return text(dst, "malformed", err.Error())
	}
	if p.Type() == proto.PUBLISH { // most packets are, and this allocates nothing
		var x proto.Publish
		if err := x.Decode(f, p.Version); err != nil {
			return text(dst, "malformed", err.Error())
		}
		if len(x.Topic) == 0 {
			x.Topic = p.Topic
		}
		dst = properties(payload(head(dst, &x), "payload", x.Payload), x.Props)
		if p.Decoded != nil {
			dst = append(key(dst, "decoded"), p.Decoded...)
		}
		return dst
	}
	x, err := proto.Decode(f, p.Version)
	if err != nil {
		return text(dst, "malformed", err.Error())
	}
	switch x := x.(type) {
	case *proto.Connect:
		dst = appendConnect(dst, x)
	case *proto.Connack:
		dst = boolean(dst, "session_present", x.SessionPresent)
		if p.Version < proto.V5 {
			return number(dst, "return_code", uint64(x.Reason.ReturnCode()))
		}
		dst = properties(reason(dst, x.Reason, proto.CONNACK), x.Props)
	case *proto.Ack:
		dst = number(dst, "mid", uint64(x.PacketID))
		if p.Version >= proto.V5 {
			dst = properties(reason(dst, x.Reason, x.Kind), x.Props)
		}
	case *proto.Subscribe:
		dst = properties(appendSubscribe(dst, x, p.Version), x.Props)
	case *proto.Unsubscribe:
		dst = number(dst, "mid", uint64(x.PacketID))
		dst = append(dst, `,"filters":[`...)
		for i, s := range x.Filters {
			dst = comma(dst, i)
			dst = append(text(append(dst, '{'), "filter", s), '}')
		}
		dst = properties(append(dst, ']'), x.Props)
	case *proto.Suback:
		dst = number(dst, "mid", uint64(x.PacketID))
		dst = append(dst, `,"reasons":[`...)
		for i, r := range x.Reasons {
			dst = strconv.AppendUint(comma(dst, i), uint64(r), 10)
		}
		dst = properties(append(dst, ']'), x.Props)
	case *proto.Disconnect:
		if p.Version >= proto.V5 {
			dst = properties(reason(dst, x.Reason, proto.DISCONNECT), x.Props)
		}
	case *proto.Auth:
		dst = properties(reason(dst, x.Reason, proto.AUTH), x.Props)
	}
	return dst
}

func appendConnect(dst []byte, x *proto.Connect) []byte {
	dst = text(dst, "version", x.Version.String())
	if x.Bridge {
		dst = boolean(dst, "bridge", true)
	}
	dst = boolean(dst, "clean_start", x.CleanStart)
	dst = number(dst, "keep_alive", uint64(x.KeepAlive))
	dst = text(dst, "client_id", x.ClientID)
	if w := x.Will; w != nil {
		dst = append(dst, `,"will":{`...)
		dst = head(dst, &proto.Publish{QoS: w.QoS, Retain: w.Retain, Topic: []byte(w.Topic)})
		dst = append(properties(payload(dst, "payload", w.Payload), w.Props), '}')
	}
	if x.HasUsername {
		dst = text(dst, "username", x.Username)
	}
	if x.HasPassword {
		dst = text(dst, "password", "***")
	}
	return properties(dst, x.Props)
}

func appendSubscribe(dst []byte, x *proto.Subscribe, v proto.Version) []byte {
	dst = number(dst, "mid", uint64(x.PacketID))
	dst = append(dst, `,"filters":[`...)
	for i := range x.Filters {
		s := &x.Filters[i]
		dst = number(text(append(comma(dst, i), '{'), "filter", s.Filter), "qos", uint64(s.QoS))
		if v >= proto.V5 {
			dst = boolean(boolean(dst, "no_local", s.NoLocal), "retain_as_published", s.RetainAsPublished)
			dst = number(dst, "retain_handling", uint64(s.RetainHandling))
		}
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

// head appends what a PUBLISH has before its payload.
func head(dst []byte, p *proto.Publish) []byte {
	dst = key(dst, "topic")
	dst = jsonline.AppendString(dst, p.Topic)
	dst = number(dst, "qos", uint64(p.QoS))
	dst = boolean(dst, "retain", p.Retain)
	if p.Dup {
		dst = boolean(dst, "dup", true)
	}
	if p.PacketID != 0 {
		dst = number(dst, "mid", uint64(p.PacketID))
	}
	return dst
}

// key appends the key of a member, after a comma if it is not the first.
func key(dst []byte, name string) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	return append(append(append(dst, '"'), name...), '"', ':')
}

func comma(dst []byte, i int) []byte {
	if i > 0 {
		dst = append(dst, ',')
	}
	return dst
}

func text(dst []byte, name, s string) []byte { return jsonline.AppendString(key(dst, name), []byte(s)) }

func number(dst []byte, name string, n uint64) []byte {
	return strconv.AppendUint(key(dst, name), n, 10)
}

func boolean(dst []byte, name string, on bool) []byte { return strconv.AppendBool(key(dst, name), on) }

// payload appends b as a string or, if it is not UTF-8, in base64 under another key.
func payload(dst []byte, name string, b []byte) []byte {
	start := len(dst)
	dst = append(key(dst, name), '"')
	if dst, ok := jsonline.AppendText(dst, b); ok {
		return append(dst, '"')
	}
	return jsonline.AppendBase64(key(dst[:start], name+"_base64"), b)
}

func reason(dst []byte, r proto.Reason, t proto.Type) []byte {
	dst = number(dst, "reason", uint64(r))
	name, _, _ := strings.Cut(r.Name(t), " (0x")
	return text(dst, "reason_name", name)
}

// properties appends the member "properties", or nothing if there are none.
func properties(dst []byte, ps proto.Props) []byte {
	if len(ps) == 0 {
		return dst
	}
	dst = append(key(dst, "properties"), '{')
	for p := range ps.All() {
		name := strings.ReplaceAll(p.ID.String(), "-", "_")
		switch {
		case p.ID == proto.AuthenticationData:
			dst = text(dst, name, "***")
		case p.ID == proto.UserProperty || p.ID == proto.SubscriptionIdentifier:
			// may be there more than once: see array
		case p.ID.Property().Kind == proto.Text:
			dst = jsonline.AppendString(key(dst, name), p.Value)
		case p.ID.Property().Kind == proto.Binary:
			dst = jsonline.AppendBase64(key(dst, name+"_base64"), p.Value)
		default:
			dst = number(dst, name, uint64(p.Num))
		}
	}
	for _, id := range []proto.PropID{proto.SubscriptionIdentifier, proto.UserProperty} {
		dst = array(dst, ps, id)
	}
	return append(dst, '}')
}

// array appends all properties id, which may be there more than once, as one member.
func array(dst []byte, ps proto.Props, id proto.PropID) []byte {
	if !ps.Has(id) {
		return dst
	}
	n := 0
	if id == proto.UserProperty {
		dst = append(key(dst, "user_properties"), '[')
	} else {
		dst = append(key(dst, "subscription_identifiers"), '[')
	}
	for p := range ps.All() {
		if p.ID != id {
			continue
		}
		dst = comma(dst, n)
		n++
		if id == proto.UserProperty {
			dst = append(jsonline.AppendString(append(jsonline.AppendString(append(dst, '['), p.Key), ','), p.Value), ']')
		} else {
			dst = strconv.AppendUint(dst, uint64(p.Num), 10)
		}
	}
	return append(dst, ']')
}
