package broker

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	ledger "mqtt/internal/session"

	"mqtt/internal/proto"
)

// crash kills the broker and starts another one with the contents of the disk.
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
		p.send(&proto.Ping{Kind: proto.PINGREQ})             // so there is a commit
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

// Sessions that expired while no broker was running end during Restore.
func TestRestoreOfSessionsThatAreOver(t *testing.T) {
	j := newJournal()
	for i := range 5000 {
		id := fmt.Sprint("c", i)
		j.disk.sessions[id] = &keptSession{SessionRecord: SessionRecord{Client: id, Expiry: 1, Left: time.Now().Add(-time.Hour)}}
	}
	b := New(Options{Store: j, SysInterval: -1})
	if err := b.Restore(t.Context()); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); b.Stats().Sessions > 0; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d sessions are left", b.Stats().Sessions)
		}
	}
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// The clock is set back by an hour between two runs: sessions and wills wait for their interval,
// not for an hour more. If it is set forward, they are over.
func TestRestoreAfterTheClockWasSet(t *testing.T) {
	for _, by := range []time.Duration{-time.Hour, time.Hour} {
		j := newJournal()
		in(t, Options{Store: j}, func(k *bench) {
			w := k.open(proto.V5, "w", resume, expiry(100), willed("will", "delayed", delayed(10)))
			w.want("CONNACK 00")
			w.cut()
			k.pass(time.Second)
			s := k.kept(proto.V5, "s")
			s.want("CONNACK 00")
			s.send(sub(1, to("will", 0)))
			s.want("SUBACK 1 00")
			j.mu.Lock() // saved times are as old as the clock says
			left := j.disk.sessions["w"]
			left.Left, left.WillDue = left.Left.Add(-by), left.WillDue.Add(-by)
			j.mu.Unlock()
			k.crash(j, Options{})
			s = k.kept(proto.V5, "s")
			s.want("CONNACK 00 present")
			if by > 0 {
				k.pass(time.Millisecond)
				if n := k.b.Stats().Sessions; n != 1 {
					t.Errorf("set forward: %d sessions, want 1", n)
				}
				return
			}
			k.pass(9 * time.Second)
			s.silent()
			k.pass(2 * time.Second)
			s.want(`PUBLISH will "delayed"`)
			k.pass(88 * time.Second)
			if n := k.b.Stats().Sessions; n != 2 {
				t.Errorf("after 99 s: %d sessions, want 2", n)
			}
			k.pass(2 * time.Second)
			if n := k.b.Stats().Sessions; n != 1 {
				t.Errorf("after 101 s: %d sessions, want 1", n)
			}
		})
	}
}

// A message expires by the wall clock, which outlives the process. If that is set back the message
// waits longer, but the remaining interval is never more than the original one [MQTT-3.3.2-6].
func TestExpiryWhenTheClockIsSet(t *testing.T) {
	const came = int64(1e18)
	ps := proto.Props(nil).AppendNum(proto.MessageExpiryInterval, 600)
	m := &Message{Props: ps, Came: came, Expires: expires(ps, came)}
	for _, c := range []struct {
		by   time.Duration
		left uint32 // 0 is expired
	}{{0, 600}, {-time.Hour, 600}, {599 * time.Second, 1}, {time.Hour, 0}} {
		now := came + int64(c.by)
		if got := m.expired(now); got != (c.left == 0) {
			t.Errorf("%s later: expired is %v", c.by, got)
			continue
		}
		if c.left == 0 {
			continue
		}
		if got := m.appendCounted(nil, now).Num(proto.MessageExpiryInterval, 0); got != c.left {
			t.Errorf("%s later: %d s are left, want %d", c.by, got, c.left)
		}
	}
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

// A publisher and a subscriber, each with a session, survive many crashes of the broker at any
// moment.
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

// couple is a publisher and a subscriber that follow the standard.
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
		f.Message.Dup = true
		c.p.send(f.Message)
	}
}

// step lets one of the two act.
func (c *couple) step(all, what int) {
	switch {
	case what == 0 && c.next < all && c.out.Free() > 0:
		id, m, _ := c.out.Add(c.qos, 0)
		*m = *pub("t", fmt.Sprint(c.next), c.qos, id)
		c.next++
		c.p.send(m)
	case what <= 1:
		for x := c.p.next(); x != nil; x = c.p.next() {
			a, ok := x.(*proto.Ack)
			if !ok {
				continue
			}
			step, err := c.out.Acknowledge(a.Kind, a.PacketID, a.Reason)
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
