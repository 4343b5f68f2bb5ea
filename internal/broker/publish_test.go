package broker

import (
	"fmt"
	"testing"

	"mqtt/internal/proto"
)

func TestQoSIsTheSmallerOfBoth(t *testing.T) {
	everyVersion(t, Options{}, func(k *bench, v proto.Version) {
		for granted := range byte(3) {
			s := k.connect(v, fmt.Sprint("s", granted))
			s.subscribe(to("t", granted))
			for q := range byte(3) {
				p := k.connect(v, "p")
				p.send(pub("t", "m", q, uint16(q)))
				switch q {
				case 1: // [MQTT-3.3.4-1], 3.1.1 [MQTT-3.3.4-1]
					p.want("PUBACK 1") // [MQTT-4.3.2-4]
				case 2:
					p.want("PUBREC 2")
					p.send(ack(proto.PUBREL, 2))
					p.want("PUBCOMP 2") // [MQTT-4.3.3-11]
				}
				switch min(q, granted) { // [MQTT-3.8.4-8]
				case 0: // no identifier, no DUP: [MQTT-2.2.1-2], [MQTT-4.3.1-1], 3.1.1 [MQTT-2.3.1-5], [MQTT-4.3.1-1]
					s.want(`PUBLISH t "m"`)
				case 1:
					x := s.next().(*proto.Publish)
					if x.QoS != 1 || x.Dup {
						t.Errorf("%s", dump(x))
					}
					s.send(ack(proto.PUBACK, x.PacketID))
				case 2:
					x := s.next().(*proto.Publish)
					s.send(ack(proto.PUBREC, x.PacketID))
					s.want(fmt.Sprintf("PUBREL %d", x.PacketID)) // [MQTT-4.3.3-4]
					s.send(ack(proto.PUBCOMP, x.PacketID))
				}
				s.silent()
				p.leave()
			}
		}
	})
}

func TestRepeatedQoS2IsAcknowledgedAndNotDeliveredTwice(t *testing.T) {
	everyVersion(t, Options{}, func(k *bench, v proto.Version) {
		k.misbehaves()
		s, p := k.connect(v, "s"), k.connect(v, "p")
		s.subscribe(to("t", 0))
		p.send(pub("t", "once", 2, 7))
		p.want("PUBREC 7")
		p.send(pub("t", "once", 2, 7, dup))
		p.want("PUBREC 7") // [MQTT-4.3.3-10], 3.1.1 [MQTT-4.3.3-2]
		p.send(ack(proto.PUBREL, 7))
		p.want("PUBCOMP 7")
		s.want(`PUBLISH t "once"`)
		s.silent()
		p.send(ack(proto.PUBREL, 7)) // again
		if v == proto.V5 {
			p.want("PUBCOMP 7 92")
		} else {
			p.want("PUBCOMP 7")
		}
		p.send(pub("t", "new", 2, 7)) // the identifier is free again
		p.want("PUBREC 7")
		s.want(`PUBLISH t "new"`)
	})
}

func TestIdentifiersOfBothDirectionsAreApart(t *testing.T) {
	everyVersion(t, Options{}, func(k *bench, v proto.Version) {
		c := k.connect(v, "c")
		c.subscribe(to("t", 2))
		c.send(pub("t", "one", 2, 1)) // the broker's own identifier will be 1, too
		c.want(`PUBLISH t "one" q2 id1`, "PUBREC 1")
		c.send(ack(proto.PUBREL, 1))
		c.want("PUBCOMP 1")
		c.send(pub("t", "two", 1, 1))
		c.want(`PUBLISH t "two" q1 id2`, "PUBACK 1")
		c.send(ack(proto.PUBREC, 1)) // of the first, which is still there
		c.want("PUBREL 1")
		c.send(ack(proto.PUBCOMP, 1), ack(proto.PUBACK, 2))
		c.silent()
	})
}

func TestAcknowledgementsKeepTheOrderOfTheirMessages(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		k.misbehaves()
		p := k.connect(proto.V5, "p")
		// [MQTT-4.6.0-2], [MQTT-4.6.0-3], and refusals do not overtake
		p.send(pub("a", "", 1, 1), pub("b", "", 1, 2), pub("$x", "", 1, 3), pub("a", "", 2, 4), pub("b", "", 2, 5),
			pub("a", "", 1, 6), ack(proto.PUBREL, 5), ack(proto.PUBREL, 4), &proto.Ping{Kind: proto.PINGREQ})
		p.want("PUBACK 1 10", "PUBACK 2 10", "PUBACK 3 90 why", "PUBREC 4 10", "PUBREC 5 10", "PUBACK 6 10",
			"PUBCOMP 5", "PUBCOMP 4", "PINGRESP")
	})
}

func TestMessagesKeepTheirOrder(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		s, p := k.connect(proto.V5, "s"), k.connect(proto.V5, "p")
		s.subscribe(to("+", 2))
		var all []proto.Packet
		for i := range 300 { // many topics, one read [MQTT-4.6.0-5], [MQTT-4.6.0-6], 3.1.1 [MQTT-4.6.0-5], [MQTT-4.6.0-6]
			all = append(all, pub(fmt.Sprint("t", i%3), fmt.Sprint(i), 0, 0))
		}
		p.send(all...)
		for i := range 300 {
			s.want(fmt.Sprintf(`PUBLISH t%d "%d"`, i%3, i))
		}
	})
}

func TestNoMatchingSubscribersIsOnlyForMQTT5(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		p, q := k.connect(proto.V5, "p"), k.connect(proto.V311, "q")
		p.send(pub("nobody", "", 1, 1), pub("nobody", "", 2, 2))
		p.want("PUBACK 1 10", "PUBREC 2 10")
		p.send(ack(proto.PUBREL, 2))
		p.want("PUBCOMP 2")
		q.send(pub("nobody", "", 1, 1))
		q.want("PUBACK 1")
		p.send(sub(3, proto.Subscription{Filter: "own", NoLocal: true}), pub("own", "", 1, 4))
		p.want("SUBACK 3 00", "PUBACK 4 10")
	})
}

func TestTopicsWithDollarAreTheServers(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		s, p, q := k.connect(proto.V5, "s"), k.connect(proto.V5, "p"), k.connect(proto.V311, "q")
		s.subscribe(to("#", 0), to("+/x", 0), to("$x/x", 0))
		p.send(pub("$x/x", "", 0, 0), pub("$x/x", "", 1, 1), pub("$x/x", "", 2, 2))
		p.want("PUBACK 1 90 why", "PUBREC 2 90 why")
		q.send(pub("$x/x", "", 1, 1)) // it cannot be refused
		q.want("PUBACK 1")            // 3.1.1 [MQTT-3.3.5-2]
		s.silent()                    // [MQTT-4.7.2-1], 3.1.1 [MQTT-4.7.2-1]
	})
}

func TestWhatAPublishMustNotHave(t *testing.T) {
	for name, c := range map[string]struct{ hex, want string }{
		"QoS 3 [MQTT-3.3.1-4]":                    {"3606 0001 78 0001 00", "DISCONNECT 81 why"},
		"DUP at QoS 0 [MQTT-3.3.1-2]":             {"3804 0001 78 00", "DISCONNECT 81 why"},
		"identifier 0 [MQTT-2.2.1-3]":             {"3206 0001 78 0000 00", "DISCONNECT 82 why"},
		"wildcard [MQTT-3.3.2-2]":                 {"3004 0001 23 00", "DISCONNECT 90 why"},
		"no topic, no alias":                      {"3003 0000 00", "DISCONNECT 82 why"},
		"subscription identifier [MQTT-3.3.4-6]":  {"3006 0001 78 02 0B01", "DISCONNECT 82 why"},
		"content type twice":                      {"300C 0001 78 08 030001 61 030001 61", "DISCONNECT 82 why"},
		"property of another packet":              {"3007 0001 78 03 210001", "DISCONNECT 81 why"},
		"payload format 2":                        {"3006 0001 78 02 0102", "DISCONNECT 82 why"},
		"response topic with a wildcard":          {"3008 0001 78 04 080001 23", "DISCONNECT 82 why"},
		"topic cut short":                         {"3003 0005 78", "DISCONNECT 81 why"},
		"topic that is not UTF-8 [MQTT-1.5.4-1]":  {"3004 0001 FF 00", "DISCONNECT 81 why"},
		"properties beyond the end":               {"3004 0001 78 05", "DISCONNECT 81 why"},
		"PUBREL with the wrong bits":              {"6002 0001", "DISCONNECT 81 why"},
		"PUBACK identifier 0":                     {"4002 0000", "DISCONNECT 82 why"},
		"a reason that PUBACK has not":            {"4003 0001 92", "DISCONNECT 82 why"},
		"CONNACK from a client":                   {"2003 000000", "DISCONNECT 82 why"},
		"packet type 0":                           {"0000", "DISCONNECT 81 why"},
		"PINGREQ with a body":                     {"C00100", "DISCONNECT 81 why"},
		"Remaining Length of five bytes":          {"30 FFFFFFFF01", "DISCONNECT 81 why"},
		"AUTH without a method [MQTT-4.12.0-7]":   {"F000", "DISCONNECT 82 why"},
		"DISCONNECT with reserved bits":           {"E100", "DISCONNECT 81 why"},
		"DISCONNECT with session expiry after 0":  {"E007 00 05 1100000001", "DISCONNECT 82 why"},
		"SUBSCRIBE without filters":               {"8203 0001 00", "DISCONNECT 82 why"}, // [MQTT-3.8.3-2]
		"SUBSCRIBE with the wrong bits":           {"8007 0001 00 0001 61 00", "DISCONNECT 81 why"},
		"SUBSCRIBE with reserved option bits":     {"8207 0001 00 0001 61 40", "DISCONNECT 81 why"},
		"SUBSCRIBE with QoS 3":                    {"8207 0001 00 0001 61 03", "DISCONNECT 81 why"},
		"retain handling 3":                       {"8207 0001 00 0001 61 30", "DISCONNECT 82 why"},
		"subscription identifier 0":               {"8209 0001 02 0B00 0001 61 00", "DISCONNECT 82 why"},
		"subscription identifier twice":           {"820B 0001 04 0B010B02 0001 61 00", "DISCONNECT 82 why"},
		"no-local on a share [MQTT-3.8.3-4]":      {"8210 0001 00 000A 2473686172652F6E2F61 04", "DISCONNECT 82 why"},
		"UNSUBSCRIBE without filters":             {"A203 0001 00", "DISCONNECT 82 why"},
		"PUBREC for what awaits PUBACK is no ack": {"5002 0001", ""},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, Options{}, func(k *bench) {
				k.misbehaves()
				p := k.connect(proto.V5, "p")
				p.hex(c.hex)
				if c.want == "" {
					p.want("PUBREL 1 92") // nothing is in flight
					p.silent()
					return
				}
				p.want(c.want) // [MQTT-4.13.1-1]
				p.closed()
			})
		})
	}
}

func TestReservedBitsCloseAt311WithoutAWord(t *testing.T) {
	for _, h := range []string{"6002 0001", "8006 0001 0001 61 00", "8206 0001 0001 61 04", "3605 0001 78 0001", "F000", "E000 00"} {
		t.Run(h, func(t *testing.T) {
			in(t, Options{}, func(k *bench) {
				k.misbehaves()
				p := k.connect(proto.V311, "p")
				p.hex(h)
				p.closed() // 3.1.1 [MQTT-2.2.2-2]
			})
		})
	}
}

func TestWithoutFeatures(t *testing.T) {
	all := Without{QoS2: true, Retain: true, Wildcards: true, Shared: true, Identifiers: true}
	in(t, Options{Without: all}, func(k *bench) {
		k.misbehaves()
		p := k.open(proto.V5, "p")
		// [MQTT-3.2.2-9]
		p.want("CONNACK 00 maximum-qos=1 retain-available=0 wildcard-subscription-available=0 subscription-identifier-available=0 shared-subscription-available=0")
		p.send(sub(1, to("a/#", 0), to("$share/g/a", 0), to("a", 2)))
		p.want("SUBACK 1 A2 9E 01 why")
		p.send(numbered(sub(2, to("a", 0)), 1))
		p.want("DISCONNECT A1")
		p = k.connect(proto.V5, "p")
		p.send(pub("a", "", 2, 1))
		p.want("DISCONNECT 9B why") // [MQTT-3.2.2-11]
		p = k.connect(proto.V5, "p")
		p.send(pub("a", "x", 0, 0, retain))
		p.want("DISCONNECT 9A") // [MQTT-3.2.2-14]
		k.open(proto.V5, "p", willed("w", "", func(w *proto.Will) { w.QoS = 2 })).want("CONNACK 9B why")
		k.open(proto.V5, "p", willed("w", "", func(w *proto.Will) { w.Retain = true })).want("CONNACK 9A why") // [MQTT-3.2.2-13]
	})
}
