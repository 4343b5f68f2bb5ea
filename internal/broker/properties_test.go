package broker

import (
	"fmt"
	"testing"
	"time"

	"mqtt/internal/proto"
)

func TestPropertiesGoOnUnchanged(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		s, s4, p := k.connect(proto.V5, "s"), k.connect(proto.V311, "s4"), k.connect(proto.V5, "p")
		s.subscribe(to("t", 1))
		s4.subscribe(to("t", 1))
		m := pub("t", "m", 0, 0)
		m.Props = m.Props.AppendPair("b", "2").AppendPair("a", "1").AppendNum(proto.PayloadFormatIndicator, 1).
			AppendText(proto.ContentType, "text").AppendText(proto.ResponseTopic, "r").AppendText(proto.CorrelationData, "c").AppendPair("b", "3")
		p.send(m)
		// [MQTT-3.3.2-17], [MQTT-3.3.2-18] in their order; no expiry was there, and none is added;
		// [MQTT-3.3.2-4], [MQTT-3.3.2-15], [MQTT-3.3.2-16], [MQTT-3.3.2-20]
		s.want(`PUBLISH t "m" b:2 a:1 payload-format-indicator=1 content-type=text response-topic=r correlation-data=c b:3`)
		s4.want(`PUBLISH t "m"`)
		m.QoS, m.PacketID = 1, 1
		p.send(m)
		p.want("PUBACK 1") // without user properties of its message
	})
}

func TestExpiryIsCountedDown(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		s := k.connect(proto.V5, "s", expiry(1000))
		s.subscribe(to("t", 1))
		s.leave()
		p := k.connect(proto.V5, "p")
		p.send(pub("t", "short", 1, 1, prop(proto.MessageExpiryInterval, 5)), pub("t", "long", 1, 2, prop(proto.MessageExpiryInterval, 60)),
			pub("t", "kept", 0, 0, retain, prop(proto.MessageExpiryInterval, 30)))
		k.pass(10 * time.Second)
		s = k.open(proto.V5, "s", resume)
		s.want("CONNACK 00 present", `PUBLISH t "long" q1 id1 message-expiry-interval=50`) // [MQTT-3.3.2-5], [MQTT-3.3.2-6]
		q := k.connect(proto.V5, "q")
		q.send(sub(1, to("t", 0)))
		q.want("SUBACK 1 00", `PUBLISH t "kept" retain message-expiry-interval=20`)
		k.pass(21 * time.Second)
		q.send(sub(1, to("t", 0)))
		q.want("SUBACK 1 00")
		q.silent()
		q4 := k.connect(proto.V311, "q4")
		q4.subscribe(to("t", 0))
		q4.silent()
	})
}

func TestTopicAliasesFromTheClient(t *testing.T) {
	in(t, Options{TopicAliasMaximum: 5}, func(k *bench) {
		k.misbehaves()
		s, p := k.connect(proto.V5, "s"), k.connect(proto.V5, "p")
		s.subscribe(to("#", 0))
		alias := func(topic, payload string, n uint32) *proto.Publish {
			return pub(topic, payload, 0, 0, prop(proto.TopicAlias, n))
		}
		p.send(alias("one", "1", 1), alias("two", "2", 5), alias("", "3", 1), alias("", "4", 5), alias("new", "5", 1), alias("", "6", 1)) // [MQTT-3.3.2-12]
		s.want(`PUBLISH one "1"`, `PUBLISH two "2"`, `PUBLISH one "3"`, `PUBLISH two "4"`, `PUBLISH new "5"`, `PUBLISH new "6"`)
		m := alias("", "7", 1)
		m.Props = m.Props.AppendPair("k", "v")
		p.send(m)
		s.want(`PUBLISH new "7" k:v`)
		p.send(alias("", "8", 3)) // never set
		p.want("DISCONNECT 82 why")
		p = k.connect(proto.V5, "p")
		p.send(alias("", "9", 1)) // a new connection has none [MQTT-3.3.2-7]
		p.want("DISCONNECT 82 why")
		p = k.connect(proto.V5, "p")
		p.send(alias("x", "10", 6)) // [MQTT-3.3.2-9], [MQTT-3.2.2-17]
		p.want("DISCONNECT 94 why")
		p = k.connect(proto.V5, "p")
		p.hex("3007 0001 78 03 230000") // [MQTT-3.3.2-8]
		p.want("DISCONNECT 94 why")
	})
}

func TestTopicAliasesTowardsTheClient(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		s := k.connect(proto.V5, "s", num(proto.TopicAliasMaximum, 2), expiry(100))
		p := k.connect(proto.V5, "p")
		s.subscribe(to("#", 1))
		p.send(pub("topic/1", "a", 0, 0), pub("topic/1", "b", 0, 0), pub("topic/2", "c", 1, 1), pub("topic/3", "d", 0, 0), pub("topic/2", "e", 1, 2))
		s.want(`PUBLISH topic/1 "a" topic-alias=1`, `PUBLISH - "b" topic-alias=1`, `PUBLISH topic/2 "c" q1 id1 topic-alias=2`,
			`PUBLISH topic/3 "d"`, `PUBLISH - "e" q1 id2 topic-alias=2`) // [MQTT-3.1.2-26], [MQTT-3.3.2-11]
		s.cut()
		s = k.open(proto.V5, "s", resume) // and it allows none now [MQTT-3.1.2-27]
		s.want("CONNACK 00 present", `PUBLISH topic/2 "c" q1 id1 dup`, `PUBLISH topic/2 "e" q1 id2 dup`)
	})
}

func TestMaximumPacketSizeDropsForThatClientAlone(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		small := k.connect(proto.V5, "small", num(proto.MaximumPacketSize, 50), num(proto.ReceiveMaximum, 1))
		large, p := k.connect(proto.V5, "large"), k.connect(proto.V5, "p")
		small.subscribe(to("t", 1))
		large.subscribe(to("t", 1))
		p.send(pub("t", big(43), 1, 1), pub("t", "fits", 1, 2), pub("t", big(100), 0, 0), pub("t", "too", 0, 0))
		p.want("PUBACK 1", "PUBACK 2")
		small.want(`PUBLISH t "fits" q1 id1`, `PUBLISH t "too"`) // [MQTT-3.1.2-24], [MQTT-3.1.2-25]
		small.silent()
		large.want(`PUBLISH t "(43 bytes)" q1 id1`, `PUBLISH t "fits" q1 id2`, `PUBLISH t "(100 bytes)"`, `PUBLISH t "too"`)
	})
}

func TestPacketLargerThanWeTake(t *testing.T) {
	in(t, Options{MaxPacket: 100}, func(k *bench) {
		p := k.connect(proto.V5, "p")
		p.hex("30 E807")            // 1,000 bytes: the header is enough
		p.want("DISCONNECT 95 why") // [MQTT-3.2.2-15]
		p.closed()
		q := k.connect(proto.V311, "q")
		q.hex("30 E807")
		q.closed()
	})
}

func TestAliasesAndPropertiesOfManyTopicsInOnePiece(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		s, p := k.connect(proto.V5, "s"), k.connect(proto.V5, "p")
		s.subscribe(to("#", 0))
		var all []proto.Packet
		for i := range 40 {
			m := pub(fmt.Sprint("topic", i/2%3), fmt.Sprint(i), 0, 0, prop(proto.TopicAlias, uint32(i/2%3+1)))
			m.Props = m.Props.AppendPair("number", fmt.Sprint(i))
			all = append(all, m)
		}
		p.send(all...)
		for i := range 40 {
			s.want(fmt.Sprintf(`PUBLISH topic%d "%d" number:%d`, i/2%3, i, i))
		}
	})
}

func TestExpiredRetainedMessagesAreCleared(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		p := k.connect(proto.V5, "p")
		p.send(pub("t/1", "m", 0, 0, retain, prop(proto.MessageExpiryInterval, 5)), pub("t/2", "m", 0, 0, retain))
		k.pass(6 * time.Second)
		p.send(sub(1, to("t/+", 0)))
		p.want("SUBACK 1 00", `PUBLISH t/2 "m" retain`)
		if n := k.b.Stats().Retained; n != 1 {
			t.Errorf("%d retained messages, want 1", n)
		}
	})
}

// A Message Expiry Interval of 0 means the same for all receivers: the message is sent to those
// that can be sent it at once, and queued for none.
func TestExpiryIntervalOfZero(t *testing.T) {
	const now, with = `PUBLISH t/long "m" message-expiry-interval=0`, `PUBLISH t/long "m" `
	for name, c := range map[string]struct {
		v      proto.Version
		with   func(*proto.Connect)
		filter string
		qos    byte
		number uint32
		want   string
	}{
		"plain":      {v: proto.V5, want: now},
		"3.1.1":      {v: proto.V311, want: `PUBLISH t/long "m"`},
		"identifier": {v: proto.V5, number: 7, want: now + " subscription-identifier=7"},
		"alias":      {v: proto.V5, with: num(proto.TopicAliasMaximum, 5), want: now + " topic-alias=1"},
		"small":      {v: proto.V5, with: num(proto.MaximumPacketSize, 60), want: now},
		"QoS 1":      {v: proto.V5, qos: 1, want: with + "q1 id1 message-expiry-interval=0"},
		"share":      {v: proto.V5, filter: "$share/g/t/long", qos: 1, want: with + "q1 id1 message-expiry-interval=0"},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, Options{}, func(k *bench) {
				if c.filter == "" {
					c.filter = "t/+"
				}
				var more []func(*proto.Connect)
				if c.with != nil {
					more = append(more, c.with)
				}
				s, p := k.connect(c.v, "s", more...), k.connect(proto.V5, "p")
				x := sub(1, to(c.filter, c.qos))
				if c.number > 0 {
					x = numbered(x, c.number)
				}
				s.send(x)
				s.want(fmt.Sprintf("SUBACK 1 %02X", c.qos))
				p.send(pub("t/long", "m", 1, 1, prop(proto.MessageExpiryInterval, 0)))
				p.want("PUBACK 1")
				s.want(c.want)
				away := k.connect(proto.V5, "away", expiry(100))
				away.subscribe(to("t/+", 1))
				away.leave()
				p.send(pub("t/long", "m", 1, 1, prop(proto.MessageExpiryInterval, 0), retain))
				k.pass(1)
				away = k.open(proto.V5, "away", resume)
				away.want("CONNACK 00 present")
				away.send(sub(2, to("t/#", 1)))
				away.want("SUBACK 2 01")
				away.silent()
			})
		})
	}
}
