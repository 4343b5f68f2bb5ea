package broker

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"mqtt/internal/proto"
)

// Texts of a PUBLISH. [MQTT-4.13.1-1], 3.1.1 [MQTT-4.8.0-1]
func TestPublishMustHaveItsForm(t *testing.T) {
	for name, c := range map[string]struct{ five, four, want string }{ // want: of version 5, "" if only 3.1.1 is meant
		"U+0000 in the topic [MQTT-4.7.3-2], 3.1.1 [MQTT-4.7.3-2]":                        {"3004 0001 00 00", "3003 0001 00", "DISCONNECT 81 why"},
		"surrogates in the topic [MQTT-3.3.2-1], 3.1.1 [MQTT-3.3.2-1]":                    {"3006 0003 EDA080 00", "3005 0003 EDA080", "DISCONNECT 81 why"},
		"no topic [MQTT-4.7.3-1], 3.1.1 [MQTT-4.7.3-1]":                                   {"3003 0000 00", "3002 0000", "DISCONNECT 82 why"},
		"a wildcard [MQTT-3.3.2-2], [MQTT-4.7.0-1], 3.1.1 [MQTT-3.3.2-2], [MQTT-4.7.1-1]": {"3006 0003 612F2B 00", "3005 0003 612F2B", "DISCONNECT 90 why"},
		"QoS 3 [MQTT-3.3.1-4], 3.1.1 [MQTT-3.3.1-4]":                                      {"3606 0001 78 0001 00", "3605 0001 78 0001", "DISCONNECT 81 why"},
		"DUP at QoS 0 [MQTT-3.3.1-2], 3.1.1 [MQTT-3.3.1-2]":                               {"3804 0001 78 00", "3803 0001 78", "DISCONNECT 81 why"},
		"identifier 0 [MQTT-2.2.1-3], 3.1.1 [MQTT-2.3.1-1]":                               {"3206 0001 78 0000 00", "3205 0001 78 0000", "DISCONNECT 82 why"},
		"PUBREL bits [MQTT-3.6.1-1], 3.1.1 [MQTT-3.6.1-1]":                                {"6002 0001", "6002 0001", "DISCONNECT 81 why"},
		"DISCONNECT bits [MQTT-3.14.1-1], 3.1.1 [MQTT-3.14.1-1]":                          {"E100", "E100", "DISCONNECT 81 why"},
		"user property's value that is not UTF-8 [MQTT-1.5.7-1]":                          {"300B 0001 78 07 26 0001 61 0001 FF", "", "DISCONNECT 81 why"},
		"response topic that is not UTF-8 [MQTT-3.3.2-13]":                                {"3008 0001 78 04 08 0001 FF", "", "DISCONNECT 81 why"},
		"response topic with a wildcard [MQTT-3.3.2-14]":                                  {"3008 0001 78 04 08 0001 23", "", "DISCONNECT 82 why"},
		"content type that is not UTF-8 [MQTT-3.3.2-19]":                                  {"3008 0001 78 04 03 0001 FF", "", "DISCONNECT 81 why"},
		"subscription identifier [MQTT-3.3.4-6]":                                          {"3006 0001 78 02 0B01", "", "DISCONNECT 82 why"},
		"topic alias 0 [MQTT-3.3.2-8]":                                                    {"3007 0001 78 03 230000", "", "DISCONNECT 94 why"},
		"a reason that PUBREL has not [MQTT-3.6.2-1]":                                     {"6203 0001 80", "", "DISCONNECT 82 why"},
		"a reason that PUBREC has not [MQTT-3.5.2-1]":                                     {"5003 0001 92", "", "DISCONNECT 82 why"},
		"a reason that PUBCOMP has not [MQTT-3.7.2-1]":                                    {"7003 0001 80", "", "DISCONNECT 82 why"},
		"a reason that PUBACK has not [MQTT-3.4.2-1]":                                     {"4003 0001 92", "", "DISCONNECT 82 why"},
		"a reason that a client's DISCONNECT has not [MQTT-3.14.2-1]":                     {"E001 FE", "", "DISCONNECT 82 why"},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, Options{}, func(k *bench) {
				k.misbehaves()
				p := k.connect(proto.V5, "p")
				p.hex(c.five)
				p.want(c.want)
				p.closed() // [MQTT-3.14.4-2]
				if c.four != "" {
					q := k.connect(proto.V311, "q")
					q.hex(c.four)
					q.closed()
				}
			})
		})
	}
}

func TestTopicsAreComparedAsTheyAre(t *testing.T) {
	everyVersion(t, Options{}, func(k *bench, v proto.Version) {
		s, p := k.connect(v, "s"), k.connect(v, "p")
		long := strings.Repeat("x", 65535) // [MQTT-4.7.3-3], 3.1.1 [MQTT-4.7.3-3]
		names := []string{"a/b", "a//b", "/a/b", "a/b/", "A/b", " a/b", "\u00e9", "e\u0301", "\ufeffx", "x", long}
		for i, n := range names {
			if i%2 == 0 {
				s.subscribe(to(n, 0))
			}
		}
		for i, n := range names { // [MQTT-4.7.3-4], [MQTT-3.3.2-3], [MQTT-1.5.4-3], 3.1.1 [MQTT-4.7.3-4], [MQTT-3.3.2-3], [MQTT-1.5.3-3]
			p.send(pub(n, fmt.Sprint(i), 0, 0))
			if i%2 == 0 {
				s.want(fmt.Sprintf(`PUBLISH %s "%d"`, n, i))
			}
			s.silent()
		}
	})
}

func TestDUPIsNotPassedOn(t *testing.T) {
	everyVersion(t, Options{}, func(k *bench, v proto.Version) {
		k.misbehaves()
		s, p := k.connect(v, "s"), k.connect(v, "p")
		s.subscribe(to("t", 1))
		p.send(pub("t", "m", 1, 1, dup))
		s.want(`PUBLISH t "m" q1 id1`) // [MQTT-3.3.1-3], [MQTT-4.3.2-2], 3.1.1 [MQTT-3.3.1-3]
		p.want("PUBACK 1")
		p.send(pub("t", "m", 1, 1, dup)) // after PUBACK the identifier is a new message's, whatever DUP says
		s.want(`PUBLISH t "m" q1 id2`)   // [MQTT-4.3.2-5], 3.1.1 [MQTT-4.3.2-2]
	})
}

func TestRetainedIsReplacedOrLeft(t *testing.T) {
	everyVersion(t, Options{}, func(k *bench, v proto.Version) {
		p := k.connect(v, "p")
		look := func(want ...string) {
			t.Helper()
			s := k.connect(v, "s")
			s.send(sub(1, to("t", 1)))
			s.want(append([]string{"SUBACK 1 01"}, want...)...)
			s.silent()
			s.leave() // its session ends, the message does not: 3.1.1 [MQTT-3.1.2-7]
		}
		p.send(pub("t", "one", 1, 1, retain)) // with its QoS: [MQTT-3.3.1-5], 3.1.1 [MQTT-3.3.1-5], [MQTT-3.3.1-6]
		look(`PUBLISH t "one" q1 id1 retain`)
		p.send(pub("t", "two", 0, 0, retain)) // 3.1.1 [MQTT-3.3.1-7]
		look(`PUBLISH t "two" retain`)
		p.send(pub("t", "plain", 1, 2), pub("t", "", 1, 3)) // [MQTT-3.3.1-8], 3.1.1 [MQTT-3.3.1-12]
		look(`PUBLISH t "two" retain`)
		p.send(pub("t", "", 0, 0, retain)) // [MQTT-3.3.1-6], [MQTT-3.3.1-7], 3.1.1 [MQTT-3.3.1-10], [MQTT-3.3.1-11]
		look()
	})
}

// Packet identifiers of the broker are independent of the client's, and never those of an
// unfinished message.
func TestIdentifiersAreUnused(t *testing.T) {
	everyVersion(t, Options{Inflight: 4}, func(k *bench, v proto.Version) {
		k.misbehaves()
		s, p := k.connect(v, "s"), k.connect(v, "p")
		s.subscribe(to("t", 2))
		for i := range uint16(40) {
			p.send(pub("t", fmt.Sprint(i), byte(1+i%2), 100+i))
		}
		open := map[uint16]byte{}
		for done := 0; done < 40; {
			switch x := s.next().(type) {
			case *proto.Publish:
				if _, used := open[x.PacketID]; used || x.PacketID == 0 || x.Dup { // [MQTT-2.2.1-4], [MQTT-4.3.2-1], [MQTT-4.3.3-1], [MQTT-4.3.3-2], 3.1.1 [MQTT-2.3.1-4], [MQTT-4.3.2-1]
					t.Fatalf("%s while %v are unfinished", dump(x), open)
				}
				open[x.PacketID] = x.QoS
			case *proto.Ack: // PUBREL: [MQTT-4.3.3-4], [MQTT-2.2.1-5], 3.1.1 [MQTT-2.3.1-6], [MQTT-4.3.3-1]
				s.send(ack(proto.PUBCOMP, x.PacketID))
				delete(open, x.PacketID)
				done++
			case nil:
				for id, qos := range open { // any one of them
					if qos == 2 {
						s.send(ack(proto.PUBREC, id))
						break
					}
					s.send(ack(proto.PUBACK, id))
					delete(open, id)
					done++
					break
				}
			}
		}
		s.silent()
	})
}

// A QoS 2 exchange is completed, across connections and after the message has expired.
func TestQoS2IsFinished(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		k.misbehaves()
		s, p := k.kept(proto.V5, "s"), k.kept(proto.V5, "p")
		s.want("CONNACK 00")
		p.want("CONNACK 00")
		s.subscribe(to("t", 2))
		short := prop(proto.MessageExpiryInterval, 5)
		p.send(pub("t", "m", 2, 9, short))
		p.want("PUBREC 9") // [MQTT-4.3.3-8]
		s.want(`PUBLISH t "m" q2 id1 message-expiry-interval=5`)
		s.cut()
		k.pass(time.Minute)
		p.send(pub("t", "m", 2, 9, dup, short)) // expired long ago: [MQTT-4.3.3-13], [MQTT-4.3.3-10]
		p.want("PUBREC 9")
		p.send(ack(proto.PUBREL, 9))
		p.want("PUBCOMP 9") // [MQTT-4.3.3-11]
		s = k.kept(proto.V5, "s")
		s.want("CONNACK 00 present", `PUBLISH t "m" q2 id1 dup message-expiry-interval=1`) // [MQTT-4.3.3-3], [MQTT-4.3.3-7]
		s.send(ack(proto.PUBREC, 1))
		s.want("PUBREL 1")
		s.cut()
		s = k.kept(proto.V5, "s")
		s.want("CONNACK 00 present", "PUBREL 1") // [MQTT-4.3.3-5], [MQTT-4.3.3-6]
		s.send(ack(proto.PUBCOMP, 1))
		s.cut()
		s = k.kept(proto.V5, "s")
		s.want("CONNACK 00 present")
		s.silent()
		p.send(pub("$x", "", 2, 9)) // refused: the identifier is free at once [MQTT-4.3.3-9]
		p.want("PUBREC 9 90 why")
		p.send(pub("t", "new", 2, 9)) // [MQTT-4.3.3-12], 3.1.1 [MQTT-4.3.3-2]
		p.want("PUBREC 9")
		s.want(`PUBLISH t "new" q2 id1`)
	})
}

// Nothing is sent again while the connection lasts, and a refused message never.
func TestNothingIsSentAgainUnasked(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		s, p := k.kept(proto.V5, "s"), k.connect(proto.V5, "p")
		s.want("CONNACK 00")
		s.subscribe(to("t", 2))
		p.send(pub("t", "a", 1, 1), pub("t", "b", 2, 2), pub("t", "c", 1, 3))
		s.want(`PUBLISH t "a" q1 id1`, `PUBLISH t "b" q2 id2`, `PUBLISH t "c" q1 id3`)
		k.pass(24 * time.Hour)
		s.silent() // [MQTT-4.4.0-1]
		s.send(&proto.Ack{Kind: proto.PUBACK, PacketID: 1, Reason: proto.UnspecifiedError},
			&proto.Ack{Kind: proto.PUBREC, PacketID: 2, Reason: proto.QuotaExceeded})
		s.silent()
		s.cut()
		s = k.kept(proto.V5, "s")
		s.want("CONNACK 00 present", `PUBLISH t "c" q1 id3 dup`) // [MQTT-4.4.0-2], [MQTT-4.3.2-3], [MQTT-3.3.1-1]
		s.silent()
	})
}

// A full inflight window delays messages at QoS 1 and 2, and nothing else.
func TestAFullWindowHoldsUpNothingElse(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		k.misbehaves()
		s, p := k.connect(proto.V5, "s", num(proto.ReceiveMaximum, 1)), k.connect(proto.V5, "p")
		s.subscribe(to("t", 2))
		p.send(pub("t", "a", 2, 1), pub("t", "b", 1, 2))
		s.want(`PUBLISH t "a" q2 id1`) // [MQTT-4.9.0-1], [MQTT-3.3.4-9]
		s.send(ack(proto.PUBREC, 1))
		s.want("PUBREL 1")
		s.silent() // not before PUBCOMP
		s.send(&proto.Ping{Kind: proto.PINGREQ}, sub(2, to("u", 0)), &proto.Unsubscribe{PacketID: 3, Filters: []string{"u"}}, pub("x", "", 2, 4), ack(proto.PUBREL, 4))
		s.want("PINGRESP", "SUBACK 2 00", "UNSUBACK 3 00", "PUBREC 4 10", "PUBCOMP 4") // [MQTT-3.3.4-10], [MQTT-4.9.0-3]
		s.send(ack(proto.PUBCOMP, 1))
		s.want(`PUBLISH t "b" q1 id1`)
	})
}

// PUBRELs leave in the order of the PUBRECs [MQTT-4.6.0-4], 3.1.1 [MQTT-4.6.0-4].
func TestReleasesKeepTheOrderOfTheirPubrecs(t *testing.T) {
	everyVersion(t, Options{}, func(k *bench, v proto.Version) {
		k.misbehaves()
		s, p := k.connect(v, "s"), k.connect(v, "p")
		s.subscribe(to("t", 2))
		p.send(pub("t", "a", 2, 1), pub("t", "b", 2, 2), pub("t", "c", 2, 3))
		s.want(`PUBLISH t "a" q2 id1`, `PUBLISH t "b" q2 id2`, `PUBLISH t "c" q2 id3`)
		s.send(ack(proto.PUBREC, 3), ack(proto.PUBREC, 1), ack(proto.PUBREC, 2))
		s.want("PUBREL 3", "PUBREL 1", "PUBREL 2")
	})
}

// Reason strings are sent only if they fit, and the broker adds no user property of its own.
func TestWordsOnlyWhereTheyFit(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		k.misbehaves()
		dollar := "$" + strings.Repeat("x", 30)
		p := k.connect(proto.V5, "p")
		p.send(pub(dollar, "", 1, 1), pub(dollar, "", 2, 2))
		p.want("PUBACK 1 90 why", "PUBREC 2 90 why")
		p.asking(3, "a#", 0)
		p.want("SUBACK 3 8F why")
		p.send(&proto.Unsubscribe{PacketID: 4, Filters: []string{"a"}}, ack(proto.PUBREC, 5), ack(proto.PUBREL, 6))
		p.want("PUBREL 5 92", "UNSUBACK 4 11", "PUBCOMP 6 92")
		p.hex("C001 00")
		p.want("DISCONNECT 81 why")

		p = k.connect(proto.V5, "p", num(proto.MaximumPacketSize, 24))
		p.send(pub(dollar, "", 1, 1), pub(dollar, "", 2, 2))
		p.want("PUBACK 1 90", "PUBREC 2 90") // [MQTT-3.4.2-2], [MQTT-3.4.2-3], [MQTT-3.5.2-2], [MQTT-3.5.2-3]
		p.asking(3, "a#", 0)
		p.want("SUBACK 3 8F") // [MQTT-3.9.2-1], [MQTT-3.9.2-2]
		p.send(&proto.Unsubscribe{PacketID: 4, Filters: []string{"a"}}, ack(proto.PUBREC, 5), ack(proto.PUBREL, 6))
		p.want("PUBREL 5 92", "UNSUBACK 4 11", "PUBCOMP 6 92") // [MQTT-3.11.2-1], [MQTT-3.11.2-2], [MQTT-3.6.2-2], [MQTT-3.6.2-3], [MQTT-3.7.2-2], [MQTT-3.7.2-3]
		p.hex("C001 00")
		p.want("DISCONNECT 81") // [MQTT-3.14.2-3], [MQTT-3.14.2-4], and no session expiry [MQTT-3.14.2-2]
		p.closed()              // [MQTT-3.14.4-1]
	})
}
