package broker

import (
	"strings"
	"testing"
	"time"

	"mqtt/internal/faults"
	"mqtt/internal/proto"
)

// packetActions gives each packet type an action, for one direction.
type packetActions struct {
	refuse proto.Reason
	in     map[proto.Type]faults.Action
	out    map[proto.Type]faults.Action
}

func (f *packetActions) Connection() faults.Connection { return f }
func (f *packetActions) Refuse(string) proto.Reason    { return f.refuse }
func (f *packetActions) Packet(p faults.Packet) faults.Action {
	if p.In {
		return f.in[p.Type]
	}
	return f.out[p.Type]
}

func TestFaults(t *testing.T) {
	in(t, Options{Fault: &packetActions{refuse: proto.ServerUnavailable}}, func(k *bench) {
		p := k.open(proto.V5, "p")
		p.want("CONNACK 88 why")
		p.closed()
	})
	one := func(t proto.Type, a faults.Action) map[proto.Type]faults.Action {
		return map[proto.Type]faults.Action{t: a}
	}
	in(t, Options{Fault: &packetActions{out: one(proto.PUBACK, faults.Action{Delay: time.Second}), in: one(proto.PINGREQ, faults.Action{Drop: true})}}, func(k *bench) {
		p := k.connect(proto.V5, "p")
		p.send(pub("t", "", 1, 1))
		p.silent()
		k.pass(time.Second)
		p.want("PUBACK 1 10")
		p.send(&proto.Ping{Kind: proto.PINGREQ})
		p.silent()
	})
	in(t, Options{Fault: &packetActions{out: one(proto.PUBACK, faults.Action{Drop: true}), in: one(proto.PUBLISH, faults.Action{Duplicate: true})}}, func(k *bench) {
		p := k.connect(proto.V5, "p")
		p.subscribe(to("t", 0))
		p.send(pub("t", "m", 1, 1))
		p.want(`PUBLISH t "m"`, `PUBLISH t "m"`)
		p.silent()
	})
	in(t, Options{Fault: &packetActions{out: one(proto.PUBACK, faults.Action{Stall: true})}}, func(k *bench) {
		p := k.connect(proto.V5, "p")
		p.send(pub("t", "", 1, 1))
		k.pass(time.Hour)
		p.silent()
	})
	in(t, Options{Fault: &packetActions{in: one(proto.PUBLISH, faults.Action{Cut: true})}}, func(k *bench) {
		p := k.connect(proto.V5, "p")
		p.send(pub("t", "", 1, 1))
		p.closed()
	})
}

// A packet that is reordered follows the next one of its direction, or is late if there is none.
func TestFaultReorder(t *testing.T) {
	one := func(t proto.Type) map[proto.Type]faults.Action {
		return map[proto.Type]faults.Action{t: {Reorder: true}}
	}
	in(t, Options{Fault: &packetActions{in: one(proto.PUBLISH)}}, func(k *bench) {
		p := k.connect(proto.V5, "p")
		p.subscribe(to("t", 0))
		p.send(pub("t", "1", 0, 0), pub("t", "2", 0, 0))
		p.want(`PUBLISH t "2"`, `PUBLISH t "1"`)
		p.send(pub("t", "late", 0, 0))
		p.silent()
		k.pass(faults.ReorderWait)
		p.want(`PUBLISH t "late"`)
	})
	in(t, Options{Fault: &packetActions{out: one(proto.SUBACK)}}, func(k *bench) {
		p := k.connect(proto.V5, "p")
		p.send(&proto.Subscribe{PacketID: 1, Filters: []proto.Subscription{to("t", 0)}}, &proto.Ping{Kind: proto.PINGREQ})
		k.pass(faults.ReorderWait)
		p.want("PINGRESP", "SUBACK 1 00")
		p.send(&proto.Subscribe{PacketID: 2, Filters: []proto.Subscription{to("t", 0)}})
		p.silent()
		k.pass(faults.ReorderWait)
		p.want("SUBACK 2 00")
	})
}

// A packet at a limited speed is as late as its size, and one with a flipped bit is another packet.
func TestFaultSpeedAndBit(t *testing.T) {
	in(t, Options{Fault: &packetActions{in: map[proto.Type]faults.Action{proto.PUBLISH: {Speed: 1000}}}}, func(k *bench) {
		p := k.connect(proto.V5, "p")
		p.subscribe(to("t", 0))
		p.send(pub("t", strings.Repeat("x", 1994), 0, 0)) // 2,000 bytes in all
		k.pass(1900 * time.Millisecond)
		p.silent()
		k.pass(200 * time.Millisecond)
		if p.next() == nil {
			t.Error("the packet has not passed")
		}
	})
	// The last bit of the payload: from m to l.
	in(t, Options{Fault: &packetActions{in: map[proto.Type]faults.Action{proto.PUBLISH: {Corrupt: true, Bit: 6*8 + 7}}}}, func(k *bench) {
		p := k.connect(proto.V5, "p")
		p.subscribe(to("t", 0))
		p.send(pub("t", "m", 0, 0))
		p.want(`PUBLISH t "l"`)
	})
}
