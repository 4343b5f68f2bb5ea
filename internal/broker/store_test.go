package broker

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	ledger "mqtt/internal/session"

	"mqtt/internal/proto"
)

// crash kills the broker and starts another with what was on the disk.
func (k *bench) crash(j *journal, opt Options) *journal {
	j2 := j.reboot()
	for _, p := range k.peers {
		p.conn.Close()
	}
	k.stop()
	opt.Store = j2
	k.start(opt)
	return j2
}

func TestStoreKeepsWhatMustOutliveTheProcess(t *testing.T) {
	j := newJournal()
	in(t, Options{Store: j, Inflight: 2}, func(k *bench) {
		s := k.kept(proto.V5, "s")
		s.want("CONNACK 00")
		s.send(numbered(sub(1, to("t/#", 2)), 7))
		s.want("SUBACK 1 02")
		p := k.kept(proto.V5, "p")
		p.want("CONNACK 00")
		p.send(pub("t/1", "one", 1, 1), pub("t/2", "two", 2, 2), pub("t/3", "three", 1, 3), pub("r", "kept", 0, 0, retain),
			pub("gone", "kept", 0, 0, retain), pub("gone", "", 0, 0, retain), pub("late", "m", 2, 4))
		p.want("PUBACK 1", "PUBREC 2", "PUBACK 3", "PUBREC 4 10")
		s.want(`PUBLISH t/1 "one" q1 id1 subscription-identifier=7`, `PUBLISH t/2 "two" q2 id2 subscription-identifier=7`)
		s.send(ack(proto.PUBREC, 2))
		s.want("PUBREL 2")
		w := k.open(proto.V5, "w", resume, expiry(100), willed("will", "delayed", delayed(10)))
		w.want("CONNACK 00")
		w.cut()
		k.connect(proto.V5, "clean").subscribe(to("t/#", 1)) // leaves no trace
		p.send(&proto.Ping{Kind: proto.PINGREQ})             // and so a commit
		p.want("PINGRESP")

		j = k.crash(j, Options{})
		if n := k.b.Stats(); n.Sessions != 3 || n.Retained != 1 {
			t.Errorf("%d sessions and %d retained messages, want 3 and 1", n.Sessions, n.Retained)
		}
		s = k.kept(proto.V5, "s")
		s.want("CONNACK 00 present", "PUBREL 2", `PUBLISH t/1 "one" q1 id1 dup subscription-identifier=7`, `PUBLISH t/3 "three" q1 id3 subscription-identifier=7`)
		p = k.kept(proto.V5, "p")
		p.want("CONNACK 00 present")
		p.send(pub("t/2", "two", 2, 2, dup)) // it has not seen the PUBREC
		p.want("PUBREC 2")
		s.silent()
		s.send(sub(3, to("r", 0), to("will", 0)))
		s.want("SUBACK 3 00 00", `PUBLISH r "kept" retain`)
		k.pass(9 * time.Second)
		s.silent()
		k.pass(2 * time.Second)
		s.want(`PUBLISH will "delayed"`)
		k.pass(100 * time.Second) // the will's session had 100 seconds
		if n := k.b.Stats().Sessions; n != 2 {
			t.Errorf("%d sessions, want 2", n)
		}
	})
}

func TestStoreThatFailsAcknowledgesNothing(t *testing.T) {
	j := newJournal()
	in(t, Options{Store: j}, func(k *bench) {
		s, p := k.kept(proto.V5, "s"), k.kept(proto.V5, "p")
		s.want("CONNACK 00")
		s.subscribe(to("t", 1))
		p.want("CONNACK 00")
		j.reboot()
		p.send(pub("t", "m", 1, 1))
		p.closed() // 3.1.1 [MQTT-4.8.0-2]
		s.closed()
	})
}

// A publisher and a subscriber with sessions of their own go through many crashes of
// the broker, at any moment.
func TestStoreLosesNothingAndRepeatsNothingThroughCrashes(t *testing.T) {
	const all = 300
	for qos := byte(1); qos <= 2; qos++ {
		for seed := range uint64(8) {
			t.Run(fmt.Sprintf("QoS %d seed %d", qos, seed), func(t *testing.T) {
				j := newJournal()
				random := rand.New(rand.NewPCG(seed, 1))
				in(t, Options{Store: j}, func(k *bench) {
					c := &couple{k: k, qos: qos, seen: map[string]int{}}
					c.out.Limit(10)
					s := k.kept(proto.V5, "s")
					s.want("CONNACK 00")
					s.subscribe(to("t", qos))
					c.connect()
					for crashes := 0; c.done < all; {
						c.step(all, random.IntN(4))
						if crashes < 30 && random.IntN(20) == 0 {
							crashes++
							j = k.crash(j, Options{})
							c.connect()
						}
					}
					for range 100 {
						c.step(all, 3)
					}
					for i := range all {
						n := c.seen[fmt.Sprint(i)]
						if n == 0 || n > 1 && qos == 2 {
							t.Errorf("message %d came %d times", i, n)
						}
					}
				})
			})
		}
	}
}

// couple is a publisher and a subscriber that keep to the standard.
type couple struct {
	k    *bench
	qos  byte
	p, s *peer
	out  ledger.Sender[proto.Publish]
	in   ledger.Receiver
	next int
	done int
	seen map[string]int
}

func (c *couple) connect() {
	c.p, c.s = c.k.kept(proto.V5, "p"), c.k.kept(proto.V5, "s")
	for _, f := range c.out.Resend() {
		if f.Released {
			c.p.send(ack(proto.PUBREL, f.ID))
			continue
		}
		f.Kept.Dup = true
		c.p.send(f.Kept)
	}
}

// step lets one of the two do something.
func (c *couple) step(all, what int) {
	switch {
	case what == 0 && c.next < all && c.out.Free() > 0:
		id, m, _ := c.out.Begin(c.qos, 0)
		*m = *pub("t", fmt.Sprint(c.next), c.qos, id)
		c.next++
		c.p.send(m)
	case what <= 1:
		for x := c.p.next(); x != nil; x = c.p.next() {
			a, ok := x.(*proto.Ack)
			if !ok {
				continue
			}
			step, err := c.out.Settle(a.Kind, a.PacketID, a.Reason)
			if err != nil {
				c.k.t.Fatal(err)
			}
			if step.Release {
				c.p.send(ack(proto.PUBREL, a.PacketID))
			}
			if step.Done {
				c.done++
			}
		}
	default:
		for x := c.s.next(); x != nil; x = c.s.next() {
			switch x := x.(type) {
			case *proto.Publish:
				if x.QoS == 1 || c.in.Accept(x.PacketID) {
					c.seen[string(x.Payload)]++
				}
				c.s.send(ack(map[byte]proto.Type{1: proto.PUBACK, 2: proto.PUBREC}[x.QoS], x.PacketID))
			case *proto.Ack:
				c.in.Release(x.PacketID)
				c.s.send(ack(proto.PUBCOMP, x.PacketID))
			}
		}
	}
	synctest.Wait()
}
