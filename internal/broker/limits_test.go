package broker

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"mqtt/internal/proto"
)

// Retained messages that fill the memory do not prevent connections, also after a restart with less
// memory: a client that connects can remove them. A refused message changes nothing.
func TestRetainedMessagesLeaveRoom(t *testing.T) {
	j := newJournal()
	var log bytes.Buffer
	opt := Options{Memory: 1 << 20, Store: j, Log: slog.New(slog.NewTextHandler(&log, nil))}
	in(t, opt, func(k *bench) {
		s, p := k.connect(proto.V5, "s"), k.connect(proto.V5, "p")
		s.subscribe(to("#", 0))
		kept := 0
		for i := range uint16(40) {
			p.send(pub(fmt.Sprint("t/", i), big(30_000), byte(1+i%2), i+1, retain))
			a := p.next().(*proto.Ack)
			m := s.next()
			switch {
			case a.Reason == proto.Success && m != nil:
				kept++
			case a.Reason != proto.QuotaExceeded || m != nil:
				t.Fatalf("%s, and the subscriber got %v", dump(a), m)
			}
		}
		if m := k.b.Stats().Memory; kept < 20 || m > 1<<20 {
			t.Errorf("%d are kept, %d bytes are in use", kept, m)
		}
		well := k.connect(proto.V5, "well")
		well.subscribe(to("well", 1))
		p.send(pub("well", "here", 1, 99))
		p.want("PUBACK 99")
		well.want(`PUBLISH well "here" q1 id1`)
		s.want(`PUBLISH well "here"`)
		p.send(pub("t/0", big(100_000), 1, 100, retain))
		p.want("PUBACK 100 97 why")
		s.silent()
		old := k.connect(proto.V311, "old")
		old.send(pub("t/1", big(30_000), 1, 1, retain), pub("t/1", big(61_000), 1, 2, retain), pub("t/1", "next", 0, 0)) // cannot be refused
		old.want("PUBACK 1", "PUBACK 2")
		for range 3 {
			if s.next() == nil {
				t.Fatal("what cannot be refused must be delivered")
			}
		}
		if n := k.b.Stats().Retained; n != int64(kept-1) {
			t.Errorf("%d are kept, want %d: an old value is none", n, kept-1)
		}
		if n := strings.Count(log.String(), "limit reached"); n != 1 {
			t.Errorf("the log was told %d times\n%s", n, log.String())
		}
		k.pass(time.Minute)
		p.send(pub("t/0", big(100_000), 1, 101, retain))
		if n := strings.Count(log.String(), `limit=memory refused="a retained message"`); n != 2 {
			t.Errorf("the log was told %d times\n%s", n, log.String())
		}
		for _, memory := range []int64{1 << 20, 1 << 19} {
			opt.Memory = memory
			j = k.crash(j, opt)
			p = k.connect(proto.V5, "p")
			p.send(pub("new", big(100_000), 1, 1, retain), pub("t/0", big(30_000), 1, 2, retain))
			p.want("PUBACK 1 97 why", "PUBACK 2 10")
		}
		for i := range 40 {
			p.send(pub(fmt.Sprint("t/", i), "", 0, 0, retain))
		}
		p.send(pub("new", big(61_000), 1, 1, retain))
		p.want("PUBACK 1 10")
	})
}

// Stored data has no more room after a restart than before it, however often. Data that ends with
// its connection has some, and none beyond the limit once the restored data is gone.
func TestRestartsGiveNoMemory(t *testing.T) {
	j := newJournal()
	opt := Options{Memory: 1 << 20, Store: j}
	in(t, opt, func(k *bench) {
		fill := func(p *peer) (refused bool) { // with subscriptions
			for i := 0; i < 10_000 && !refused; i += 100 {
				many := sub(1)
				for n := range 100 {
					many.Filters = append(many.Filters, proto.Subscription{Filter: fmt.Sprint(i+n, big(100)), RetainHandling: 2})
				}
				p.send(many)
				reasons := p.next().(*proto.Suback).Reasons
				refused = reasons[99] == proto.QuotaExceeded
			}
			return refused
		}
		k.connect(proto.V5, "kept0", expiry(never))
		for i := range 4 {
			p := k.open(proto.V5, fmt.Sprint("kept", i), expiry(never), resume)
			if c, ok := p.next().(*proto.Connack); ok && c.Reason == proto.Success && !fill(p) {
				t.Fatal("there is no limit")
			}
			if m := k.b.Stats().Memory; m > opt.Memory {
				t.Fatalf("%d bytes are in use after restart %d", m, i)
			}
			j = k.crash(j, opt)
		}
		opt.Memory = 1 << 19
		k.crash(j, opt)
		k.connect(proto.V5, "some").subscribe(to("a", 1))
		for i := range 4 {
			k.connect(proto.V5, fmt.Sprint("kept", i)).leave()
		}
		if !fill(k.connect(proto.V5, "passing")) || k.b.Stats().Memory > opt.Memory {
			t.Errorf("%d bytes are in use", k.b.Stats().Memory)
		}
	})
}

// Clients that never finish a packet, or never read, do not prevent connections.
func TestPacketsOnTheirWayLeaveRoom(t *testing.T) {
	for name, attack := range map[string]func(k *bench){
		"unfinished": func(k *bench) {
			whole, err := pub("t", big(1_000_000), 0, 0).Append(nil, proto.V5)
			if err != nil {
				t.Fatal(err)
			}
			for i := range 30 {
				k.connect(proto.V5, fmt.Sprint("a", i)).bytes(whole[:900_000-20_000*(i%30)])
			}
		},
		"unread": func(k *bench) {
			for i := range 40 {
				p := k.connect(proto.V5, fmt.Sprint("a", i))
				p.subscribe(to("t", 0))
				p.pause()
			}
			p := k.connect(proto.V5, "p")
			for range 3000 {
				p.post(pub("t", big(1000), 0, 0))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			opt := Options{Memory: 8 << 20, MaxPacket: 2 << 20, Log: slog.New(slog.NewTextHandler(&log, nil))}
			in(t, opt, func(k *bench) {
				attack(k)
				k.pass(2 * time.Second)
				if m := k.b.Stats().Memory; m < 5<<20 {
					t.Fatalf("only %d bytes are in use", m)
				}
				for i := range 20 {
					p := k.connect(proto.V5, fmt.Sprint("c", i))
					p.subscribe(to("well", 0))
					p.send(pub("well", "here", 0, 0))
					p.want(`PUBLISH well "here"`)
					p.leave()
				}
			})
			if name == "unread" && !strings.Contains(log.String(), `limit=memory refused="a message for a session"`) {
				t.Error("the log was not told")
			}
		})
	}
}

// A retained message is not queued in a session: it may be larger than the queue.
func TestRetainedMessageThatIsLargerThanTheQueueArrives(t *testing.T) {
	in(t, Options{QueueBytes: 64 << 10}, func(k *bench) {
		p := k.connect(proto.V5, "p")
		for i := range 100 {
			p.post(pub(fmt.Sprint("r/", i), "x", 1, uint16(i+1), retain))
			p.next()
		}
		p.send(pub("r/large", big(100_000), 1, 200, retain))
		p.want("PUBACK 200 10")
		for i := range 5 {
			s := k.connect(proto.V5, fmt.Sprint("s", i))
			s.send(sub(1, to("r/#", 0)))
			s.want("SUBACK 1 00")
			for n := range 101 {
				if s.next() == nil {
					t.Fatalf("only %d retained messages came", n)
				}
			}
			s.silent()
		}
	})
}

// Retained messages are searched only while the client reads: not all of them, and not once for
// each of ten thousand filters of a packet.
func TestRetainedMessagesThatHaveNoRoomAreNotLookedFor(t *testing.T) {
	in(t, Options{QueueMessages: 100, HighWater: 1000}, func(k *bench) {
		p := k.connect(proto.V5, "p")
		for i := range 20_000 {
			p.post(pub(fmt.Sprint("r/", i), "x", 0, 0, retain))
		}
		s := k.connect(proto.V5, "s")
		s.pause()
		many := sub(1)
		for i := range 10_000 {
			many.Filters = append(many.Filters, to("r/#", 0))
			many.Filters[i].RetainHandling = byte(i % 2)
		}
		s.send(many)
		if st := k.b.Stats(); st.Dropped != 0 || k.b.stats.walked.Load() > 4*stepTopics {
			t.Errorf("%d messages were dropped, %d topics were looked at", st.Dropped, k.b.stats.walked.Load())
		}
	})
}
