package format

import (
	"strconv"

	"mqtt/internal/proto"
)

// JSON prints a message as a line of JSON that loses nothing: message.schema.json
// describes it, Record reads it. Time is in UTC with nine digits. A payload that is
// UTF-8 is a string, NUL included; another is in base64 under a key of its own.
type JSON struct {
	Pretty bool // over several lines, indented

	clock stamp
	whole []byte // of a pretty message, before it is indented
}

// heads is what stands between topic and payload, by QoS and RETAIN.
var heads = [...]string{
	`","qos":0,"retain":false,"payload":"`,
	`","qos":0,"retain":true,"payload":"`,
	`","qos":1,"retain":false,"payload":"`,
	`","qos":1,"retain":true,"payload":"`,
	`","qos":2,"retain":false,"payload":"`,
	`","qos":2,"retain":true,"payload":"`,
}

// Append appends the line of m with its newline.
func (j *JSON) Append(dst []byte, m *Message) []byte {
	if !j.Pretty {
		return append(j.line(dst, m), '\n')
	}
	j.whole = j.line(j.whole[:0], m)
	return append(appendIndented(dst, j.whole), '\n')
}

// Warning returns nil.
func (j *JSON) Warning() error { return nil }

func (j *JSON) line(dst []byte, m *Message) []byte {
	p := m.Publish
	dst = j.clock.append(dst, `{"time":"`, m.Received, `","topic":"`)
	n := len(dst)
	dst, ok := appendEscaped(dst, p.Topic)
	if !ok {
		dst = appendString(dst[:n-1], p.Topic)
		dst = dst[:len(dst)-1]
	}
	head := int(min(p.QoS, 2)) << 1
	if p.Retain {
		head++
	}
	dst = append(dst, heads[head]...)
	n = len(dst)
	if dst, ok = appendEscaped(dst, p.Payload); ok {
		dst = append(dst, '"')
	} else {
		dst = append(dst[:n-len(`":"`)], `_base64":`...)
		dst = appendBase64(dst, p.Payload)
	}
	if p.Dup {
		dst = append(dst, `,"dup":true`...)
	}
	if p.PacketID != 0 {
		dst = append(dst, `,"mid":`...)
		dst = strconv.AppendUint(dst, uint64(p.PacketID), 10)
	}
	if len(p.Props) > 0 {
		dst = appendProperties(dst, p.Props)
	}
	return append(dst, '}')
}

// jsonNames are the properties of a PUBLISH in the order and by the names of a JSON
// line; those that may repeat are lists.
var jsonNames = [...]struct {
	id   proto.PropID
	name string
}{
	{proto.ContentType, "content_type"},
	{proto.ResponseTopic, "response_topic"},
	{proto.CorrelationData, "correlation_data_base64"},
	{proto.MessageExpiryInterval, "message_expiry_interval"},
	{proto.PayloadFormatIndicator, "payload_format_indicator"},
	{proto.TopicAlias, "topic_alias"},
	{proto.SubscriptionIdentifier, "subscription_identifiers"},
	{proto.UserProperty, "user_properties"},
}

// lists is where the properties that may repeat begin in jsonNames.
const lists = len(jsonNames) - 2

// appendProperties appends the member "properties" with a comma before it, nothing if
// ps has none that a PUBLISH carries. Two passes put them in order: the first finds
// those that come once.
func appendProperties(dst []byte, ps proto.Props) []byte {
	var found [len(jsonNames)]proto.Prop
	some := false
	for p := range ps.All() {
		for i := range jsonNames {
			if jsonNames[i].id == p.ID {
				found[i], some = p, true
				break
			}
		}
	}
	if !some {
		return dst
	}
	dst = append(dst, `,"properties":{`...)
	for i := range found {
		p := &found[i]
		if p.ID == 0 {
			continue
		}
		dst = append(append(append(dst, '"'), jsonNames[i].name...), '"', ':')
		if i >= lists {
			dst = appendList(dst, ps, p.ID)
		} else {
			dst = appendProperty(dst, *p)
		}
		dst = append(dst, ',')
	}
	dst[len(dst)-1] = '}'
	return dst
}

// appendList appends all properties id of ps.
func appendList(dst []byte, ps proto.Props, id proto.PropID) []byte {
	dst = append(dst, '[')
	for p := range ps.All() {
		if p.ID == id {
			dst = append(appendProperty(dst, p), ',')
		}
	}
	dst[len(dst)-1] = ']'
	return dst
}

func appendProperty(dst []byte, p proto.Prop) []byte {
	switch p.ID {
	case proto.UserProperty:
		dst = appendString(append(dst, '['), p.Key)
		return append(appendString(append(dst, ','), p.Value), ']')
	case proto.CorrelationData:
		return appendBase64(dst, p.Value)
	case proto.ContentType, proto.ResponseTopic:
		return appendString(dst, p.Value)
	}
	return strconv.AppendUint(dst, uint64(p.Num), 10)
}
