package broker

import (
	"fmt"
	"testing"

	"mqtt/internal/proto"
)

// drain counts the messages that have arrived, and acknowledges those at QoS 1.
func (p *peer) drain() (n int, payloads []string) {
	for {
		x := p.next()
		if x == nil {
			return n, payloads
		}
		m, ok := x.(*proto.Publish)
		if !ok {
			continue
		}
		n++
		payloads = append(payloads, string(m.Payload))
		if m.QoS == 1 {
			p.send(ack(proto.PUBACK, m.PacketID))
		}
	}
}

func TestShareSpreadsTheLoad(t *testing.T) {
	everyVersion(t, Options{}, func(k *bench, v proto.Version) {
		var members []*peer
		for i := range 4 {
			m := k.connect(v, fmt.Sprint("m", i))
			m.subscribe(to("$share/g/t/+", 1))
			members = append(members, m)
		}
		other, plain, p := k.connect(v, "other"), k.connect(v, "plain"), k.connect(v, "p")
		other.subscribe(to("$share/h/t/+", 0))
		plain.subscribe(to("t/#", 0))
		p.send(pub("t/1", "kept", 0, 0, retain))
		for i := range uint16(99) {
			p.send(pub("t/1", fmt.Sprint(i), 1, i+1))
		}
		total := 0
		for i, m := range members {
			n, _ := m.drain()
			if total += n; n != 25 {
				t.Errorf("member %d got %d of 100", i, n)
			}
		}
		if n, _ := other.drain(); n != 100 {
			t.Errorf("the only member of another share got %d of 100", n)
		}
		if n, _ := plain.drain(); n != 100 {
			t.Errorf("the subscriber without a share got %d of 100", n)
		}
		late := k.connect(v, "late")
		late.subscribe(to("$share/g/t/+", 0))
		late.silent() // no retained messages for a shared subscription
	})
}

func TestShareGivesWhatALeaverHadToOthers(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		a := k.connect(proto.V5, "a", num(proto.ReceiveMaximum, 1), expiry(100))
		a.subscribe(to("$share/g/t", 1))
		p := k.connect(proto.V5, "p")
		for i := range uint16(5) {
			p.send(pub("t", fmt.Sprint(i), 1, i+1))
		}
		a.want(`PUBLISH t "0" q1 id1`)
		b := k.connect(proto.V5, "b")
		b.subscribe(to("$share/g/t", 1))
		if n, got := b.drain(); n != 4 || got[0] != "1" || got[3] != "4" { // messages that a has no room for go to b
			t.Errorf("b got %v", got)
		}
		b.leave()
		p.send(pub("t", "5", 1, 6)) // waits for a
		b = k.connect(proto.V5, "b", num(proto.ReceiveMaximum, 1))
		b.subscribe(to("$share/g/t", 1))
		if n, got := b.drain(); n != 1 || got[0] != "5" {
			t.Errorf("b got %v", got)
		}
		a.cut() // sent messages wait for it to reconnect
		b.silent()
		k.connect(proto.V5, "a").leave() // the session ends: b gets them, too
		if n, got := b.drain(); n != 1 || got[0] != "0" {
			t.Errorf("b got %v", got)
		}
	})
}

func TestShareNeverGivesSentQoS2ToAnother(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		a := k.connect(proto.V5, "a", expiry(100))
		a.subscribe(to("$share/g/t", 2))
		p := k.connect(proto.V5, "p")
		p.send(pub("t", "m", 2, 1))
		a.want(`PUBLISH t "m" q2 id1`)
		b := k.connect(proto.V5, "b")
		b.subscribe(to("$share/g/t", 2))
		a.cut()
		b.silent() // [MQTT-4.8.2-4]
		a = k.open(proto.V5, "a", resume, expiry(100))
		a.want("CONNACK 00 present", `PUBLISH t "m" q2 id1 dup`)
		a.cut()
		k.connect(proto.V5, "a")
		b.silent() // [MQTT-4.8.2-5]
	})
}

func TestShareWaitsForAMemberThatWillReturn(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		a := k.connect(proto.V5, "a", expiry(100))
		a.subscribe(to("$share/g/t", 1))
		a.leave()
		p := k.connect(proto.V5, "p")
		p.send(pub("t", "m", 1, 1), pub("t", "zero", 0, 0))
		p.want("PUBACK 1")
		a = k.open(proto.V5, "a", resume)
		a.want("CONNACK 00 present", `PUBLISH t "m" q1 id1`)
		a.send(&proto.Unsubscribe{PacketID: 2, Filters: []string{"$share/g/t"}})
		a.want("UNSUBACK 2 00")
		p.send(pub("t", "m", 1, 1))
		p.want("PUBACK 1 10")
	})
}

func TestShareTogetherWithAPlainSubscription(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		a, p := k.connect(proto.V5, "a"), k.connect(proto.V5, "p")
		a.send(numbered(sub(1, to("$share/g/t", 0)), 1), numbered(sub(2, to("t", 0)), 2))
		a.want("SUBACK 1 00", "SUBACK 2 00")
		p.send(pub("t", "m", 0, 0))
		a.want(`PUBLISH t "m" subscription-identifier=2`, `PUBLISH t "m" subscription-identifier=1`) // [MQTT-3.3.4-5]
	})
}
