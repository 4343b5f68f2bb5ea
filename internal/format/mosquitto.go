package format

import (
	"strconv"

	"mqtt/internal/jsonline"
	"mqtt/internal/proto"
)

// json appends %j, or %J with raw, by mosquitto's keys in mosquitto's order. Where
// mosquitto cuts at a NUL, prints what is no JSON or counts in doubles, this does not:
// a payload, or correlation data, that is not UTF-8 is in base64 and a member
// payload_encoding says so, and raw JSON is taken byte for byte less the white space
// between its tokens.
func (f *Format) json(dst []byte, m *Message, raw bool) []byte {
	if !f.Pretty {
		return f.object(dst, m, raw)
	}
	f.compact = f.object(f.compact[:0], m, raw)
	return jsonline.AppendIndented(dst, f.compact)
}

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
	switch {
	case len(p.Payload) == 0:
		dst = append(dst, `null`...)
	case raw && f.check.Valid(p.Payload):
		dst = jsonline.AppendCompact(dst, p.Payload, f.Visible)
	default:
		if raw {
			f.warning = ErrNotJSON
		}
		dst = appendMember(dst, p.Payload, `,"payload_encoding":"base64"`)
	}
	return append(dst, '}')
}

// appendMember appends b as a JSON string, in base64 and with note behind it if it is
// not UTF-8.
func appendMember(dst, b []byte, note string) []byte {
	n := len(dst)
	dst, ok := jsonline.AppendText(append(dst, '"'), b)
	if ok {
		return append(dst, '"')
	}
	return append(jsonline.AppendBase64(dst[:n], b), note...)
}

// appendWireProperties appends the members of "properties", by their names and in
// their order on the wire, the user properties together where the first one stands.
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

// appendUsers appends each user property as a member; a key that comes twice does so
// here as well.
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
