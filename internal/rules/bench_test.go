package rules

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"
	"time"

	"mqtt/internal/proto"
)

// begun returns an observer of a connection of version 5 with a subscription to t/#.
func begun(t testing.TB) *Observer {
	t.Helper()
	o := NewSessions().Connection()
	for _, p := range []struct {
		way Way
		p   proto.Packet
	}{
		{In, &proto.Connect{ClientID: "c", CleanStart: true}}, {Out, &proto.Connack{}},
		{In, &proto.Subscribe{PacketID: 1, Filters: []proto.Subscription{{Filter: "t/#", QoS: 2}}}},
		{Out, &proto.Suback{Kind: proto.SUBACK, PacketID: 1, Reasons: []proto.Reason{2}}},
	} {
		b, err := p.p.Append(nil, proto.V5)
		if err != nil {
			t.Fatal(err)
		}
		if found := o.Observe(p.way, b, time.Unix(0, 0)); len(found) > 0 {
			t.Fatal(found)
		}
	}
	return o
}

// TestSteadyState checks that a PUBLISH at QoS 0 allocates nothing, in either direction.
func TestSteadyState(t *testing.T) {
	o := begun(t)
	b, _ := (&proto.Publish{Topic: []byte("t/1"), Payload: make([]byte, 100)}).Append(nil, proto.V5)
	now := time.Now()
	for _, way := range []Way{In, Out} {
		if n := testing.AllocsPerRun(100, func() { o.Observe(way, b, now) }); n != 0 {
			t.Errorf("%s: %v allocations for a PUBLISH", way, n)
		}
	}
}

// BenchmarkObserve measures a PUBLISH in each direction, and at QoS 1 with its PUBACK.
func BenchmarkObserve(b *testing.B) {
	for _, qos := range []byte{0, 1} {
		for _, way := range []Way{In, Out} {
			b.Run(fmt.Sprintf("qos%d-%s", qos, way), func(b *testing.B) {
				o := begun(b)
				packet, _ := (&proto.Publish{QoS: qos, PacketID: uint16(qos) * 7, Topic: []byte("t/1"), Payload: make([]byte, 100)}).Append(nil, proto.V5)
				ack, _ := (&proto.Ack{Kind: proto.PUBACK, PacketID: 7}).Append(nil, proto.V5)
				now := time.Now()
				b.ReportAllocs()
				for b.Loop() {
					found := o.Observe(way, packet, now)
					if qos > 0 {
						found = append(found, o.Observe(1-way, ack, now)...)
					}
					if len(found) > 0 {
						b.Fatal(found)
					}
				}
			})
		}
	}
}

// TestMemory checks that peers that send as many identifiers, aliases, filters and client identifiers
// as they can do not make an observer grow beyond its bounds.
func TestMemory(t *testing.T) {
	const most = 12 << 20
	sessions := NewSessions()
	observers := make([]*Observer, 0, 20)
	before := heap()
	now := time.Now()
	feed := func(o *Observer, way Way, p proto.Packet) {
		b, err := p.Append(nil, proto.V5)
		if err != nil {
			t.Fatal(err)
		}
		o.Observe(way, b, now)
	}
	long := bytes.Repeat([]byte("x"), 2000)
	for i := range 2 {
		o := sessions.Connection()
		observers = append(observers, o)
		feed(o, In, &proto.Connect{ClientID: fmt.Sprint(i), CleanStart: true, Props: proto.Props(nil).AppendNum(proto.TopicAliasMaximum, 65535)})
		feed(o, Out, &proto.Connack{Props: proto.Props(nil).AppendNum(proto.TopicAliasMaximum, 65535)})
		for n := range 20000 {
			id := uint16(n + 1)
			topic := fmt.Appendf(nil, "%d/%s", n, long)
			for _, way := range []Way{In, Out} {
				feed(o, way, &proto.Publish{QoS: 2, PacketID: id, Topic: topic, Props: proto.Props(nil).AppendNum(proto.TopicAlias, uint32(id))})
				feed(o, way, &proto.Ack{Kind: proto.PUBREC, PacketID: id})
			}
			feed(o, In, &proto.Subscribe{PacketID: id, Filters: []proto.Subscription{{Filter: string(topic)}}})
		}
	}
	for i := range 5000 {
		o := sessions.Connection()
		feed(o, In, &proto.Connect{ClientID: fmt.Sprint("many", i), CleanStart: true})
		feed(o, Out, &proto.Connack{})
		o.Cut(now)
	}
	if grown := heap() - before; grown > most {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
	runtime.KeepAlive(observers)
	runtime.KeepAlive(sessions)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// FuzzObserver feeds packets and pieces of packets in both directions. Nothing may panic, and what is
// reported must be printable.
func FuzzObserver(f *testing.F) {
	for _, s := range []string{"C", "A", "S", "K"} {
		f.Add([]byte(s), []byte{0})
	}
	f.Add([]byte("\x10\x0e\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x01c\x20\x03\x00\x00\x00\x32\x08\x00\x03a/b\x00\x07\x00\x40\x02\x00\x07"), []byte{0, 1, 0, 1})
	f.Add([]byte("\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01c\x20\x02\x00\x00\x82\x08\x00\x01\x00\x03a/#\x02\x90\x03\x00\x01\x02"), []byte{0, 1, 0, 1})
	f.Fuzz(func(t *testing.T, stream, ways []byte) {
		o := NewSessions().Connection()
		now := time.Unix(0, 0)
		for i := 0; len(stream) > 0 && i < len(ways); i++ {
			way := Way(ways[i] & 1)
			_, size, err := proto.Split(stream, 0)
			var found []Violation
			switch {
			case err != nil || size == 0:
				found = o.Broken(way, stream, err, now)
				size = min(len(stream), 3)
			case ways[i]&2 != 0:
				found = o.Sent(way, stream[:size], now)
			default:
				found = o.Observe(way, stream[:size], now)
			}
			for _, v := range found {
				for _, c := range []byte(v.Got) {
					if c < ' ' || c == 0x7F {
						t.Errorf("%q is not printable", v.Got)
					}
				}
			}
			stream = stream[size:]
			now = now.Add(time.Duration(ways[i]) * time.Second)
		}
		o.Closed(Way(len(ways)&1), now)
	})
}
