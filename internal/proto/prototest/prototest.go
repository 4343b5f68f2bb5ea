// Package prototest has messages of every shape for tests: for golden files, schemas
// and the seeds of fuzz tests.
package prototest

import "mqtt/internal/proto"

// Properties returns every property that a PUBLISH can carry, those that may repeat twice.
func Properties() proto.Props {
	var ps proto.Props
	return ps.AppendPair("k", "v").
		AppendNum(proto.PayloadFormatIndicator, 1).
		AppendNum(proto.MessageExpiryInterval, 4294967295).
		AppendText(proto.ContentType, "text/plain").
		AppendText(proto.ResponseTopic, "r/ü").
		AppendValue(proto.CorrelationData, []byte{0, 255, 'a'}).
		AppendNum(proto.SubscriptionIdentifier, 1).
		AppendNum(proto.TopicAlias, 65535).
		AppendNum(proto.SubscriptionIdentifier, 268435455).
		AppendPair("k", "second \x1b")
}

// Publishes returns messages of every shape.
func Publishes() []*proto.Publish {
	b := func(s string) []byte { return []byte(s) }
	return []*proto.Publish{
		{Topic: b("a/b"), QoS: 1, PacketID: 10, Payload: b("text")},
		{Topic: b("empty")},
		{Topic: b("retained"), Retain: true, Payload: b("21.5")},
		{Topic: b("nul"), Payload: b("a\x00b")},
		{Topic: b("binary"), QoS: 2, Dup: true, PacketID: 65535, Payload: b("\xff\xfe")},
		{Topic: b("controls"), Payload: b("\x1b[2J\x7f\u0085\u009b\r\n\t\b\f\x01")},
		{Topic: b("quotes"), Payload: b(`"a" \ / </script>`)},
		{Topic: b("direction"), Payload: b("abc\u202edef\u2066x\u2069\u200f")},
		{Topic: b("unicode/é/日本"), Payload: b("naïve 日本語 🎉 \u2028 \U0010ffff")},
		{Topic: b("spaces and\ttabs"), Payload: b("two\nlines")},
		{Topic: b("json"), Payload: b(`{"n":1724442618569203714,"f":127.0}`)},
		{Topic: b("props"), QoS: 1, PacketID: 1, Props: Properties(), Payload: b("p")},
	}
}
