package broker

import (
	"bytes"
	"fmt"
	"maps"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mqtt/internal/proto"
)

// attacks are what malicious or faulty clients do. served checks whether the other clients are
// still served.
var attacks = map[string]func(k *bench, served func()){
	"connections that send nothing": func(k *bench, served func()) {
		for range 500 {
			k.dial(proto.V5)
		}
		served()
		k.pass(11 * time.Second)
	},
	"half a CONNECT": func(k *bench, served func()) {
		whole, _ := (&proto.Connect{ClientID: "half", CleanStart: true}).Append(nil, proto.V5)
		for i := range 300 {
			k.dial(proto.V5).bytes(whole[:1+i%(len(whole)-1)])
		}
		served()
		k.pass(11 * time.Second)
	},
	"a byte a second": func(k *bench, served func()) {
		whole, _ := (&proto.Connect{ClientID: strings.Repeat("slow", 20), CleanStart: true}).Append(nil, proto.V5)
		var slow []*peer
		for range 50 {
			slow = append(slow, k.dial(proto.V5))
		}
		for _, b := range whole[:15] {
			for _, p := range slow {
				p.bytes([]byte{b})
			}
			k.pass(time.Second)
			served()
		}
	},
	"huge lengths before CONNECT": func(k *bench, served func()) {
		for range 100 {
			k.dial(proto.V5).hex("10 FFFFFF7F 0004 4D515454")
			k.dial(proto.V5).hex("10 FFFF1F 0004 4D515454")
		}
		served()
		for range 30 { // half a megabyte each, the maximum size of CONNECT
			p := k.dial(proto.V5)
			p.hex("10 FFFF1F 0004 4D515454 05 00 0000 00 FFFF")
			p.bytes(make([]byte, 500_000))
		}
		served()
		k.pass(11 * time.Second)
	},
	"huge lengths after it": func(k *bench, served func()) {
		for i := range 200 {
			k.connect(proto.V5, fmt.Sprint("a", i)).hex("30 FFFFFF7F 0001 61")
			k.connect(proto.V5, fmt.Sprint("b", i)).hex("30 FFFF3F 0001 61")
		}
		served()
	},
	"floods of SUBSCRIBE": func(k *bench, served func()) {
		for i := range 4 {
			p := k.connect(proto.V5, fmt.Sprint("s", i))
			p.pause()
			for j := range 100 {
				var many []proto.Subscription
				for n := range 100 {
					many = append(many, to(fmt.Sprint("flood/", i, "/", j, "/", n, "/", big(200)), 1))
				}
				p.post(sub(uint16(j+1), many...))
			}
			served()
		}
	},
	"deep topics": func(k *bench, served func()) {
		p := k.connect(proto.V5, "deep")
		for _, levels := range []int{128, 1000, 30000} {
			deep := strings.Repeat("a/", levels-1) + "a"
			p.post(pub(deep, "x", 1, 1, retain), sub(2, to(deep, 0)), sub(3, to(strings.Repeat("+/", levels-1)+"#", 0)))
			served()
		}
		for i := range 2000 { // the maximum depth, each with levels of its own
			p.post(pub(fmt.Sprint(i, strings.Repeat("/a", 127)), "x", 0, 0, retain))
		}
		served()
	},
	"shares by the thousand": func(k *bench, served func()) {
		for i := range 5 {
			p := k.connect(proto.V5, fmt.Sprint("s", i))
			p.pause()
			for j := range 10 {
				var many []proto.Subscription
				for n := range 100 {
					many = append(many, to(fmt.Sprint("$share/g", i, j, n, "/well"), 1))
				}
				p.post(sub(uint16(j+1), many...))
			}
			served()
		}
	},
	"a share that is joined and left": func(k *bench, served func()) {
		for i := range 300 {
			p := k.connect(proto.V5, fmt.Sprint("s", i))
			for range 10 {
				p.post(sub(1, to("$share/g/t", 1)), &proto.Unsubscribe{PacketID: 2, Filters: []string{"$share/g/t"}}, sub(3, to("$share/g/t", 2)))
			}
			if i%2 == 0 {
				p.cut()
			}
		}
		served()
	},
	"aliases for long topics": func(k *bench, served func()) {
		for i := range 20 {
			p := k.connect(proto.V5, fmt.Sprint("a", i))
			for n := range uint32(64) {
				p.post(pub(fmt.Sprint(n, big(60_000)), "", 0, 0, prop(proto.TopicAlias, n+1)))
			}
		}
		served()
	},
	"storms of PUBREL and PUBREC": func(k *bench, served func()) {
		for _, kind := range []proto.Type{proto.PUBREL, proto.PUBREC, proto.PUBACK, proto.PUBCOMP} {
			for i, reads := range []bool{true, false} {
				p := k.connect(proto.V5, fmt.Sprint(kind, i))
				if !reads {
					p.pause()
				}
				var storm []byte
				for id := range 20_000 {
					storm, _ = ack(kind, uint16(id%65535+1)).Append(storm, proto.V5)
				}
				p.bytes(storm)
				served()
			}
		}
	},
	"QoS 2 that is never released": func(k *bench, served func()) {
		p := k.connect(proto.V311, "p")
		var all []byte
		for id := range 65535 {
			all, _ = pub("nobody", "x", 2, uint16(id+1)).Append(all, proto.V311)
		}
		p.bytes(all)
		served()
	},
	"keepalive 1, and silence": func(k *bench, served func()) {
		for i := range 500 {
			k.connect(proto.V5, fmt.Sprint("k", i), keepAlive(1))
		}
		served()
		k.pass(2 * time.Second)
	},
	"takeovers without an end": func(k *bench, served func()) {
		var wg sync.WaitGroup
		for i := range 300 {
			p := k.dial(proto.V5)
			if i%3 == 0 {
				p.pause()
			}
			wg.Go(func() {
				p.post(&proto.Connect{ClientID: "one", CleanStart: i%2 == 0, Will: &proto.Will{Topic: "w", Payload: []byte("x")}}, sub(1, to("w", 0)))
			})
		}
		wg.Wait()
		k.pass(600 * time.Second)
		served()
		if n := k.b.Stats().Connected; n != 3 {
			k.t.Errorf("%d connections are open, want the one that won", n-2)
		}
	},
	"wills as large as they may be": func(k *bench, served func()) {
		for i := range 60 {
			k.open(proto.V5, fmt.Sprint("w", i), expiry(3600), willed("w", big(65_000), delayed(1000))).cut()
		}
		served()
	},
	"sessions that are left behind": func(k *bench, served func()) {
		for i := range 3000 {
			p := k.open(proto.V5, fmt.Sprint("s", i), resume, expiry(3600))
			p.post(sub(1, to(fmt.Sprint("left/", i, big(3000)), 1)))
			p.cut()
		}
		served()
	},
	"messages for those who never come": func(k *bench, served func()) {
		k.open(proto.V5, "s", resume, expiry(3600), func(c *proto.Connect) {}).send(sub(1, to("t", 1)))
		k.peers[len(k.peers)-1].cut()
		p := k.connect(proto.V5, "p")
		for i := range 2000 {
			p.post(pub("t", big(10_000), 1, uint16(i+1)))
		}
		served()
	},
	"retained messages without an end": func(k *bench, served func()) {
		p := k.connect(proto.V5, "p")
		for i := range 3000 {
			p.post(pub(fmt.Sprint("r/", i), big(10_000), 0, 0, retain))
		}
		served()
		for i := range 3000 { // each of them grown
			p.post(pub(fmt.Sprint("r/", i), big(20_000), 0, 0, retain))
		}
		served()
	},
	"everything retained, asked for and not read": func(k *bench, served func()) {
		p := k.connect(proto.V5, "p")
		for i := range 300 {
			p.post(pub(fmt.Sprint("r/", i), big(10_000), 0, 0, retain))
		}
		for i := range 20 {
			q := k.open(proto.V5, fmt.Sprint("q", i)) // refused once memory runs out
			q.pause()
			for id := range uint16(20) {
				q.post(sub(id+1, to("r/+", 0)))
			}
		}
		k.pass(5 * time.Second)
		served()
	},
	"noise": func(k *bench, served func()) {
		for i := range 256 {
			k.dial(proto.V311).bytes(bytes.Repeat([]byte{byte(i)}, 3000))
			k.connect(proto.V5, fmt.Sprint("n", i)).bytes(bytes.Repeat([]byte{byte(i)}, 3000))
		}
		served()
	},
}

// During each attack memory stays below its limit and other clients are served. When the attackers
// are gone, nothing of them is left.
func TestAttacksAreBounded(t *testing.T) {
	const ceiling, base = 8 << 20, 4 << 20
	maps.Copy(attacks, pins)
	for name, attack := range attacks {
		t.Run(name, func(t *testing.T) {
			opt := Options{Memory: ceiling, MaxPacket: 1 << 20, Subscriptions: 2000, HighWater: 64 << 10, SysInterval: -1}
			in(t, opt, func(k *bench) {
				k.watcher = nil // its memory would count
				well, p := k.connect(proto.V5, "well"), k.connect(proto.V5, "p0")
				well.subscribe(to("well", 0)) // at QoS 0, which needs no memory for a queue
				heap := heapInUse()
				n := 0
				attack(k, func() {
					t.Helper()
					n++
					began := time.Now()
					p.send(pub("well", fmt.Sprint(n), 0, 0))
					well.want(fmt.Sprintf(`PUBLISH well "%d"`, n))
					if d := time.Since(began); d > 2*time.Second {
						t.Errorf("the others waited for %v", d)
					}
					if m := k.b.Stats().Memory; m > ceiling+2<<20 { // plus one packet each of the two clients that were served last
						t.Errorf("%d bytes are counted", m)
					}
				})
				for _, q := range k.peers { // the attackers' memory does not belong to the broker
					q.mu.Lock()
					q.got = nil
					q.mu.Unlock()
				}
				own := int64(len(k.peers)-2) * 6 << 10 // the test's own memory for each connection
				if grown := heapInUse() - heap - own; grown > 2*ceiling+base {
					t.Errorf("the heap has grown by %d bytes", grown)
				}
				for _, q := range k.peers[2:] {
					q.conn.Close()
				}
				k.pass(2 * time.Hour) // and their sessions end, too
				if s := k.b.Stats(); s.Connected != 2 || s.Sessions != 2 || s.Subscriptions != 1 || s.Memory > s.RetainedBytes+4*unit || k.b.moving.Load() != 0 {
					t.Errorf("left behind: %d connections, %d sessions, %d subscriptions, %d bytes", s.Connected-2, s.Sessions-2, s.Subscriptions-1, s.Memory)
				}
			})
		})
	}
}

func heapInUse() int64 {
	synctest.Wait()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
