package broker

import (
	"strconv"
	"testing"
	"time"

	"mqtt/internal/proto"
)

// sysValues returns the $SYS messages below $SYS/broker that a subscriber gets at once.
func sysValues(k *bench) map[string]string {
	s := k.connect(proto.V5, "sys")
	s.send(sub(1, to("$SYS/#", 0)))
	s.want("SUBACK 1 00")
	all := map[string]string{}
	for {
		p, ok := s.next().(*proto.Publish)
		if !ok {
			break
		}
		all[string(p.Topic[len("$SYS/broker/"):])] = string(p.Payload)
	}
	s.leave()
	k.pass(time.Second) // its connection lingers
	return all
}

// $SYS counts each packet sent, and the heap in use.
func TestSysCountsWhatIsSent(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		before := sysValues(k)
		p := k.connect(proto.V5, "p") // CONNACK
		p.send(sub(1, to("t", 2)))    // SUBACK
		p.send(pub("t", "m", 2, 1))   // PUBREC, PUBLISH
		p.send(ack(proto.PUBREC, 1), ack(proto.PUBREL, 1))
		p.send(ack(proto.PUBCOMP, 1), &proto.Ping{Kind: proto.PINGREQ}, &proto.Unsubscribe{PacketID: 3, Filters: []string{"t"}})
		k.pass(time.Second)
		for range 7 {
			if p.next() == nil {
				t.Fatal("an answer is missing")
			}
		}
		p.silent()
		after := sysValues(k)
		n := func(of map[string]string, name string) int {
			i, err := strconv.Atoi(of[name])
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			return i
		}
		sys := len(before) + 2 // a CONNACK, a SUBACK and the messages went to the subscriber
		if got, want := n(after, "messages/sent")-n(before, "messages/sent"), 8+sys; got != want {
			t.Errorf("%d packets were sent, want %d", got, want)
		}
		if now, most := n(after, "heap/current"), n(after, "heap/maximum"); now < 100_000 || most < now {
			t.Errorf("heap %d, at most %d", now, most)
		}
	})
}

// The averages of $SYS are those of mosquitto: they approach a steady rate slowly, and fall slowly.
func TestSysLoads(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		if all := sysValues(k); all["load/messages/received/1min"] != "0.00" || len(all) < 45 {
			t.Errorf("at first: %v", all)
		}
		p := k.connect(proto.V311, "p")
		for range 600 { // 2 a second for five minutes
			p.send(pub("t", "", 0, 0))
			k.pass(time.Second / 2)
		}
		all := sysValues(k)
		for topic, want := range map[string][2]float64{
			"load/publish/received/1min": {118, 120}, "load/publish/received/5min": {70, 80}, "load/publish/received/15min": {30, 36},
			"load/connections/1min": {0, 1}, "load/sockets/15min": {0.01, 1}, "load/bytes/received/1min": {500, 720},
		} {
			if got, err := strconv.ParseFloat(all[topic], 64); err != nil || got < want[0] || got > want[1] {
				t.Errorf("%s: %s, want between %v", topic, all[topic], want)
			}
		}
		k.pass(10 * time.Minute)
		all = sysValues(k)
		if got := all["load/publish/received/1min"]; got != "0.01" && got != "0.00" {
			t.Errorf("ten minutes later: %s", got)
		}
	})
}
