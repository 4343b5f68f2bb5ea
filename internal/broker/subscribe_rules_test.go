package broker

import (
	"testing"
	"time"

	"mqtt/internal/proto"
)

// A malformed packet ends the connection. [MQTT-4.13.1-1], 3.1.1 [MQTT-4.8.0-1]
func TestSubscribeMustHaveItsForm(t *testing.T) {
	for name, c := range map[string]struct{ five, four, want string }{
		"SUBSCRIBE bits [MQTT-3.8.1-1], 3.1.1 [MQTT-3.8.1-1]":           {"8007 0001 00 0001 61 00", "8006 0001 0001 61 00", "DISCONNECT 81 why"},
		"filter that is not UTF-8 [MQTT-3.8.3-1], 3.1.1 [MQTT-3.8.3-1]": {"8207 0001 00 0001 FF 00", "8206 0001 0001 FF 00", "DISCONNECT 81 why"},
		"U+0000 in a filter":                                        {"8207 0001 00 0001 00 00", "8206 0001 0001 00 00", "DISCONNECT 81 why"},
		"no filter [MQTT-3.8.3-2], 3.1.1 [MQTT-3.8.3-3]":            {"8203 0001 00", "8202 0001", "DISCONNECT 82 why"},
		"identifier 0, 3.1.1 [MQTT-2.3.1-1]":                        {"8207 0000 00 0001 61 00", "8206 0000 0001 61 00", "DISCONNECT 82 why"},
		"reserved option bits [MQTT-3.8.3-5], 3.1.1 [MQTT-3.8.3-4]": {"8207 0001 00 0001 61 80", "8206 0001 0001 61 04", "DISCONNECT 81 why"},
		"QoS 3": {"8207 0001 00 0001 61 03", "8206 0001 0001 61 03", "DISCONNECT 81 why"},
		"UNSUBSCRIBE bits [MQTT-3.10.1-1], 3.1.1 [MQTT-3.10.1-1]":                   {"A006 0001 00 0001 61", "A005 0001 0001 61", "DISCONNECT 81 why"},
		"UNSUBSCRIBE from what is not UTF-8 [MQTT-3.10.3-1], 3.1.1 [MQTT-3.10.3-1]": {"A206 0001 00 0001 FF", "A205 0001 0001 FF", "DISCONNECT 81 why"},
		"UNSUBSCRIBE from nothing [MQTT-3.10.3-2], 3.1.1 [MQTT-3.10.3-2]":           {"A203 0001 00", "A202 0001", "DISCONNECT 82 why"},
		"no-local on a share [MQTT-3.8.3-4]":                                        {"8210 0001 00 000A 2473686172652F6E2F61 04", "", "DISCONNECT 82 why"},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, Options{}, func(k *bench) {
				k.misbehaves()
				p := k.connect(proto.V5, "p")
				p.hex(c.five)
				p.want(c.want)
				p.closed()
				if c.four != "" {
					q := k.connect(proto.V311, "q")
					q.hex(c.four)
					q.closed()
				}
			})
		})
	}
}

// One packet with several filters is handled as if each had come alone, with one answer.
func TestSubackAnswersEveryFilterInItsOrder(t *testing.T) {
	everyVersion(t, Options{}, func(k *bench, v proto.Version) {
		s, p := k.connect(v, "s"), k.connect(v, "p")
		s.send(sub(65535, to("a", 2), to("b", 0), to("c", 1), to("a", 1)))
		// [MQTT-3.8.4-1], [MQTT-3.8.4-2], [MQTT-2.2.1-6], [MQTT-3.8.4-5], [MQTT-3.8.4-6],
		// [MQTT-3.8.4-7], [MQTT-3.9.3-1], [MQTT-3.9.3-2]; 3.1.1 [MQTT-3.8.4-1], [MQTT-3.8.4-2],
		// [MQTT-2.3.1-7], [MQTT-3.8.4-4], [MQTT-3.8.4-5], [MQTT-3.9.3-1]
		s.want("SUBACK 65535 02 00 01 01")
		p.send(pub("a", "m", 2, 1))
		s.want(`PUBLISH a "m" q1 id1`) // the later one replaces the first: [MQTT-3.8.4-8], 3.1.1 [MQTT-3.8.4-6]
		s.send(&proto.Unsubscribe{PacketID: 7, Filters: []string{"b", "x", "a", "a"}})
		if v == proto.V5 {
			s.want("UNSUBACK 7 00 11 00 11") // [MQTT-3.10.4-6], [MQTT-3.11.3-1], [MQTT-3.11.3-2]
		} else {
			s.want("UNSUBACK 7") // 3.1.1 [MQTT-3.10.4-4], [MQTT-3.10.4-6]
		}
		p.send(pub("a", "m", 0, 0), pub("b", "m", 0, 0), pub("c", "m", 0, 0))
		s.want(`PUBLISH c "m"`)
	})
}

// A subscription with the same filter replaces the first one: retained messages are sent again, and
// no message is lost.
func TestSubscribeAgain(t *testing.T) {
	everyVersion(t, Options{}, func(k *bench, v proto.Version) {
		s, p := k.connect(v, "s"), k.connect(v, "p")
		p.send(pub("t", "kept", 1, 1, retain))
		s.send(sub(1, to("t", 0)))
		s.want("SUBACK 1 00", `PUBLISH t "kept" retain`)
		p.send(pub("t", "before", 1, 2))
		s.send(sub(2, to("t", 1)))
		p.send(pub("t", "after", 1, 3))
		// [MQTT-3.8.4-3], [MQTT-3.8.4-4], 3.1.1 [MQTT-3.8.4-3]
		s.want(`PUBLISH t "before"`, "SUBACK 2 01", `PUBLISH t "kept" q1 id1 retain`, `PUBLISH t "after" q1 id2`)
		s.silent()
	})
}

func TestUnsubscribeComparesCharacters(t *testing.T) {
	everyVersion(t, Options{}, func(k *bench, v proto.Version) {
		s, p := k.connect(v, "s"), k.connect(v, "p")
		s.subscribe(to("t/+", 2))
		p.send(pub("t/1", "begun", 2, 1))
		s.want(`PUBLISH t/1 "begun" q2 id1`)
		s.send(&proto.Unsubscribe{PacketID: 5, Filters: []string{"t/1", "t/#", "T/+", "+/+"}}) // none is it: [MQTT-3.10.4-1], 3.1.1 [MQTT-3.10.4-1]
		if v == proto.V5 {
			s.want("UNSUBACK 5 11 11 11 11") // [MQTT-3.10.4-4], [MQTT-3.10.4-5]
		} else {
			s.want("UNSUBACK 5") // 3.1.1 [MQTT-3.10.4-5]
		}
		p.send(pub("t/2", "still", 0, 0))
		s.want(`PUBLISH t/2 "still"`)
		s.send(&proto.Unsubscribe{PacketID: 6, Filters: []string{"t/+"}})
		s.next()
		p.send(pub("t/2", "no more", 1, 2)) // [MQTT-3.10.4-2], 3.1.1 [MQTT-3.10.4-2]
		s.silent()
		s.send(ack(proto.PUBREC, 1)) // a started exchange is completed: [MQTT-3.10.4-3], 3.1.1 [MQTT-3.10.4-3]
		s.want("PUBREL 1")
	})
}

func TestOverlapHasTheHighestQoS(t *testing.T) {
	everyVersion(t, Options{}, func(k *bench, v proto.Version) {
		s, p := k.connect(v, "s"), k.connect(v, "p")
		s.subscribe(to("a/b", 0), to("a/#", 2), to("+/b", 1))
		p.send(pub("a/b", "m", 2, 1))
		s.want(`PUBLISH a/b "m" q2 id1`) // [MQTT-3.3.4-2], 3.1.1 [MQTT-3.3.5-1]
		s.silent()
	})
}

// A disconnected client gets messages later, except those at QoS 0.
func TestMessagesWaitForThoseWhoAreAway(t *testing.T) {
	everyVersion(t, Options{}, func(k *bench, v proto.Version) {
		s, p := k.kept(v, "s"), k.connect(v, "p")
		s.next()
		s.subscribe(to("t", 2))
		s.cut()
		p.send(pub("t", "one", 1, 1), pub("t", "two", 2, 2)) // [MQTT-4.5.0-1], [MQTT-3.1.2-23], 3.1.1 [MQTT-3.1.2-5], [MQTT-4.5.0-1]
		k.pass(time.Hour - time.Minute)
		s = k.kept(v, "s")
		s.next()
		s.want(`PUBLISH t "one" q1 id1`, `PUBLISH t "two" q2 id2`) // [MQTT-4.1.0-1], 3.1.1 [MQTT-4.1.0-1]
		k.pass(48 * time.Hour)                                     // longer than the session may outlive the connection
		s.cut()
		s = k.kept(v, "s")
		s.next()
		s.want(`PUBLISH t "one" q1 id1 dup`, `PUBLISH t "two" q2 id2 dup`) // 3.1.1 [MQTT-4.1.0-2], [MQTT-2.3.1-3], [MQTT-4.4.0-1], [MQTT-4.6.0-1], [MQTT-3.3.1-1]
	})
}

// A member of a group has its own QoS, and no other member gets a message that it refuses.
func TestShareHasTheMembersQoS(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		a, b, p := k.connect(proto.V5, "a"), k.connect(proto.V5, "b"), k.connect(proto.V5, "p")
		a.subscribe(to("$share/g/t", 0))
		p.send(pub("t", "m", 2, 1))
		a.want(`PUBLISH t "m"`) // [MQTT-4.8.2-3]
		a.subscribe(to("$share/g/t", 2))
		b.subscribe(to("$share/g/t", 1))
		for i := range uint16(4) {
			p.send(pub("t", "m", 2, 2+i))
			if i%2 == 0 {
				continue
			}
			x, y := a.next().(*proto.Publish), b.next().(*proto.Publish)
			if x.QoS != 2 || y.QoS != 1 {
				t.Errorf("%s and %s", dump(x), dump(y))
			}
			a.send(&proto.Ack{Kind: proto.PUBREC, PacketID: x.PacketID, Reason: proto.ImplementationSpecificError})
			b.send(&proto.Ack{Kind: proto.PUBACK, PacketID: y.PacketID, Reason: proto.QuotaExceeded})
			a.silent() // [MQTT-4.8.2-6]
			b.silent()
		}
		a.cut()
		b.silent()
	})
}

func TestWithoutWildcardsAt311(t *testing.T) {
	in(t, Options{Without: Without{Wildcards: true, QoS1: true}}, func(k *bench) {
		p := k.connect(proto.V311, "p")
		p.send(sub(1, to("a/#", 1), to("a", 2)))
		p.want("SUBACK 1 80 00") // 3.1.1 [MQTT-3.8.3-2]; less QoS than was asked for [MQTT-3.2.2-10]
	})
}
