package broker

import (
	"net"
	"testing"
	"time"

	"mqtt/internal/proto"
)

// packetActions gives each packet type an action, for one direction.
type packetActions struct {
	refuse proto.Reason
	in     map[proto.Type]Action
	out    map[proto.Type]Action
}

func (f *packetActions) Connection(net.Addr) ConnFaults { return f }
func (f *packetActions) Refuse() proto.Reason           { return f.refuse }
func (f *packetActions) Packet(in bool, t proto.Type, _ int) Action {
	if in {
		return f.in[t]
	}
	return f.out[t]
}

func TestFaults(t *testing.T) {
	in(t, Options{Fault: &packetActions{refuse: proto.ServerUnavailable}}, func(k *bench) {
		p := k.open(proto.V5, "p")
		p.want("CONNACK 88 why")
		p.closed()
	})
	one := func(t proto.Type, a Action) map[proto.Type]Action { return map[proto.Type]Action{t: a} }
	in(t, Options{Fault: &packetActions{out: one(proto.PUBACK, Action{Delay: time.Second}), in: one(proto.PINGREQ, Action{Drop: true})}}, func(k *bench) {
		p := k.connect(proto.V5, "p")
		p.send(pub("t", "", 1, 1))
		p.silent()
		k.pass(time.Second)
		p.want("PUBACK 1 10")
		p.send(&proto.Ping{Kind: proto.PINGREQ})
		p.silent()
	})
	in(t, Options{Fault: &packetActions{out: one(proto.PUBACK, Action{Drop: true}), in: one(proto.PUBLISH, Action{Duplicate: true})}}, func(k *bench) {
		p := k.connect(proto.V5, "p")
		p.subscribe(to("t", 0))
		p.send(pub("t", "m", 1, 1))
		p.want(`PUBLISH t "m"`, `PUBLISH t "m"`)
		p.silent()
	})
	in(t, Options{Fault: &packetActions{out: one(proto.PUBACK, Action{Stall: true})}}, func(k *bench) {
		p := k.connect(proto.V5, "p")
		p.send(pub("t", "", 1, 1))
		k.pass(time.Hour)
		p.silent()
	})
	in(t, Options{Fault: &packetActions{in: one(proto.PUBLISH, Action{Cut: true})}}, func(k *bench) {
		p := k.connect(proto.V5, "p")
		p.send(pub("t", "", 1, 1))
		p.closed()
	})
}
