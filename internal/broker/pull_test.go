package broker

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"mqtt/internal/proto"
)

// A message of a shared subscription that exceeds one member's Maximum Packet Size goes to another
// one, whether it arrives while the member is connected or is queued until it is back with a
// smaller limit.
func TestShareTooLargeForOneMember(t *testing.T) {
	for qos := range byte(3) {
		in(t, Options{}, func(k *bench) {
			small := k.connect(proto.V5, "small", num(proto.MaximumPacketSize, 50))
			small.subscribe(to("$share/g/t", qos))
			large, p := k.connect(proto.V5, "large"), k.connect(proto.V5, "p")
			large.subscribe(to("$share/g/t", qos))
			for i := range uint16(10) {
				p.send(pub("t", fmt.Sprintf("%03d", i)+big(100), qos, i+1))
			}
			if n, _ := large.drain(); n != 10 {
				t.Errorf("QoS %d: %d of 10", qos, n)
			}
			small.silent()
		})
	}
	in(t, Options{}, func(k *bench) {
		for _, id := range []string{"a", "b"} {
			m := k.connect(proto.V5, id, expiry(100))
			m.subscribe(to("$share/g/t", 1))
			m.leave()
		}
		p := k.connect(proto.V5, "p")
		for i := range uint16(10) {
			p.send(pub("t", fmt.Sprintf("%03d", i)+big(100), 1, i+1))
		}
		a := k.open(proto.V5, "a", resume, expiry(100), num(proto.MaximumPacketSize, 50))
		a.want("CONNACK 00 present")
		a.silent()
		b := k.open(proto.V5, "b", resume)
		b.want("CONNACK 00 present")
		if got := b.finish(); len(got) != 10 {
			t.Errorf("%d of 10", len(got))
		}
	})
}

// A member that acknowledges nothing has one message, and the others get the rest.
func TestShareMembersWithRoomFirst(t *testing.T) {
	for qos := byte(1); qos <= 2; qos++ {
		in(t, Options{}, func(k *bench) {
			stuck := k.connect(proto.V5, "stuck", num(proto.ReceiveMaximum, 1))
			stuck.subscribe(to("$share/g/t", qos))
			good, p := k.connect(proto.V5, "good", num(proto.ReceiveMaximum, 5)), k.connect(proto.V5, "p")
			good.subscribe(to("$share/g/t", qos))
			var all []proto.Packet
			for i := range uint16(50) { // more than the good one has room for at once
				all = append(all, pub("t", fmt.Sprintf("%03d", i), qos, i+1))
			}
			p.send(all...)
			if got := good.finish(); len(got) != 49 {
				t.Errorf("QoS %d: %d of 49: %v", qos, len(got), got)
			}
			x, ok := stuck.next().(*proto.Publish)
			if !ok {
				t.Fatal("the member that acknowledges nothing got nothing")
			}
			stuck.silent()
			stuck.cut() // its session ends: another member gets its QoS 1 messages
			if got := good.finish(); qos == 1 && !slices.Equal(got, []string{string(x.Payload)}) {
				t.Errorf("got %v", got)
			}
		})
	}
}

// All members are away, and one comes back. It gets all messages that are queued for the group, as
// fast as it has room, and so does a new member.
func TestShareAllAwayOneComes(t *testing.T) {
	for _, stored := range []bool{false, true} {
		for _, who := range []string{"m0", "new"} {
			for qos := byte(1); qos <= 2; qos++ {
				opt, j := Options{}, newJournal()
				if stored {
					opt.Store = j
				}
				in(t, opt, func(k *bench) {
					for i := range 3 {
						m := k.connect(proto.V5, fmt.Sprint("m", i), expiry(1000))
						m.subscribe(to("$share/g/t", qos), to("plain", qos))
						m.leave()
					}
					p := k.connect(proto.V5, "p")
					for i := range uint16(300) {
						topic := "t"
						if i%3 == 0 {
							topic = "plain"
						}
						p.post(pub(topic, fmt.Sprintf("%03d", i), qos, i+1))
					}
					k.pass(time.Second)
					if stored {
						k.crash(j, opt)
					}
					one := k.open(proto.V5, who, resume, expiry(1000), num(proto.ReceiveMaximum, 7))
					one.next()
					want := 200
					if who == "new" {
						one.subscribe(to("$share/g/t", qos))
					} else {
						want += 100
					}
					got := one.finish()
					slices.Sort(got)
					if len(slices.Compact(got)) != want {
						t.Errorf("%s at QoS %d, stored %v: %d of %d", who, qos, stored, len(got), want)
					}
					if n := k.b.router.waiting.Load(); n != 0 {
						t.Errorf("%d are said to wait", n)
					}
				})
			}
		}
	}
}

// A member that may not read the messages pulls none.
func TestShareIsPulledByReaders(t *testing.T) {
	in(t, Options{ACL: eachHisOwn{}}, func(k *bench) {
		a := k.connect(proto.V5, "a", user("eve"), expiry(1000))
		a.subscribe(to("$share/g/#", 1))
		a.leave()
		p := k.connect(proto.V5, "p", user("eve"))
		p.send(pub("eve/1", "001", 1, 1), pub("eve/2", "002", 1, 2))
		b := k.connect(proto.V5, "b", user("bob"))
		b.subscribe(to("$share/g/#", 1))
		b.silent()
		a = k.open(proto.V5, "a", user("eve"), resume)
		a.want("CONNACK 00 present")
		if got := a.finish(); len(got) != 2 {
			t.Errorf("got %v", got)
		}
	})
}

func TestQueueExtract(t *testing.T) {
	var q queue
	numbers := func() (all []uint64) {
		for i := range q.n {
			all = append(all, q.at(i).seq)
		}
		return all
	}
	for i := range uint64(20) { // the ring is not at its beginning
		q.push(delivery{m: &Message{}, g: &grant{}, seq: i})
		if i < 10 {
			q.pop()
		}
	}
	some := q.removeSome(8, 3, func(h *delivery) bool { return h.seq%2 == 1 })
	if len(some) != 3 || some[0].seq != 11 || some[1].seq != 13 || some[2].seq != 15 {
		t.Errorf("extracted %v", some)
	}
	if got := numbers(); !slices.Equal(got, []uint64{10, 12, 14, 16, 17, 18, 19}) {
		t.Errorf("left %v", got)
	}
	if some = q.removeSome(100, 100, func(*delivery) bool { return false }); some != nil || q.n != 7 {
		t.Errorf("extracted %v", some)
	}
	if some = q.removeSome(100, 100, func(*delivery) bool { return true }); len(some) != 7 || q.n != 0 || q.bytes != 0 || q.zeros != 0 {
		t.Errorf("extracted %d, %d are left", len(some), q.n)
	}
}

// Whatever members do, each accepted message goes to exactly one of them.
func TestShareLosesNothingAndRepeatsNothing(t *testing.T) {
	for seed := range uint64(20) {
		opt := Options{Inflight: 8}
		if seed%2 == 1 {
			opt.Store = newJournal()
		}
		in(t, opt, func(k *bench) {
			r := rand.New(rand.NewPCG(seed, 1))
			const members = 4
			var there [members]*peer
			var pending [members][]uint16 // packet identifiers that were not acknowledged
			got := map[string]int{}       // payload to member
			connect := func(i int) {
				id := fmt.Sprint("m", i)
				p := k.open(proto.V5, id, resume, expiry(never), num(proto.ReceiveMaximum, uint32(1+r.IntN(6))))
				there[i] = p
				if c := p.next().(*proto.Connack); !c.SessionPresent {
					p.subscribe(to("$share/g/t", 1), to("$share/h/u", 1))
				}
				pending[i] = nil
			}
			read := func(i int) {
				for {
					x := there[i].next()
					if x == nil {
						return
					}
					m, ok := x.(*proto.Publish)
					if !ok {
						continue
					}
					if by, ok := got[string(m.Payload)]; ok && (by != i || !m.Dup) {
						t.Fatalf("seed %d: %s went to %d, and then to %d", seed, dump(m), by, i)
					}
					got[string(m.Payload)] = i
					pending[i] = append(pending[i], m.PacketID)
				}
			}
			for i := range members {
				connect(i)
			}
			p := k.connect(proto.V5, "p")
			sent := 0
			for range 400 {
				i := r.IntN(members)
				switch n := r.IntN(10); {
				case n < 4:
					for range 1 + r.IntN(10) {
						p.send(pub([]string{"t", "u"}[r.IntN(2)], fmt.Sprint(sent), 1, 1))
						p.want("PUBACK 1")
						sent++
					}
				case n < 5 && there[i] != nil:
					read(i)
					there[i].cut()
					there[i] = nil
				case n < 6 && there[i] == nil:
					connect(i)
				case there[i] != nil:
					read(i)
					for len(pending[i]) > 0 && r.IntN(4) > 0 {
						there[i].send(ack(proto.PUBACK, pending[i][0]))
						pending[i] = pending[i][1:]
					}
				}
			}
			for i := range members {
				if there[i] == nil {
					connect(i)
				}
			}
			for range 2 * sent {
				for i := range members {
					read(i)
					for _, id := range pending[i] {
						there[i].send(ack(proto.PUBACK, id))
					}
					pending[i] = nil
				}
				if len(got) == sent {
					break
				}
			}
			if len(got) != sent {
				t.Errorf("seed %d: %d of %d arrived", seed, len(got), sent)
			}
			if n := k.b.router.waiting.Load(); n != 0 {
				t.Errorf("seed %d: %d are said to wait", seed, n)
			}
		})
	}
}

// Messages in the queue of a session whose client leaves stay there until other members have room.
// None is dropped.
func TestShareOfALeaverIsNotDropped(t *testing.T) {
	in(t, Options{QueueMessages: 20}, func(k *bench) {
		a := k.connect(proto.V5, "a", num(proto.ReceiveMaximum, 1), expiry(1000))
		a.subscribe(to("$share/g/t", 1))
		p := k.connect(proto.V5, "p")
		accepted := len(p.publishAll(21, "t", "", 1, 0))
		b := k.connect(proto.V5, "b", num(proto.ReceiveMaximum, 1))
		b.subscribe(to("$share/g/t", 1), to("plain", 1))
		for i := range uint16(30) { // until b is full
			p.send(pub("plain", fmt.Sprintf("p%02d", i), 1, i+1))
			p.next()
		}
		before := k.b.Stats().Dropped
		a.cut()
		if n := k.b.Stats().Dropped - before; before == 0 || n != 0 {
			t.Errorf("%d were dropped", n)
		}
		got := map[string]bool{}
		for _, m := range b.finish() {
			got[m] = true
		}
		a = k.open(proto.V5, "a", resume)
		a.want("CONNACK 00 present")
		for _, m := range a.finish() {
			got[m] = true
		}
		maps.DeleteFunc(got, func(m string, _ bool) bool { return m[0] == 'p' })
		if len(got) != accepted {
			t.Errorf("%d of %d arrived", len(got), accepted)
		}
	})
}
