package conn

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"mqtt/internal/proto"
	"mqtt/internal/session"
)

// A violation is a packet that a server may not send, and what a client of version 5
// says about it.
type violation struct {
	name string
	v    proto.Version // 0: 3.1.1 and 5
	what any
	code byte
}

// Our own limits in these tests: Receive Maximum 2, Topic Alias Maximum 4, Maximum
// Packet Size 100. A QoS 1 and a QoS 2 message of ours (1, 2) are in flight, and a
// SUBSCRIBE of two filters (3) and an UNSUBSCRIBE (4) await their answers.
var violations = []violation{
	{"CONNECT", 0, "100c 00044d515454 04 02 0000 0000", 0x82},
	{"second CONNACK", 3, "20020000", 0},
	{"second CONNACK", 4, "20020000", 0},
	{"second CONNACK", 5, "2003000000", 0x82},
	{"SUBSCRIBE", 0, "8206 0001 0001 61 00", 0x82},
	{"UNSUBSCRIBE", 0, "a205 0001 0001 61", 0x82},
	{"PINGREQ", 0, "c000", 0x82},
	{"type 0", 0, "0000", 0x82},
	{"DISCONNECT below version 5", 4, "e000", 0},
	{"AUTH below version 5", 4, "f000", 0},
	{"AUTH without a method", 5, "f000", 0x82},
	{"AUTH that goes on with nothing", 5, &proto.Auth{Reason: proto.ContinueAuthentication, Props: props(proto.AuthenticationMethod, "m")}, 0x82},

	{"remaining length of five bytes", 0, "30ffffffff01", 0x81},
	{"remaining length longer than need be", 5, "d08000", 0x81},
	{"CONNACK flags", 0, "21020000", 0x82},
	{"PUBACK flags", 0, "41020001", 0x81},
	{"PUBREC flags", 0, "52020002", 0x81},
	{"PUBREL flags 0", 0, "60020001", 0x81},
	{"PUBREL flags 3", 0, "63020001", 0x81},
	{"PUBCOMP flags", 0, "71020002", 0x81},
	{"SUBACK flags", 4, "910400030000", 0},
	{"SUBACK flags", 5, "91050003000000", 0x81},
	{"UNSUBACK flags", 4, "b1020004", 0},
	{"PINGRESP flags", 0, "d100", 0x81},
	{"PINGRESP with a body", 0, "d00100", 0x81},
	{"DISCONNECT flags", 5, "e100", 0x81},
	{"AUTH flags", 5, "f100", 0x81},

	{"PUBLISH cut short", 0, "30020001", 0x81},
	{"PUBLISH QoS 3", 0, "3605 0001 61 0001", 0x81},
	{"PUBLISH DUP at QoS 0", 0, "3804 0001 61 00", 0x81},
	{"PUBLISH identifier 0", 0, "3206 0001 61 0000 00", 0x82},
	{"PUBLISH to a/+", 0, "3006 0003 612f2b 00", 0x90},
	{"PUBLISH to #", 0, "3004 0001 23 00", 0x90},
	{"PUBLISH topic that is not UTF-8", 0, "3004 0001 ff 00", 0x81},
	{"PUBLISH topic with a surrogate", 0, "3006 0003 eda080 00", 0x81},
	{"PUBLISH topic with U+0000", 0, "3005 0002 6100 00", 0x81},
	{"PUBLISH without a topic", 0, "3003 0000 00", 0x82},
	{"user property that is not UTF-8", 5, "300a 0001 61 06 26 0001 ff 0000", 0x81},
	{"user property with U+0000", 5, "300a 0001 61 06 26 0000 0001 00", 0x81},
	{"content type that is not UTF-8", 5, "3008 0001 61 04 03 0001 ff", 0x81},
	{"response topic that is not UTF-8", 5, "3008 0001 61 04 08 0001 ff", 0x81},
	{"response topic with a wildcard", 5, "3008 0001 61 04 08 0001 23", 0x82},
	{"property that is none", 5, "3006 0001 61 02 7f 00", 0x81},
	{"property of another packet", 5, "3007 0001 61 03 21 0001", 0x81},
	{"property twice", 5, "3008 0001 61 04 01 00 01 00", 0x82},
	{"properties cut short", 5, "3004 0001 61 7f", 0x81},
	{"topic alias 0", 5, "3007 0001 61 03 23 0000", 0x94},
	{"topic alias beyond our maximum", 5, "3007 0001 61 03 23 0005", 0x94},
	{"topic alias that was never set", 5, "3006 0000 03 23 0004", 0x82},
	{"packet beyond our maximum", 5, "3063 0001 61 00" + strings.Repeat("78", 95), 0x95},

	{"PUBACK reason unlisted", 5, "4003000101", 0x82},
	{"PUBREC reason of PUBREL", 5, "5003000292", 0x82},
	{"PUBREL reason of PUBREC", 5, "6203000280", 0x82},
	{"PUBACK for QoS 2", 0, "40020002", 0x82},
	{"PUBREC for QoS 1", 0, "50020001", 0x82},
	{"PUBCOMP for QoS 1", 0, "70020001", 0x82},
	{"PUBCOMP before PUBREC", 0, "70020002", 0x82},
	{"PUBACK for SUBSCRIBE", 0, "40020003", 0x82},
	{"PUBACK identifier 0", 0, "40020000", 0x82},
	{"PUBACK of one byte", 0, "400100", 0x81},
	{"SUBACK for no request", 4, "9003000900", 0},
	{"SUBACK for no request", 5, "900400090000", 0x82},
	{"SUBACK for a message", 5, "900400010000", 0x82},
	{"SUBACK for UNSUBSCRIBE", 5, "900400040000", 0x82},
	{"SUBACK with a reason too few", 4, "9003000300", 0},
	{"SUBACK with a reason too many", 5, "90060003000000 00", 0x82},
	{"SUBACK reason unlisted", 5, "9005000300 0005", 0x82},
	{"SUBACK return code reserved", 4, "900400030003", 0},
	{"UNSUBACK for SUBSCRIBE", 5, "b0050003000000", 0x82},
	{"UNSUBACK for no request", 4, "b0020009", 0},
	{"DISCONNECT reason of a client", 5, "e00118", 0x82},
}

// TestViolations checks that each violation ends the connection, and that in version 5 the server
// is told the right reason, with nothing after it [MQTT-1.5.4-1], [MQTT-1.5.4-2], [MQTT-1.5.5-1],
// [MQTT-1.5.7-1], [MQTT-2.1.3-1], [MQTT-3.3.1-4], [MQTT-3.3.2-1], [MQTT-3.3.2-2], [MQTT-3.3.2-8],
// [MQTT-3.3.2-13], [MQTT-3.3.2-14], [MQTT-3.3.2-19], [MQTT-3.4.2-1], [MQTT-3.5.2-1],
// [MQTT-3.6.1-1], [MQTT-3.6.2-1], [MQTT-3.14.1-1], [MQTT-3.14.2-1], [MQTT-3.14.4-1],
// [MQTT-3.14.4-2], [MQTT-3.15.1-1], [MQTT-4.7.3-1], [MQTT-4.7.3-2], [MQTT-4.12.0-7]; 3.1.1
// [MQTT-1.5.3-1], [MQTT-1.5.3-2], [MQTT-2.2.2-2], [MQTT-2.3.1-1], [MQTT-3.9.3-2], [MQTT-4.7.1-1],
// [MQTT-4.8.0-1].
func TestViolations(t *testing.T) {
	for _, k := range violations {
		for _, v := range versions {
			if k.v != 0 && k.v != v || k.v == 0 && v == proto.V31 {
				continue
			}
			t.Run(k.name+" "+v.String(), func(t *testing.T) { synctest.Test(t, func(t *testing.T) { k.run(t, v) }) })
		}
	}
}

func (k violation) run(t *testing.T, v proto.Version) {
	subscribe := func(id uint16) *proto.Subscribe {
		return &proto.Subscribe{PacketID: id, Filters: []proto.Subscription{{Filter: "a"}, {Filter: "b"}}}
	}
	unsubscribe := func(id uint16) *proto.Unsubscribe {
		return &proto.Unsubscribe{PacketID: id, Filters: []string{"c"}}
	}
	cfg := script(t, v, func(p *peer) {
		p.greet(false)
		p.expect(msg(1, 1, "t", "x"), msg(2, 2, "t", "x"), subscribe(3), unsubscribe(4))
		p.send(msg(1, 5, "a", "good"), k.what, msg(0, 0, "a", "behind"))
		p.expect(ack(proto.PUBACK, 5))
		if v == proto.V5 {
			p.expect([]byte{0xE0, 1, k.code})
		}
		p.end()
	})
	if v == proto.V5 {
		cfg.Connect.Props = props(proto.ReceiveMaximum, 2, proto.TopicAliasMaximum, 4, proto.MaximumPacketSize, 100)
	}
	c := start(t, cfg)
	publish(t, c, msg(1, 0, "t", "x"), 1)
	publish(t, c, msg(2, 0, "t", "x"), 2)
	send(t, c, subscribe(0))
	send(t, c, unsubscribe(0))
	nextMessage(t, c, "good")
	err := nextError(t, c)
	var wrong *Violation
	var cause *proto.Error
	if !errors.As(err, &wrong) || !errors.As(err, &cause) || Lost(err) {
		t.Errorf("error %v", err)
	}
	if again := nextError(t, c); again != err {
		t.Errorf("then %v", again)
	}
}

// TestViolationReceiveMaximum checks that more QoS 2 messages than our Receive Maximum are a
// violation with reason 0x93. The owner does not get the last one, so it is new when it is sent
// again [MQTT-3.14.2-1].
func TestViolationReceiveMaximum(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := held(t, proto.V5,
			func(p *peer) {
				p.greet(false)
				p.send(msg(2, 1, "a", "1"), msg(2, 2, "a", "2"), ack(proto.PUBREL, 1), msg(2, 1, "a", "3"), msg(2, 3, "a", "4"))
				p.expect(ack(proto.PUBREC, 1), ack(proto.PUBREC, 2), ack(proto.PUBCOMP, 1), ack(proto.PUBREC, 1), "e00193")
				p.end()
			},
			func(p *peer) {
				p.greet(true)
				p.send(ack(proto.PUBREL, 1), ack(proto.PUBREL, 2), dup(msg(2, 3, "a", "4")))
				p.expect(ack(proto.PUBCOMP, 1), ack(proto.PUBCOMP, 2), ack(proto.PUBREC, 3))
				p.bye()
			})
		cfg.Connect.Props = cfg.Connect.Props.AppendNum(proto.ReceiveMaximum, 2)
		var s session.Session
		c := resumed(t, cfg, &s)
		for _, payload := range []string{"1", "2", "3"} {
			nextMessage(t, c, payload)
		}
		if err := nextError(t, c); Lost(err) {
			t.Errorf("error %v", err)
		}
		c = resumed(t, cfg, &s)
		nextMessage(t, c, "4")
		closed(t, c)
	})
}

// TestViolationsBeforeConnack checks that other packets before CONNACK, and a malformed CONNACK,
// are violations [MQTT-2.1.3-1], [MQTT-1.5.4-1]; 3.1.1 [MQTT-2.2.2-2].
func TestViolationsBeforeConnack(t *testing.T) {
	for _, k := range []violation{
		{"PUBLISH", 0, msg(0, 0, "a", "x"), 0x82},
		{"PINGRESP", 0, "d000", 0x82},
		{"flags", 4, "21020000", 0},
		{"flags", 5, "2103000000", 0x81},
		{"reserved acknowledge flag", 5, "2003020000", 0x81},
		{"return code 6", 4, "20020006", 0},
		{"reason unlisted", 5, "2003008e00", 0x82},
		{"session present in a refusal", 5, "2003018700", 0x82},
		{"reason string that is not UTF-8", 5, "2007000004 1f0001ff", 0x81},
		{"Receive Maximum 0", 5, "2006000003 210000", 0x82},
		{"Maximum QoS 2", 5, "2005000002 2402", 0x82},
		{"bytes left over", 4, "2003000000", 0},
		{"AUTH without a method", 5, "f000", 0x82},
	} {
		for _, v := range versions[1:] {
			if k.v != 0 && k.v != v {
				continue
			}
			t.Run(k.name+" "+v.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					_, err := Dial(t.Context(), script(t, v, func(p *peer) {
						p.hello()
						p.send(k.what)
						if v == proto.V5 {
							p.expect([]byte{0xE0, 1, k.code})
						}
						p.end()
					}), new(session.Session))
					var wrong *Violation
					if !errors.As(err, &wrong) || Lost(err) {
						t.Errorf("error %v", err)
					}
				})
			})
		}
	}
}
