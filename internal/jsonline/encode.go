package jsonline

import (
	"strconv"
	"time"

	"mqtt/internal/proto"
)

// Encoder appends messages as lines of JSON that lose nothing. Times are in UTC with
// nine digits of the second. A payload that is UTF-8 is a string, which may contain
// NUL; any other payload is in base64 under a different key. The zero value is ready.
type Encoder struct {
	clock stamp
}

// middles is the text between topic and payload, by QoS and RETAIN.
var middles = [...]string{
	`","qos":0,"retain":false,"payload":"`,
	`","qos":0,"retain":true,"payload":"`,
	`","qos":1,"retain":false,"payload":"`,
	`","qos":1,"retain":true,"payload":"`,
	`","qos":2,"retain":false,"payload":"`,
	`","qos":2,"retain":true,"payload":"`,
}

// Append appends p, received at that time, as a JSON object without a newline.
func (e *Encoder) Append(dst []byte, received time.Time, p *proto.Publish) []byte {
	dst = e.clock.append(dst, `{"time":"`, received, `","topic":"`)
	start := len(dst)
	dst, ok := AppendText(dst, p.Topic)
	if !ok {
		dst = AppendString(dst[:start-1], p.Topic)
		dst = dst[:len(dst)-1]
	}
	i := int(min(p.QoS, 2)) << 1
	if p.Retain {
		i++
	}
	dst = append(dst, middles[i]...)
	start = len(dst)
	if dst, ok = AppendText(dst, p.Payload); ok {
		dst = append(dst, '"')
	} else {
		dst = append(dst[:start-len(`":"`)], `_base64":`...)
		dst = AppendBase64(dst, p.Payload)
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

// AppendDecoded adds the member "decoded" to the object that dst ends with. decoded is JSON.
func AppendDecoded(dst, decoded []byte) []byte {
	dst = append(dst[:len(dst)-1], `,"decoded":`...)
	return append(append(dst, decoded...), '}')
}

// propertyKeys are the properties of a PUBLISH with their keys, in the order in which
// a line has them. Properties that may repeat are arrays and come last.
var propertyKeys = [...]struct {
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

// firstArray is the index in propertyKeys of the first property that may repeat.
const firstArray = len(propertyKeys) - 2

// appendProperties appends a comma and the member "properties", or nothing if ps has
// no property that a PUBLISH carries. The first pass over ps finds one property of
// each kind; the second one, in appendArray, the others of a kind that may repeat.
func appendProperties(dst []byte, ps proto.Props) []byte {
	var found [len(propertyKeys)]proto.Prop
	some := false
	for p := range ps.All() {
		for i := range propertyKeys {
			if propertyKeys[i].id == p.ID {
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
		dst = append(append(append(dst, '"'), propertyKeys[i].name...), '"', ':')
		if i >= firstArray {
			dst = appendArray(dst, ps, p.ID)
		} else {
			dst = appendProperty(dst, *p)
		}
		dst = append(dst, ',')
	}
	dst[len(dst)-1] = '}'
	return dst
}

// appendArray appends all properties id of ps, of which there is at least one.
func appendArray(dst []byte, ps proto.Props, id proto.PropID) []byte {
	dst = append(dst, '[')
	for p := range ps.All() {
		if p.ID == id {
			dst = append(appendProperty(dst, p), ',')
		}
	}
	dst[len(dst)-1] = ']'
	return dst
}

// appendProperty appends the value of p.
func appendProperty(dst []byte, p proto.Prop) []byte {
	switch p.ID {
	case proto.UserProperty:
		dst = AppendString(append(dst, '['), p.Key)
		return append(AppendString(append(dst, ','), p.Value), ']')
	case proto.CorrelationData:
		return AppendBase64(dst, p.Value)
	case proto.ContentType, proto.ResponseTopic:
		return AppendString(dst, p.Value)
	}
	return strconv.AppendUint(dst, uint64(p.Num), 10)
}
