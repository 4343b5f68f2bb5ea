package broker

import (
	"fmt"
	"testing"

	"mqtt/internal/proto"
)

// countingACL denies reading below denied/ if on is set, and counts the questions of each batch.
type countingACL struct {
	b    *Broker
	on   bool
	asks map[uint64]int
}

func (a *countingACL) Allow(_ *Identity, topic string, access Access) bool {
	if !a.on || access != Read {
		return true
	}
	a.asks[a.b.serial.Load()]++
	return len(topic) < 7 || topic[:7] != "denied/"
}

// The backlog of a resumed session is checked against the ACL as it is sent, and not as a whole
// while the session's lock is held. Messages that the client may not read any more are dropped.
func TestResumeChecksBacklogInSteps(t *testing.T) {
	acl := &countingACL{asks: make(map[uint64]int)}
	in(t, Options{ACL: acl}, func(k *bench) {
		acl.b = k.b
		s := k.connect(proto.V5, "s", expiry(100), num(proto.ReceiveMaximum, 600))
		s.subscribe(to("denied/#", 1), to("ok", 1), to("$share/g/shared", 1))
		p := k.connect(proto.V5, "p")
		send := func(topic string, id int) {
			p.send(pub(topic, "m", 1, uint16(id)))
			p.want(fmt.Sprint("PUBACK ", id))
		}
		for i := range 500 { // in flight
			send(fmt.Sprint("denied/", i), i+1)
		}
		s.cut()
		for i := range 5 * checksAtOnce {
			send(fmt.Sprint("denied/", i), i+1)
		}
		send("shared", 1)
		send("ok", 2)
		acl.on = true
		dropped := k.b.Stats().Dropped
		s = k.open(proto.V5, "s", resume, expiry(100), num(proto.ReceiveMaximum, 600))
		s.want("CONNACK 00 present", `PUBLISH shared "m" q1 id1`, `PUBLISH ok "m" q1 id2`)
		s.silent()
		if n := k.b.Stats().Dropped - dropped; n != 500+5*checksAtOnce {
			t.Errorf("%d messages were dropped", n)
		}
		all := 0
		for _, n := range acl.asks {
			if all += n; n > checksAtOnce {
				t.Errorf("the ACL was asked %d times under one lock", n)
			}
		}
		if all < 500+5*checksAtOnce {
			t.Errorf("the ACL was asked %d times", all)
		}
	})
}

// The number of messages to be checked stays correct when messages are removed.
func TestQueueCountsUncheckedMessages(t *testing.T) {
	var q queue
	for i := range uint64(20) {
		q.push(delivery{m: &Message{}, g: &grant{}, seq: i, qos: 1})
	}
	q.unchecked = 10
	q.pop()
	even := func(h *delivery) bool { return h.seq%2 == 0 }
	if q.removeSome(20, 3, even); q.unchecked != 6 { // 2, 4 and 6 of 1 to 9
		t.Errorf("%d after removeSome", q.unchecked)
	}
	if q.removeIf(even); q.unchecked != 5 { // 8
		t.Errorf("%d after removeIf", q.unchecked)
	}
}
