package format

import (
	"strconv"

	"mqtt/internal/jsonline"
	"mqtt/internal/proto"
)

// json appends %j, or %J if raw is set, with mosquitto's keys in mosquitto's order.
// mosquitto cuts payloads at a NUL, prints invalid JSON and rounds numbers to doubles.
// This function does not: a payload or correlation data that is not UTF-8 is in base64,
// with a member payload_encoding, and raw JSON is copied byte for byte without the white
// space between its tokens.
func (f *Format) json(dst []byte, m *Message, raw bool) []byte {
	switch {
	case !f.Pretty && !f.Ink.On():
		return f.object(dst, m, raw)
	case !f.Pretty:
		return f.Ink.AppendJSON(dst, f.object(nil, m, raw))
	}
	f.compact = f.object(f.compact[:0], m, raw)
	f.indented = jsonline.AppendIndented(f.indented[:0], f.compact)
	return f.Ink.AppendJSON(dst, f.indented)
}

// object appends the object of json, compact.
func (f *Format) object(dst []byte, m *Message, raw bool) []byte {
	p := m.Publish
	f.setTime(m.Received)
	dst = append(dst, `{"tst":"`...)
	iso := f.local.iso
	second := len(iso) - isoOffset
	dst = appendFraction(append(dst, iso[:second]...), m.Received.Nanosecond()/1000, 1e6)
	dst = append(dst, iso[second:]...)
	dst = append(dst, `","topic":`...)
	dst = jsonline.AppendString(dst, p.Topic)
	dst = append(append(dst, `,"qos":`...), '0'+min(p.QoS, 2))
	if p.Retain {
		dst = append(dst, `,"retain":1,"payloadlen":`...)
	} else {
		dst = append(dst, `,"retain":0,"payloadlen":`...)
	}
	dst = strconv.AppendInt(dst, int64(len(p.Payload)), 10)
	if p.QoS > 0 {
		dst = append(dst, `,"mid":`...)
		dst = strconv.AppendUint(dst, uint64(p.PacketID), 10)
	}
	if len(p.Props) > 0 {
		dst = append(dst, `,"properties":{`...)
		dst = append(appendWireProperties(dst, p.Props), '}')
	}
	dst = append(dst, `,"payload":`...)
	body := m.body()
	switch {
	case len(body) == 0:
		dst = append(dst, `null`...)
	case raw && f.check.Valid(body):
		dst = jsonline.AppendCompact(dst, body, f.Visible)
	default:
		if raw {
			f.warning = ErrNotJSON
		}
		dst = appendMember(dst, body, `,"payload_encoding":"base64"`)
	}
	return append(dst, '}')
}

// appendMember appends b as a JSON string. If b is not UTF-8, the string is in base64 and
// followed by note.
func appendMember(dst, b []byte, note string) []byte {
	n := len(dst)
	dst, ok := jsonline.AppendText(append(dst, '"'), b)
	if ok {
		return append(dst, '"')
	}
	return append(jsonline.AppendBase64(dst[:n], b), note...)
}

// appendWireProperties appends the members of "properties" in the order of the packet.
// All user properties are one member, at the place of the first.
func appendWireProperties(dst []byte, ps proto.Props) []byte {
	from, users := len(dst), false
	for p := range ps.All() {
		if p.ID == proto.UserProperty && users {
			continue
		}
		if len(dst) > from {
			dst = append(dst, ',')
		}
		if p.ID == proto.UserProperty {
			users = true
			dst = append(dst, `"user-properties":{`...)
			dst = append(appendUsers(dst, ps), '}')
			continue
		}
		dst = append(append(append(dst, '"'), p.ID.String()...), '"', ':')
		switch p.ID {
		case proto.CorrelationData:
			dst = appendMember(dst, p.Value, `,"correlation-data_encoding":"base64"`)
		case proto.ContentType, proto.ResponseTopic:
			dst = jsonline.AppendString(dst, p.Value)
		default:
			dst = strconv.AppendUint(dst, uint64(p.Num), 10)
		}
	}
	return dst
}

// appendUsers appends each user property as a member. Keys are repeated as in the packet.
func appendUsers(dst []byte, ps proto.Props) []byte {
	from := len(dst)
	for p := range ps.All() {
		if p.ID != proto.UserProperty {
			continue
		}
		if len(dst) > from {
			dst = append(dst, ',')
		}
		dst = append(jsonline.AppendString(dst, p.Key), ':')
		dst = jsonline.AppendString(dst, p.Value)
	}
	return dst
}
