package broker

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
)

// journal is a Store that can crash, and loses then what was not committed.
type journal struct {
	gate sync.RWMutex // no commit between Begin and End

	mu      sync.Mutex
	pending []func(*saved)
	disk    *saved
	dead    bool
	commits int
}

// saved is the contents of the journal's disk.
type saved struct {
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
	return &journal{disk: &saved{sessions: map[string]*keptSession{}, retained: map[string]*Message{}}}
}

// reboot returns a journal with the disk of one that has crashed.
func (j *journal) reboot() *journal {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.dead = true
	return &journal{disk: j.disk}
}

func (j *journal) note(f func(*saved)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.dead {
		j.pending = append(j.pending, f)
	}
}

func (j *journal) session(client string, f func(*keptSession)) {
	j.note(func(k *saved) {
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
	j.note(func(k *saved) {
		s := k.sessions[r.Client]
		if s == nil {
			s = &keptSession{subs: map[string]SubscriptionRecord{}, entries: map[uint64]*Entry{}, sent: map[uint64]int{}, accepted: map[uint16]bool{}}
			k.sessions[r.Client] = s
		}
		s.SessionRecord = r
	})
}
func (j *journal) DropSession(c string) { j.note(func(k *saved) { delete(k.sessions, c) }) }
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
	j.note(func(k *saved) { k.retained[string(m.Topic)] = m })
}
func (j *journal) DropRetained(topic []byte) {
	name := string(topic)
	j.note(func(k *saved) { delete(k.retained, name) })
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
