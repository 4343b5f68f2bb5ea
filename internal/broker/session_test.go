package broker

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"mqtt/internal/proto"
)

// kept connects with a session that outlives the connection.
func (k *bench) kept(v proto.Version, id string, with ...func(*proto.Connect)) *peer {
	k.t.Helper()
	with = append(with, resume)
	if v == proto.V5 {
		with = append(with, expiry(3600))
	}
	return k.open(v, id, with...)
}

func TestSessionKeepsItsQueueInOrderAndDUPForWhatWasSent(t *testing.T) {
	everyVersion(t, Options{Inflight: 2}, func(k *bench, v proto.Version) {
		s := k.kept(v, "s")
		s.want("CONNACK 00") // [MQTT-3.2.2-3]
		s.subscribe(to("t", 2))
		p := k.connect(v, "p")
		for i := range uint16(3) {
			p.send(pub("t", fmt.Sprint(i), 1, i+1))
		}
		s.want(`PUBLISH t "0" q1 id1`, `PUBLISH t "1" q1 id2`)
		s.silent()
		s.cut()
		for i := uint16(3); i < 6; i++ {
			p.send(pub("t", fmt.Sprint(i), 1+byte(i%2), i+1))
		}
		p.send(pub("t", "not kept", 0, 0))
		present := "CONNACK 00 present" // [MQTT-3.2.2-3]
		if v == proto.V31 {
			present = "CONNACK 00" // 3.1 has no session present flag
		}
		s = k.kept(v, "s")
		s.want(present, `PUBLISH t "0" q1 id1 dup`, `PUBLISH t "1" q1 id2 dup`) // [MQTT-4.4.0-1], [MQTT-4.6.0-1]
		s.silent()
		s.send(ack(proto.PUBACK, 1))
		s.want(`PUBLISH t "2" q1 id1`) // never sent before: no DUP
		s.send(ack(proto.PUBACK, 2), ack(proto.PUBACK, 1))
		s.want(`PUBLISH t "3" q2 id2`, `PUBLISH t "4" q1 id1`)
		s.send(ack(proto.PUBREC, 2))
		s.want("PUBREL 2")
		s.cut()
		s = k.kept(v, "s")
		s.want(present, "PUBREL 2", `PUBLISH t "4" q1 id1 dup`) // PUBREL again, never PUBLISH: 3.1.1 [MQTT-4.3.3-1]
		s.send(ack(proto.PUBCOMP, 2), ack(proto.PUBACK, 1))
		s.want(`PUBLISH t "5" q2 id2`)
		s.leave()
		k.connect(v, "s").leave() // a clean start drops it all [MQTT-3.1.2-4]
		s = k.kept(v, "s")
		s.want("CONNACK 00")
		p.send(pub("t", "nobody", 1, 9))
		s.silent()
	})
}

func TestDUPOnlyOnWhatReallyLeft(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		s := k.kept(proto.V5, "s")
		s.want("CONNACK 00")
		s.subscribe(to("t", 1))
		p := k.connect(proto.V5, "p")
		p.send(pub("t", "a", 1, 1))
		s.want(`PUBLISH t "a" q1 id1`)
		goOn := s.pause()
		p.send(pub("t", "b", 1, 1)) // the pipe's reader has one read left
		synctest.Wait()
		p.send(pub("t", "c", 1, 1)) // the writer has taken this one
		synctest.Wait()
		p.send(pub("t", "d", 1, 1)) // and this one is queued after it
		s.conn.Close()
		goOn()
		p.want("PUBACK 1", "PUBACK 1", "PUBACK 1", "PUBACK 1")
		s = k.kept(proto.V5, "s")
		s.want("CONNACK 00 present", `PUBLISH t "a" q1 id1 dup`, `PUBLISH t "b" q1 id2 dup`, `PUBLISH t "c" q1 id3 dup`, `PUBLISH t "d" q1 id4`)
	})
}

func TestSessionEndsWhenItsTimeIsUp(t *testing.T) {
	in(t, Options{SysInterval: -1}, func(k *bench) {
		visit := func(seconds uint32, want string) *peer {
			p := k.open(proto.V5, "s", resume, expiry(seconds))
			p.want(want)
			return p
		}
		visit(10, "CONNACK 00").leave()
		k.pass(9 * time.Second)
		visit(10, "CONNACK 00 present").leave()
		k.pass(11 * time.Second)
		visit(0, "CONNACK 00").leave() // [MQTT-3.1.2-23], [MQTT-4.1.0-2]
		visit(10, "CONNACK 00").cut()  // 0 ended with the connection
		k.pass(11 * time.Second)
		p := visit(10, "CONNACK 00")
		d := &proto.Disconnect{}
		d.Props = d.Props.AppendNum(proto.SessionExpiryInterval, 100) // changed on leaving
		p.send(d)
		p.closed()
		k.pass(90 * time.Second)
		p = visit(0xFFFFFFFF, "CONNACK 00 present")
		p.leave()
		k.pass(1000 * 24 * time.Hour)
		p = visit(5, "CONNACK 00 present")
		d = &proto.Disconnect{}
		d.Props = d.Props.AppendNum(proto.SessionExpiryInterval, 0)
		p.send(d)
		p.closed()
		visit(0, "CONNACK 00")
		if n := k.b.Stats().SessionsExpired; n != 2 {
			t.Errorf("%d sessions expired, want 2", n)
		}
	})
	in(t, Options{SessionExpiryMaximum: 10}, func(k *bench) {
		k.open(proto.V311, "s", resume).cut() // no expiry, but limited by the broker
		k.pass(9 * time.Second)
		p := k.open(proto.V311, "s", resume)
		p.want("CONNACK 00 present")
		p.cut()
		k.pass(11 * time.Second)
		k.open(proto.V311, "s", resume).want("CONNACK 00")
	})
}

func TestTakeoverGoesOnWithTheSession(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		s := k.kept(proto.V5, "s")
		s.want("CONNACK 00")
		s.subscribe(to("t", 1))
		k.connect(proto.V5, "p").send(pub("t", "m", 1, 1))
		s.want(`PUBLISH t "m" q1 id1`)
		again := k.kept(proto.V5, "s")
		s.want("DISCONNECT 8E why")
		s.closed()
		again.want("CONNACK 00 present", `PUBLISH t "m" q1 id1 dup`) // [MQTT-3.1.3-2], 3.1.1 [MQTT-3.1.3-2]
		four := k.kept(proto.V311, "s")                              // and in another version
		again.want("DISCONNECT 8E why")
		four.want("CONNACK 00 present", `PUBLISH t "m" q1 id1 dup`)
		four.send(ack(proto.PUBACK, 1))
		four.silent()
	})
}

func TestQoS2FromAClientThatComesBack(t *testing.T) {
	everyVersion(t, Options{}, func(k *bench, v proto.Version) {
		s, p := k.connect(v, "s"), k.kept(v, "p")
		s.subscribe(to("t", 0))
		p.next()
		p.send(pub("t", "m", 2, 1))
		p.want("PUBREC 1")
		s.want(`PUBLISH t "m"`)
		p.cut()
		p = k.kept(v, "p")
		p.next()
		p.send(pub("t", "m", 2, 1, dup))
		p.want("PUBREC 1")
		s.silent() // exactly once: 3.1.1 [MQTT-4.3.3-2]
		p.send(ack(proto.PUBREL, 1))
		p.want("PUBCOMP 1")
	})
}

func TestReceiveMaximumOfTheClientNeverStalls(t *testing.T) {
	for _, most := range []uint32{1, 2, 3} {
		for qos := byte(1); qos <= 2; qos++ {
			t.Run(fmt.Sprintf("%d at QoS %d", most, qos), func(t *testing.T) {
				in(t, Options{}, func(k *bench) {
					s, p := k.connect(proto.V5, "s", num(proto.ReceiveMaximum, most)), k.connect(proto.V5, "p")
					s.subscribe(to("t", qos))
					for i := range uint16(50) {
						p.send(pub("t", fmt.Sprint(i), qos, i+1))
					}
					p.send(pub("t", "zero", 0, 0)) // is not delayed [MQTT-4.9.0-2]
					zero := false
					for i := 0; i < 50; {
						var window []*proto.Publish
						for range most + 2 {
							switch x := s.next().(type) {
							case *proto.Publish:
								if x.QoS == 0 {
									zero = true
									continue
								}
								if string(x.Payload) != fmt.Sprint(i) {
									t.Fatalf("message %d is %s", i, dump(x))
								}
								i++
								window = append(window, x)
							case *proto.Ack:
								s.send(ack(proto.PUBCOMP, x.PacketID))
							}
						}
						if len(window) == 0 || len(window) > int(most) { // [MQTT-3.3.4-9]
							t.Fatalf("%d in flight after %d, the maximum is %d", len(window), i, most)
						}
						for _, x := range window {
							if qos == 1 {
								s.send(ack(proto.PUBACK, x.PacketID))
								continue
							}
							s.send(ack(proto.PUBREC, x.PacketID))
							s.want(fmt.Sprintf("PUBREL %d", x.PacketID))
						}
						if qos == 2 {
							for _, x := range window {
								s.send(ack(proto.PUBCOMP, x.PacketID))
							}
						}
					}
					if !zero {
						t.Error("the message at QoS 0 has not come")
					}
				})
			})
		}
	}
}

func TestReceiveMaximumIsSmallerOnReturn(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		s := k.kept(proto.V5, "s")
		s.want("CONNACK 00")
		s.subscribe(to("t", 1))
		p := k.connect(proto.V5, "p")
		for i := range uint16(5) {
			p.send(pub("t", fmt.Sprint(i), 1, i+1))
			s.want(fmt.Sprintf(`PUBLISH t "%d" q1 id%d`, i, i+1))
		}
		s.cut()
		s = k.kept(proto.V5, "s", num(proto.ReceiveMaximum, 2))
		s.want("CONNACK 00 present")
		for i := range uint16(5) {
			s.want(fmt.Sprintf(`PUBLISH t "%d" q1 id%d dup`, i, i+1))
			if i%2 == 1 || i == 4 {
				s.silent()
				s.send(ack(proto.PUBACK, i), ack(proto.PUBACK, i+1))
			}
		}
	})
}

func TestReceiveMaximumOfOursIsWatched(t *testing.T) {
	in(t, Options{ReceiveMaximum: 2}, func(k *bench) {
		k.misbehaves()
		p := k.connect(proto.V5, "p")
		for range 10 { // one after the other
			p.send(pub("t", "", 1, 1), pub("t", "", 2, 2))
			p.want("PUBACK 1 10", "PUBREC 2 10")
			p.send(ack(proto.PUBREL, 2))
			p.want("PUBCOMP 2")
		}
		p.send(pub("t", "", 2, 1))
		p.send(pub("t", "", 2, 2))
		p.want("PUBREC 1 10", "PUBREC 2 10")
		p.send(pub("t", "", 2, 3))
		p.want("DISCONNECT 93 why") // [MQTT-3.3.4-7]
		p.closed()
		q := k.connect(proto.V311, "q") // 3.1.1 has no Receive Maximum
		q.send(pub("t", "", 2, 1), pub("t", "", 2, 2), pub("t", "", 2, 3))
		q.want("PUBREC 1", "PUBREC 2", "PUBREC 3")
	})
}

func TestQueueIsBounded(t *testing.T) {
	in(t, Options{QueueMessages: 3}, func(k *bench) {
		s := k.kept(proto.V5, "s")
		s.want("CONNACK 00")
		s.subscribe(to("t", 1))
		s.leave()
		p := k.connect(proto.V5, "p")
		for i := range uint16(3) {
			p.send(pub("t", fmt.Sprint(i), 1, i+1))
			p.want(fmt.Sprintf("PUBACK %d", i+1))
		}
		p.send(pub("t", "3", 1, 4), pub("t", "4", 2, 5))
		p.want("PUBACK 4 97 why", "PUBREC 5 97 why") // no subscriber has room: no silent loss
		p.send(pub("t", "5", 2, 5))                  // the identifier was free at once
		p.want("PUBREC 5 97 why")
		other := k.connect(proto.V5, "other")
		other.subscribe(to("t", 0))
		p.send(pub("t", "6", 1, 6))
		p.want("PUBACK 6") // one subscriber has room
		if n := k.b.Stats().Dropped; n != 4 {
			t.Errorf("%d dropped, want 4", n)
		}
		s = k.kept(proto.V5, "s")
		s.want("CONNACK 00 present", `PUBLISH t "0" q1 id1`, `PUBLISH t "1" q1 id2`, `PUBLISH t "2" q1 id3`)
		s.silent()
	})
}

func TestAcknowledgementOfAnotherKind(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		k.misbehaves()
		s := k.connect(proto.V5, "s")
		s.subscribe(to("t", 1))
		s.send(pub("t", "m", 1, 1))
		s.want(`PUBLISH t "m" q1 id1`, "PUBACK 1")
		s.send(ack(proto.PUBCOMP, 1))
		s.want("DISCONNECT 82 why")
		s = k.connect(proto.V5, "s")
		s.send(ack(proto.PUBACK, 77)) // an acknowledgement of nothing is ignored
		s.silent()
	})
}

func TestRefusedByTheSubscriber(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		s := k.connect(proto.V5, "s", num(proto.ReceiveMaximum, 1))
		s.subscribe(to("t", 2))
		p := k.connect(proto.V5, "p")
		p.send(pub("t", "a", 2, 1), pub("t", "b", 2, 2))
		s.want(`PUBLISH t "a" q2 id1`)
		s.send(&proto.Ack{Kind: proto.PUBREC, PacketID: 1, Reason: proto.QuotaExceeded}) // ends it, and opens the window
		s.want(`PUBLISH t "b" q2 id1`)
		s.silent()
	})
}
