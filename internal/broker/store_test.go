package broker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	ledger "mqtt/internal/session"

	"mqtt/internal/proto"
)

// journal is a Store that can crash: what was not committed is lost then.
type journal struct {
	gate sync.RWMutex // no cut between Begin and End

	mu      sync.Mutex
	pending []func(*kept)
	disk    *kept
	dead    bool
	commits int
}

// kept is what is on the journal's disk.
type kept struct {
	sessions map[string]*keptSession
	retained map[string]*Message
}

type keptSession struct {
	SessionRecord
	subs     map[string]SubscriptionRecord
	entries  map[uint64]*Entry
	sent     map[uint64]int // the order of sending
	accepted map[uint16]bool
}

var errCrashed = errors.New("crashed")

func newJournal() *journal {
	return &journal{disk: &kept{sessions: map[string]*keptSession{}, retained: map[string]*Message{}}}
}

// reboot returns a journal with what is on the disk of one that has crashed.
func (j *journal) reboot() *journal {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.dead = true
	return &journal{disk: j.disk}
}

func (j *journal) note(f func(*kept)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.dead {
		j.pending = append(j.pending, f)
	}
}

func (j *journal) session(client string, f func(*keptSession)) {
	j.note(func(k *kept) {
		if s := k.sessions[client]; s != nil {
			f(s)
		}
	})
}

func (j *journal) Begin() { j.gate.RLock() }
func (j *journal) End()   { j.gate.RUnlock() }

func (j *journal) Commit() error {
	j.gate.Lock()
	defer j.gate.Unlock()
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.dead {
		return errCrashed
	}
	for _, f := range j.pending {
		f(j.disk)
	}
	j.pending = nil
	j.commits++
	return nil
}

func (j *journal) PutSession(r SessionRecord) {
	j.note(func(k *kept) {
		s := k.sessions[r.Client]
		if s == nil {
			s = &keptSession{subs: map[string]SubscriptionRecord{}, entries: map[uint64]*Entry{}, sent: map[uint64]int{}, accepted: map[uint16]bool{}}
			k.sessions[r.Client] = s
		}
		s.SessionRecord = r
	})
}
func (j *journal) DropSession(c string) { j.note(func(k *kept) { delete(k.sessions, c) }) }
func (j *journal) PutSubscription(c string, r SubscriptionRecord) {
	j.session(c, func(s *keptSession) { s.subs[r.Filter] = r })
}
func (j *journal) DropSubscription(c, f string) {
	j.session(c, func(s *keptSession) { delete(s.subs, f) })
}
func (j *journal) Enqueue(c string, e Entry) {
	j.session(c, func(s *keptSession) { s.entries[e.Seq] = &e })
}
func (j *journal) InFlight(c string, seq uint64, id uint16) {
	j.session(c, func(s *keptSession) { s.entries[seq].PacketID = id; s.sent[seq] = len(s.sent) })
}
func (j *journal) Pubrec(c string, seq uint64) {
	j.session(c, func(s *keptSession) { s.entries[seq].Released = true })
}
func (j *journal) Settle(c string, seq uint64) {
	j.session(c, func(s *keptSession) { delete(s.entries, seq) })
}
func (j *journal) Accept(c string, id uint16) {
	j.session(c, func(s *keptSession) { s.accepted[id] = true })
}
func (j *journal) Release(c string, id uint16) {
	j.session(c, func(s *keptSession) { delete(s.accepted, id) })
}
func (j *journal) PutRetained(m *Message) {
	j.note(func(k *kept) { k.retained[string(m.Topic)] = m })
}
func (j *journal) DropRetained(topic []byte) {
	name := string(topic)
	j.note(func(k *kept) { delete(k.retained, name) })
}

func (j *journal) Load(context.Context) (*Image, error) {
	var im Image
	for _, m := range j.disk.retained {
		im.Retained = append(im.Retained, m)
	}
	for _, s := range j.disk.sessions {
		one := SessionImage{SessionRecord: s.SessionRecord}
		for _, r := range s.subs {
			one.Subscriptions = append(one.Subscriptions, r)
		}
		for _, e := range s.entries {
			one.Entries = append(one.Entries, *e)
		}
		slices.SortFunc(one.Entries, func(a, b Entry) int { return cmp.Compare(a.Seq, b.Seq) })
		for id := range s.accepted {
			one.Accepted = append(one.Accepted, id)
		}
		im.Sessions = append(im.Sessions, one)
	}
	return &im, nil
}

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
		p.closed()
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
