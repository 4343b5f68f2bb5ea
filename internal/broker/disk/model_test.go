package disk

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"mqtt/internal/broker"
	"mqtt/internal/proto"
)

// model is the state that a Store should have, kept in memory by the same calls.
type model struct {
	sessions map[string]*modelSession
	retained map[string]*broker.Message
}

type modelSession struct {
	broker.SessionRecord
	subs     map[string]broker.SubscriptionRecord
	entries  []broker.Entry
	accepted map[uint16]bool
	seq      uint64
}

func newModel() *model {
	return &model{map[string]*modelSession{}, map[string]*broker.Message{}}
}

// image returns the state in the form that sorted gives.
func (m *model) image() *broker.Image {
	im := &broker.Image{}
	for _, s := range m.sessions {
		out := broker.SessionImage{SessionRecord: s.SessionRecord}
		out.Entries = append(out.Entries, s.entries...) // nil if there are none
		for _, sub := range s.subs {
			out.Subscriptions = append(out.Subscriptions, sub)
		}
		for id := range s.accepted {
			out.Accepted = append(out.Accepted, id)
		}
		im.Sessions = append(im.Sessions, out)
	}
	for _, r := range m.retained {
		im.Retained = append(im.Retained, r)
	}
	return sorted(im)
}

// restart counts entries as the broker does after a restart: from the last one that is left.
func (m *model) restart() {
	for _, c := range m.sessions {
		c.seq = 0
		for _, e := range c.entries {
			c.seq = max(c.seq, e.Seq)
		}
	}
}

func sorted(im *broker.Image) *broker.Image {
	slices.SortFunc(im.Sessions, func(a, b broker.SessionImage) int { return strings.Compare(a.Client, b.Client) })
	for i := range im.Sessions {
		s := &im.Sessions[i]
		slices.SortFunc(s.Subscriptions, func(a, b broker.SubscriptionRecord) int { return strings.Compare(a.Filter, b.Filter) })
		slices.Sort(s.Accepted)
	}
	slices.SortFunc(im.Retained, func(a, b *broker.Message) int { return strings.Compare(string(a.Topic), string(b.Topic)) })
	return im
}

// differ describes how two images differ. It returns "" if they do not.
func differ(got, want *broker.Image) string {
	if reflect.DeepEqual(got, want) {
		return ""
	}
	if len(got.Sessions) != len(want.Sessions) || len(got.Retained) != len(want.Retained) {
		return fmt.Sprintf("%d sessions and %d retained messages, want %d and %d", len(got.Sessions), len(got.Retained), len(want.Sessions), len(want.Retained))
	}
	for i := range got.Sessions {
		if !reflect.DeepEqual(got.Sessions[i], want.Sessions[i]) {
			return fmt.Sprintf("session\n%+v, want\n%+v", got.Sessions[i], want.Sessions[i])
		}
	}
	return "retained messages differ"
}

// some returns a random message, different from all others.
func some(r *rand.Rand, n int) *broker.Message {
	m := &broker.Message{Topic: fmt.Appendf(nil, "t/%d", r.IntN(40)), Payload: fmt.Appendf(nil, "%d %s", n, strings.Repeat("x", r.IntN(300))),
		From: fmt.Sprint("p", r.IntN(9)), QoS: byte(r.IntN(3)), Retain: r.IntN(2) == 0, Came: int64(1 + n)}
	if r.IntN(4) == 0 {
		m.Props = proto.Props(nil).AppendPair("k", fmt.Sprint(n)).AppendNum(proto.MessageExpiryInterval, 9)
		m.Expires = int64(r.IntN(1000))
	}
	if r.IntN(50) == 0 {
		m.Topic = []byte(strings.Repeat("long/", 1+r.IntN(8000)) + string(m.Topic))
	}
	return m
}

// step makes a random change to the Store and the model.
func step(r *rand.Rand, n int, s broker.Store, m *model) {
	client := fmt.Sprint("client-", r.IntN(8))
	c := m.sessions[client]
	if c == nil {
		c = &modelSession{SessionRecord: broker.SessionRecord{Client: client, Expiry: uint32(n)}, subs: map[string]broker.SubscriptionRecord{}, accepted: map[uint16]bool{}}
		m.sessions[client] = c
		s.PutSession(c.SessionRecord)
	}
	switch r.IntN(20) {
	case 0:
		c.Left, c.User, c.Named, c.Unowned = time.Unix(0, int64(n+1)), "", true, r.IntN(2) == 0
		c.Will, c.WillDue, c.Delay = nil, time.Time{}, 0
		if r.IntN(2) == 0 {
			c.Will, c.WillDue, c.Delay = some(r, n), time.Unix(0, int64(n+2)), uint32(n)
		}
		s.PutSession(c.SessionRecord)
	case 1:
		if r.IntN(10) == 0 {
			s.DropSession(client)
			delete(m.sessions, client)
		}
	case 2:
		sub := broker.SubscriptionRecord{ID: uint32(r.IntN(3)), Subscription: proto.Subscription{Filter: fmt.Sprint("f/", r.IntN(5), strings.Repeat("/+", r.IntN(2)*r.IntN(20000))),
			QoS: byte(r.IntN(3)), NoLocal: r.IntN(2) == 0, RetainAsPublished: r.IntN(2) == 0, RetainHandling: byte(r.IntN(3))}}
		c.subs[sub.Filter] = sub
		s.PutSubscription(client, sub)
	case 3:
		if all := slices.Sorted(maps.Keys(c.subs)); len(all) > 0 {
			delete(c.subs, all[0])
			s.DropSubscription(client, all[0])
		}
	case 4, 5:
		id := uint16(1 + r.IntN(50))
		if c.accepted[id] {
			delete(c.accepted, id)
			s.Release(client, id)
		} else {
			c.accepted[id] = true
			s.Accept(client, id)
		}
	case 6:
		x := some(r, n)
		m.retained[string(x.Topic)] = x
		s.PutRetained(x)
	case 7:
		if all := slices.Sorted(maps.Keys(m.retained)); len(all) > 0 {
			delete(m.retained, all[0])
			s.DropRetained([]byte(all[0]))
		}
	case 8, 9, 10, 11, 12, 13: // one message for many
		x := some(r, n)
		for _, name := range slices.Sorted(maps.Keys(m.sessions)) {
			if r.IntN(2) == 0 {
				continue
			}
			c := m.sessions[name]
			c.seq++
			e := broker.Entry{Seq: c.seq, Message: x, QoS: 1 + byte(r.IntN(2)), Retain: r.IntN(2) == 0}
			if r.IntN(5) == 0 {
				e.IDs, e.Share = proto.Props(nil).AppendNum(proto.SubscriptionIdentifier, 7), "$share/g/a"
			}
			c.entries = append(c.entries, e)
			s.Enqueue(name, e)
		}
	default:
		if len(c.entries) == 0 {
			return
		}
		i := r.IntN(min(len(c.entries), 4))
		e := &c.entries[i]
		switch {
		case e.PacketID == 0:
			e.PacketID = uint16(1 + r.IntN(2000))
			s.InFlight(client, e.Seq, e.PacketID)
		case e.QoS == 2 && !e.Released:
			e.Released = true
			s.Pubrec(client, e.Seq)
		default:
			s.Settle(client, e.Seq)
			c.entries = slices.Delete(c.entries, i, i+1)
		}
	}
}

// abandon leaves the folder as a process that is killed leaves it.
func abandon(s *Store) {
	s.cancel()
	s.wg.Wait()
	s.segment.file.Close()
	s.lock.Close()
}

func open(t testing.TB, dir string, opt Options) (*Store, *broker.Image) {
	t.Helper()
	s, err := Open(dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	im, err := s.Load(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return s, sorted(im)
}

// All that was committed is loaded again, after a kill and after a Close. A message that several
// sessions share is shared again.
func TestModel(t *testing.T) {
	for seed := range uint64(repeat(40, 3)) {
		r := rand.New(rand.NewPCG(seed, 1))
		dir, m := t.TempDir(), newModel()
		for round := range 8 {
			s, im := open(t, dir, Options{SegmentSize: int64(1+r.IntN(30)) << 10, Sync: []time.Duration{0, 0, time.Hour, Never}[round%4]})
			if d := differ(im, m.image()); d != "" {
				t.Fatalf("seed %d round %d: %s", seed, round, d)
			}
			m.restart()
			for n := range r.IntN(400) {
				s.Begin()
				for range 1 + r.IntN(5) {
					step(r, n, s, m)
				}
				s.End()
				if r.IntN(20) == 0 {
					if err := s.Commit(); err != nil {
						t.Fatal(err)
					}
				}
			}
			if round%2 == 0 {
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				if l, err := s.list(); err != nil || len(l.others) > 0 || len(l.segments) != len(s.manifest.segments)+1 || len(l.snapshots) > 1 {
					t.Errorf("after Close there are %+v, %v", l, err)
				}
				continue
			}
			if err := s.Commit(); err != nil {
				t.Fatal(err)
			}
			abandon(s)
		}
		seen := map[string]*broker.Message{}
		s, im := open(t, dir, Options{})
		for _, c := range im.Sessions {
			for _, e := range c.Entries {
				text := fmt.Sprintf("%+v", *e.Message)
				if old := seen[text]; old != nil && old != e.Message {
					t.Error("a shared message is there twice")
				}
				seen[text] = e.Message
			}
		}
		s.Close()
	}
}
