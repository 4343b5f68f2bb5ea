package broker

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
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
			go func() { // it takes 4 KiB in a tenth of a second
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
		if d := time.Since(began); d > 3*time.Second { // at the pace of the slow it would be 25 s
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
		cut := 0
		for i := range 10 {
			p := k.connect(proto.V5, fmt.Sprint(i))
			p.hex("30 FFFFBF01") // 3 MiB are announced
			for range 45 {
				p.conn.SetWriteDeadline(time.Now().Add(time.Second))
				p.conn.Write(make([]byte, 1<<16))
			}
			if _, ok := p.next().(*proto.Disconnect); ok {
				cut++
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
		for round := 0; got < all && round < 1000; round++ { // it reads for a moment in every half a second
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
		k.open(proto.V5, "x").want("CONNACK 97")
		k.b.expire(k.b.sessions["s"]) // its end gives the memory back
		if m := k.b.Stats().Memory; m != 0 {
			t.Errorf("%d bytes are still counted", m)
		}
		k.connect(proto.V5, "x")
	})
}

// A million messages at QoS 0 over TCP, as fast as they can be written.
func TestFastPublisherLosesNothingAtQoS0(t *testing.T) {
	const all = 1_000_000
	_, addr := serveTCP(t, Options{})
	s := dialTCP(t, addr, "s")
	if _, err := s.Write([]byte{0x82, 6, 0, 1, 0, 1, 't', 0}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(s, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	frame, _ := pub("t", "0123456789012345678901234567890123456789", 0, 0).Append(nil, proto.V311)
	p := dialTCP(t, addr, "p")
	go func() {
		var block []byte
		for range 1000 {
			block = append(block, frame...)
		}
		for range all / 1000 {
			if _, err := p.Write(block); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	s.SetReadDeadline(time.Now().Add(time.Minute))
	buf := make([]byte, 1<<16)
	for left := all * len(frame); left > 0; {
		n, err := s.Read(buf[:min(left, len(buf))])
		if err != nil {
			t.Fatalf("%d messages have not come: %v", left/len(frame), err)
		}
		left -= n
	}
}

// serveTCP runs a broker for the test's time and returns it with its address.
func serveTCP(t *testing.T, opt Options) (*Broker, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := New(opt)
	done := make(chan error, 1)
	go func() { done <- b.Serve(t.Context(), l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := b.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return b, l.Addr().String()
}

// dialTCP connects a client of 3.1.1.
func dialTCP(t *testing.T, addr, id string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	b, err := (&proto.Connect{ClientID: id, CleanStart: true}).Append(nil, proto.V311)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(b); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// until waits until what is asked for is so.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	limit := time.After(20 * time.Second)
	for !so() {
		select {
		case <-limit:
			t.Fatalf("%s: waited 20 seconds in vain", what)
		case <-time.After(time.Millisecond):
		}
	}
}
