package broker

import (
	"testing"
	"time"

	"mqtt/internal/proto"
)

func TestWillIsPublishedUnlessTheClientSaysGoodbye(t *testing.T) {
	everyVersion(t, Options{}, func(k *bench, v proto.Version) {
		k.misbehaves()
		w := k.connect(v, "w")
		w.subscribe(to("will", 2))
		p := k.connect(v, "p", willed("will", "dead", func(w *proto.Will) { w.QoS, w.Retain = 1, true }), keepAlive(10))
		p.cut()
		w.want(`PUBLISH will "dead" q1 id1`) // [MQTT-3.1.2-8], 3.1.1 [MQTT-3.1.2-8]
		late := k.connect(v, "late")
		late.send(sub(1, to("will", 0)))
		late.want("SUBACK 1 00", `PUBLISH will "dead" retain`) // [MQTT-3.1.2-15], 3.1.1 [MQTT-3.1.2-17]
		p = k.connect(v, "p", willed("will", "dead"), keepAlive(10))
		p.leave()
		w.silent() // [MQTT-3.1.2-10], [MQTT-3.14.4-3], 3.1.1 [MQTT-3.1.2-10], [MQTT-3.14.4-3]
		k.connect(v, "p", willed("will", "timeout"), keepAlive(10))
		k.pass(16 * time.Second)
		w.want(`PUBLISH will "timeout"`)
		p = k.connect(v, "p", willed("will", "protocol"))
		p.hex("2002 0000")
		w.want(`PUBLISH will "protocol"`)
		k.connect(v, "p", willed("will", "taken over"))
		k.connect(v, "p")
		w.want(`PUBLISH will "taken over"`)
		later := k.connect(v, "later")
		later.send(sub(1, to("will", 0)))
		later.want("SUBACK 1 00", `PUBLISH will "dead" retain`) // a will without retain leaves it: [MQTT-3.1.2-14], 3.1.1 [MQTT-3.1.2-16]
		k.connect(v, "p").cut()
		w.silent() // 3.1.1 [MQTT-3.1.2-12]
	})
}

func TestWillWithDisconnect04(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		w := k.connect(proto.V5, "w")
		w.subscribe(to("will", 0))
		p := k.connect(proto.V5, "p", willed("will", "short"))
		p.hex("E001 04") // the short form is not a normal one
		w.want(`PUBLISH will "short"`)
		p.closed()
		p = k.connect(proto.V5, "p", willed("will", "none"))
		p.hex("E000")
		w.silent()
		p.closed()
	})
}

func TestWillKeepsItsProperties(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		w := k.connect(proto.V5, "w")
		w.subscribe(to("will", 0))
		p := k.connect(proto.V5, "p", willed("will", "m", func(w *proto.Will) {
			w.Props = w.Props.AppendPair("k", "v").AppendText(proto.ContentType, "text").AppendPair("a", "2").AppendPair("a", "1").AppendNum(proto.WillDelayInterval, 0).
				AppendNum(proto.MessageExpiryInterval, 60).AppendText(proto.ResponseTopic, "r").AppendText(proto.CorrelationData, "c")
		}))
		p.cut()
		w.want(`PUBLISH will "m" k:v content-type=text a:2 a:1 message-expiry-interval=60 response-topic=r correlation-data=c`) // in the order of the will: [MQTT-3.1.3-10]
	})
}

func TestWillDelay(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		w := k.connect(proto.V5, "w")
		w.subscribe(to("will", 0))
		leave := func(delay, session uint32) {
			k.open(proto.V5, "p", resume, expiry(session), willed("will", "m", delayed(delay))).cut()
		}
		leave(10, 100)
		k.pass(9 * time.Second)
		w.silent() // [MQTT-3.1.2-8]
		k.pass(1100 * time.Millisecond)
		w.want(`PUBLISH will "m"`)

		leave(10, 100)
		k.pass(9 * time.Second)
		back := k.open(proto.V5, "p", resume) // in time [MQTT-3.1.3-9]
		back.want("CONNACK 00 present")
		back.leave()
		k.pass(time.Minute)
		w.silent()

		leave(100, 5) // the end of the session ends the delay
		k.pass(4 * time.Second)
		w.silent()
		k.pass(1100 * time.Millisecond)
		w.want(`PUBLISH will "m"`)

		leave(100, 0)
		w.want(`PUBLISH will "m"`)

		leave(100, 1000)
		k.open(proto.V5, "p") // a clean start ends the session
		w.want(`PUBLISH will "m"`)

		k.open(proto.V5, "q", resume, expiry(100), willed("will", "over", delayed(10))).want("CONNACK 00")
		second := k.open(proto.V5, "q", resume, expiry(100)) // taken over within the delay
		k.pass(time.Minute)
		second.want("CONNACK 00 present")
		w.silent()
		k.open(proto.V5, "r", expiry(100), willed("will", "over", delayed(10))).want("CONNACK 00")
		k.open(proto.V5, "r", expiry(100))
		w.want(`PUBLISH will "over"`)
		k.pass(time.Minute)
		w.silent()
	})
}

func TestWillOfOneThatReturnsWithAnotherWill(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		w := k.connect(proto.V5, "w")
		w.subscribe(to("will", 0))
		k.open(proto.V5, "p", expiry(100), willed("will", "first", delayed(10))).cut()
		p := k.open(proto.V5, "p", resume, expiry(100), willed("will", "second", delayed(20)))
		k.pass(15 * time.Second)
		w.silent()
		p.cut()
		k.pass(19 * time.Second)
		w.silent()
		k.pass(2 * time.Second)
		w.want(`PUBLISH will "second"`)
		k.pass(time.Hour)
		w.silent()
	})
}

func TestWillExpiryCountsFromItsPublication(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		w := k.connect(proto.V5, "w")
		w.subscribe(to("will", 0))
		k.open(proto.V5, "p", expiry(100), willed("will", "m", delayed(10), func(w *proto.Will) {
			w.Props = w.Props.AppendNum(proto.MessageExpiryInterval, 5)
		})).cut()
		k.pass(11 * time.Second)
		w.want(`PUBLISH will "m" message-expiry-interval=5`)
	})
}
