package broker

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mqtt/internal/proto"
)

func TestSlowSubscriberMissesMessagesAloneAndIsCounted(t *testing.T) {
	in(t, Options{HighWater: 10000}, func(k *bench) {
		stuck, well, p := k.connect(proto.V5, "stuck"), k.connect(proto.V5, "well"), k.connect(proto.V5, "p")
		stuck.subscribe(to("t", 0))
		well.subscribe(to("t", 0))
		goOn := stuck.pause()
		began := time.Now()
		const all = 500
		for i := range all {
			p.send(pub("t", fmt.Sprintf("%0200d", i), 0, 0))
		}
		for i := range all {
			if x, ok := well.next().(*proto.Publish); !ok || string(x.Payload) != fmt.Sprintf("%0200d", i) {
				t.Fatalf("the healthy subscriber misses message %d", i)
			}
		}
		if d := time.Since(began); d > 2*time.Second {
			t.Errorf("the stuck subscriber cost the others %v", d)
		}
		dropped := int(k.b.Stats().Dropped)
		if dropped < 400 {
			t.Errorf("%d dropped, want most of %d", dropped, all)
		}
		goOn()
		got, _ := stuck.drain()
		if got+dropped != all {
			t.Errorf("%d came and %d were counted as dropped, of %d", got, dropped, all)
		}
		k.pass(time.Minute)
		p.send(pub("t", "after", 0, 0)) // it has caught up
		stuck.want(`PUBLISH t "after"`)
	})
}

func TestManyStuckSubscribersCostWhatOneDoes(t *testing.T) {
	in(t, Options{HighWater: 10000}, func(k *bench) {
		well, p := k.connect(proto.V5, "well"), k.connect(proto.V5, "p")
		well.subscribe(to("t", 0))
		for i := range 20 {
			stuck := k.connect(proto.V5, fmt.Sprint("stuck", i))
			stuck.subscribe(to("t", 0))
			stuck.pause()
		}
		began := time.Now()
		for range 300 {
			p.send(pub("t", big(200), 0, 0))
		}
		if n, _ := well.drain(); n != 300 {
			t.Errorf("the healthy subscriber got %d of 300", n)
		}
		if d := time.Since(began); d > 2*time.Second {
			t.Errorf("twenty stuck subscribers cost the others %v", d)
		}
	})
}

func TestTricklingSubscribersCostLittle(t *testing.T) {
	in(t, Options{HighWater: 10000}, func(k *bench) {
		p := k.connect(proto.V5, "p")
		var well [3]*peer
		for i := range well {
			well[i] = k.connect(proto.V5, fmt.Sprint("well", i))
			well[i].subscribe(to("t", 0))
		}
		done := make(chan struct{})
		for i := range 2 {
			slow := k.connect(proto.V5, fmt.Sprint("slow", i))
			slow.subscribe(to("t", 0))
			go func() { // reads 4 KiB in a tenth of a second
				for {
					goOn := slow.pause()
					select {
					case <-time.After(100 * time.Millisecond):
						goOn()
					case <-done:
						goOn()
						return
					}
				}
			}()
		}
		began := time.Now()
		for range 5000 {
			p.send(pub("t", big(200), 0, 0))
		}
		close(done)
		for _, w := range well {
			if n, _ := w.drain(); n != 5000 {
				t.Errorf("a healthy subscriber got %d of 5000", n)
			}
		}
		if d := time.Since(began); d > 3*time.Second { // at the speed of the slow reader it would be 25 s
			t.Errorf("the slow subscribers cost the others %v", d)
		}
	})
}

func TestAnswersThatNobodyReadsDoNotPileUp(t *testing.T) {
	in(t, Options{HighWater: 1000}, func(k *bench) {
		p := k.connect(proto.V5, "p")
		p.pause()
		ping, _ := (&proto.Ping{Kind: proto.PINGREQ}).Append(nil, proto.V5)
		p.conn.SetWriteDeadline(time.Now().Add(time.Hour))
		sent := 0
		for {
			n, err := p.conn.Write(bytes.Repeat(ping, 100))
			sent += n
			if err != nil {
				break
			}
		}
		if sent > 100_000 {
			t.Errorf("%d bytes were taken from a client that reads nothing", sent)
		}
	})
}

func TestUnfinishedPacketsAreCounted(t *testing.T) {
	in(t, Options{Memory: 8 << 20, MaxPacket: 4 << 20}, func(k *bench) {
		for i := range 10 {
			p := k.connect(proto.V5, fmt.Sprint(i))
			p.hex("30 FFFFBF01") // 3 MiB are announced
			for range 45 {
				p.conn.SetWriteDeadline(time.Now().Add(time.Second))
				p.conn.Write(make([]byte, 1<<16))
			}
			k.pass(time.Second)
		}
		cut := 0
		for i, p := range k.peers {
			_, ok := p.next().(*proto.Disconnect)
			if ok {
				cut++
			}
			if last := i == len(k.peers)-1; last && ok || i == 0 && !ok {
				t.Errorf("client %d was cut: %v", i, ok) // the packet of the first one was unfinished longest
			}
		}
		if m := k.b.Stats().Memory; m > 9<<20 || cut == 0 {
			t.Errorf("%d bytes are held, %d clients were cut", m, cut)
		}
	})
}

func TestSlowSubscriberOfQoS1LosesNothingWithinItsQueue(t *testing.T) {
	in(t, Options{HighWater: 10000}, func(k *bench) {
		stuck, p := k.connect(proto.V5, "stuck"), k.connect(proto.V5, "p")
		stuck.subscribe(to("t", 1))
		goOn := stuck.pause()
		for i := range uint16(300) {
			p.send(pub("t", fmt.Sprintf("%0200d", i), 1, i+1))
		}
		k.pass(10 * time.Second)
		goOn()
		for i := range uint16(300) {
			x, ok := stuck.next().(*proto.Publish)
			if !ok || string(x.Payload) != fmt.Sprintf("%0200d", i) {
				t.Fatalf("message %d has not come", i)
			}
			stuck.send(ack(proto.PUBACK, x.PacketID))
		}
	})
}

func TestPublisherIsSlowedRatherThanAnythingLost(t *testing.T) {
	in(t, Options{HighWater: 1000}, func(k *bench) {
		slow, p := k.connect(proto.V5, "slow"), k.connect(proto.V5, "p")
		slow.subscribe(to("t", 0))
		const all = 200
		go func() {
			for i := range all {
				p.post(pub("t", fmt.Sprintf("%0200d", i), 0, 0))
			}
		}()
		got := 0
		for round := 0; got < all && round < 1000; round++ { // it reads for a moment every half second
			goOn := slow.pause()
			k.pass(500 * time.Millisecond)
			goOn()
			n, _ := slow.drain()
			got += n
		}
		if got != all || k.b.Stats().Dropped != 0 {
			t.Errorf("%d of %d came, %d dropped", got, all, k.b.Stats().Dropped)
		}
	})
}

func TestTwoClientsThatFloodEachOtherDoNotLock(t *testing.T) {
	in(t, Options{Inflight: 1, QueueMessages: 100_000}, func(k *bench) {
		k.misbehaves()
		a, b := k.connect(proto.V5, "a"), k.connect(proto.V5, "b")
		a.subscribe(to("to/a", 1))
		b.subscribe(to("to/b", 1))
		const all = 2 * softQueue
		var wg sync.WaitGroup
		for _, x := range []struct {
			p     *peer
			topic string
		}{{a, "to/b"}, {b, "to/a"}} {
			wg.Go(func() {
				for i := range all {
					x.p.post(pub(x.topic, "m", 1, uint16(i%1000+1)))
				}
			})
		}
		began := time.Now()
		wg.Wait()
		if d := time.Since(began); d > 30*time.Second {
			t.Errorf("two floods took %v", d)
		}
		if n := k.b.Stats().Dropped; n != 0 {
			t.Errorf("%d dropped", n)
		}
	})
}

func TestMemoryHasACeiling(t *testing.T) {
	in(t, Options{Memory: 1 << 20}, func(k *bench) {
		s := k.kept(proto.V5, "s")
		s.want("CONNACK 00")
		s.subscribe(to("t", 1))
		s.leave()
		p := k.connect(proto.V5, "p")
		refused := 0
		for i := range uint16(200) {
			p.send(pub("t", big(10000), 1, i+1))
			if a := p.next().(*proto.Ack); a.Reason == proto.QuotaExceeded {
				refused++
			}
		}
		if m := k.b.Stats().Memory; m > 3<<19 {
			t.Errorf("%d bytes in use, the ceiling is 1 MiB", m)
		}
		if refused < 80 {
			t.Errorf("%d of 200 refused", refused)
		}
		k.connect(proto.V5, "x").leave() // messages leave room for clients that connect to remove them
		last := "CONNACK 00"
		for i := 0; last == "CONNACK 00"; i++ { // sessions and connections leave none
			p := k.open(proto.V5, fmt.Sprint("c", i), willed("w", big(10000)))
			last = dump(p.next())
		}
		if last != "CONNACK 97 why" {
			t.Errorf("the last one got %s", last)
		}
		for _, q := range k.peers[2:] {
			q.conn.Close()
		}
		synctest.Wait()
		k.b.expire(k.b.sessions["s"])           // its end frees the memory
		if m := k.b.Stats().Memory; m != unit { // p's own session
			t.Errorf("%d bytes are still counted", m)
		}
		k.connect(proto.V5, "x")
	})
}
