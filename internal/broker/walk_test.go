package broker

import (
	"fmt"
	"testing"
	"time"

	"mqtt/internal/proto"
)

// store retains n messages with the topics r/0 and so on.
func (k *bench) store(n int, qos byte) *peer {
	p := k.connect(proto.V311, "writer")
	for i := range n {
		p.post(pub(fmt.Sprint("r/", i), "old", qos, uint16(i%65535+1), retain))
		if qos == 2 {
			p.post(ack(proto.PUBREL, uint16(i%65535+1)))
		}
	}
	for p.next() != nil {
	}
	return p
}

// receive counts the messages by topic and acknowledges them, and stops after most of them. Each
// must have the retain flag and the value at the time of the subscription.
func (p *peer) receive(seen map[string]int, most int) (n int) {
	p.t.Helper()
	for n < most {
		x := p.next()
		if x == nil {
			return n
		}
		switch x := x.(type) {
		case *proto.Publish:
			n++
			seen[string(x.Topic)]++
			if string(x.Payload) != "old" || !x.Retain {
				p.t.Fatalf("%s", dump(x))
			}
			switch x.QoS {
			case 1:
				p.send(ack(proto.PUBACK, x.PacketID))
			case 2:
				p.send(ack(proto.PUBREC, x.PacketID))
			}
		case *proto.Ack:
			if x.Kind == proto.PUBREL {
				p.send(ack(proto.PUBCOMP, x.PacketID))
			}
		}
	}
	return n
}

// All retained messages arrive, however many, and whatever the limits of the queue are
// [MQTT-3.3.1-9].
func TestAllRetainedMessagesArrive(t *testing.T) {
	const all = 1500
	for name, opt := range map[string]Options{
		"messages":   {QueueMessages: 10},
		"bytes":      {QueueBytes: 2000},
		"high water": {HighWater: 1000},
	} {
		for qos := range byte(3) {
			for _, v := range []proto.Version{proto.V311, proto.V5} {
				t.Run(fmt.Sprint(name, " QoS ", qos, " ", v), func(t *testing.T) {
					in(t, opt, func(k *bench) {
						k.misbehaves()
						k.store(all, qos)
						s := k.connect(v, "s", func(c *proto.Connect) {
							if v == proto.V5 {
								c.Props = c.Props.AppendNum(proto.ReceiveMaximum, 3)
							}
						})
						seen := map[string]int{}
						s.send(sub(1, to("r/#", qos), to("+/1", qos)))
						s.want(fmt.Sprintf("SUBACK 1 %02x %02x", qos, qos))
						if n := s.receive(seen, all+10); n != all+1 || len(seen) != all || seen["r/1"] != 2 {
							t.Errorf("%d messages of %d topics came, want %d of %d", n, len(seen), all+1, all)
						}
						if n := k.b.Stats().Dropped; n != 0 {
							t.Errorf("%d were dropped", n)
						}
					})
				})
			}
		}
	}
}

// Messages that are published while retained messages are being delivered come after them, and do
// not replace them.
func TestLiveMessagesComeAfterRetainedOnes(t *testing.T) {
	const all = 1000
	for qos := range byte(3) {
		t.Run(fmt.Sprint("QoS ", qos), func(t *testing.T) {
			in(t, Options{HighWater: 2000}, func(k *bench) {
				k.misbehaves()
				w := k.store(all, qos)
				s := k.connect(proto.V311, "s")
				goOn := s.pause()
				s.send(sub(1, to("r/#", qos)))
				for i := range 3 * all {
					id := uint16(i + 1)
					switch topic := fmt.Sprint("r/", i%all); i / all {
					case 0:
						w.post(pub(topic, "new", 0, id, retain))
					case 1:
						w.post(pub(topic, "", 0, id, retain))
					default:
						w.post(pub(topic, "newer", 0, id, retain))
					}
				}
				k.pass(time.Second)
				if n := k.b.retained.topics.Len(); n != all || k.b.Stats().Retained != all {
					t.Errorf("%d topics and %d messages are retained, want %d", n, k.b.Stats().Retained, all)
				}
				goOn()
				s.want(fmt.Sprintf("SUBACK 1 %02x", qos))
				seen := map[string]int{}
				if n := s.receive(seen, all); n != all || len(seen) != all {
					t.Fatalf("%d messages of %d topics came, want %d", n, len(seen), all)
				}
				for i := range 3 * all {
					if x, ok := s.next().(*proto.Publish); ok && (x.Retain || string(x.Topic) != fmt.Sprint("r/", i%all)) {
						t.Fatalf("live message %d is %s", i, dump(x))
					}
				}
				w.send(pub("other", "x", 0, 0, retain)) // and one more step
				if n := k.b.retained.replaced; len(n) != 0 {
					t.Errorf("older messages of %d topics are left", len(n))
				}
			})
		})
	}
}

// A session that is cut while retained messages are being delivered gets the rest when it is
// resumed, also by another broker.
func TestRetainedMessagesSurviveACut(t *testing.T) {
	const all = 500
	for qos := byte(1); qos <= 2; qos++ {
		for _, crash := range []bool{false, true} {
			t.Run(fmt.Sprintf("QoS %d, crash %v", qos, crash), func(t *testing.T) {
				j := newJournal()
				in(t, Options{Store: j, Inflight: 7, QueueMessages: 20}, func(k *bench) {
					k.misbehaves()
					k.store(all, qos)
					s := k.kept(proto.V311, "s")
					s.want("CONNACK 00")
					s.send(sub(1, to("r/#", qos), to("r/1", qos)))
					s.want(fmt.Sprintf("SUBACK 1 %02x %02x", qos, qos))
					seen, n := map[string]int{}, 0
					for round := 0; ; round++ {
						got := s.receive(seen, 60)
						if n += got; got < 60 {
							break
						}
						if crash && round%3 == 2 {
							j = k.crash(j, Options{Inflight: 7, QueueMessages: 20})
						} else {
							s.cut()
						}
						s = k.kept(proto.V311, "s")
						s.want("CONNACK 00 present")
					}
					if len(seen) != all || n < all+1 {
						t.Errorf("%d messages of %d topics came, want %d of %d", n, len(seen), all+1, all)
					}
					s.send(&proto.Ping{Kind: proto.PINGREQ}) // so there is a commit
					if len(j.disk.sessions["s"].subs["r/#"].From) > 0 || j.disk.sessions["s"].subs["r/#"].Walking {
						t.Error("the store was not told that all have come")
					}
				})
			})
		}
	}
}

// Changes while the client of a walk is away arrive: at QoS 1 from the queue, at QoS 0 from the
// store.
func TestRetainedMessagesThatChangeDuringACut(t *testing.T) {
	const all = 200
	in(t, Options{Inflight: 5}, func(k *bench) {
		w := k.store(all, 1)
		s := k.kept(proto.V311, "s")
		s.want("CONNACK 00")
		s.send(sub(1, to("r/#", 1)))
		s.want("SUBACK 1 01")
		seen := map[string]int{}
		s.receive(seen, 20)
		s.cut()
		for i := range all {
			w.post(pub(fmt.Sprint("r/", i), "new", byte(i%2), uint16(i+1), retain))
		}
		k.pass(time.Second)
		s = k.kept(proto.V311, "s")
		s.want("CONNACK 00 present")
		last := map[string]string{}
		for x := s.next(); x != nil; x = s.next() {
			if m, ok := x.(*proto.Publish); ok {
				last[string(m.Topic)] = string(m.Payload)
				if m.Dup {
					seen[string(m.Topic)]++ // it was in flight before
				}
				if m.QoS == 1 {
					s.send(ack(proto.PUBACK, m.PacketID))
				}
			}
		}
		for i := range all {
			topic := fmt.Sprint("r/", i)
			if last[topic] != "new" && !(i%2 == 0 && seen[topic] > 0) { // QoS 0 is only for connected clients
				t.Errorf("%s: %q", topic, last[topic])
			}
		}
	})
}

// A subscription is removed or replaced while its retained messages are being delivered.
func TestRetainedMessagesOfAFilterThatIsGivenUp(t *testing.T) {
	const all = 300
	in(t, Options{HighWater: 500}, func(k *bench) {
		k.misbehaves()
		k.store(all, 0)
		s := k.connect(proto.V5, "s")
		goOn := s.pause()
		for range 1000 { // it costs no more memory than one
			s.post(sub(1, to("r/#", 0)), &proto.Unsubscribe{PacketID: 2, Filters: []string{"r/#"}}, sub(3, to("r/#", 0)), sub(4, to("r/+", 0)))
		}
		k.pass(time.Second)
		session := k.b.sessions["s"]
		session.mu.Lock()
		if n := len(session.walks); n > 4 {
			t.Errorf("%d walks are under way", n)
		}
		session.mu.Unlock()
		goOn()
		k.pass(time.Second)
		seen := map[string]int{}
		for n := 0; s.receive(seen, 1000) > 0 && n < 1000; n++ {
		}
		if len(seen) != all || seen["r/0"] < 2 {
			t.Errorf("%d topics came, want %d, r/0 %d times", len(seen), all, seen["r/0"])
		}
		s.send(pub("r/1", "live", 0, 0))
		s.want(`PUBLISH r/1 "live"`)
	})
}

// A takeover does not wait for the delivery of retained messages, and neither does Close.
func TestWalksEndWithTheirClient(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		k.store(5000, 0)
		many := sub(1)
		for i := range 2000 {
			many.Filters = append(many.Filters, to(fmt.Sprint("+/nope", i), 0))
		}
		for range 3 {
			k.connect(proto.V5, "s").post(many)
			p := k.connect(proto.V5, "other")
			p.leave()
		}
		k.peers[len(k.peers)-2].cut()
		k.pass(time.Second)
		if n := k.b.retained.walks.Load(); n != 0 {
			t.Errorf("%d walks are left", n)
		}
	})
}
