package broker

import (
	"fmt"
	"testing"
	"time"

	"mqtt/internal/proto"
)

// Expired messages make room for new ones: among retained messages, in a queue and in memory.
func TestWhatHasExpiredMakesRoom(t *testing.T) {
	soon := prop(proto.MessageExpiryInterval, 1)
	const topics = 10
	t.Run("retained messages", func(t *testing.T) {
		in(t, Options{Retained: topics}, func(k *bench) {
			p := k.connect(proto.V5, "p")
			for i := range topics {
				p.send(pub(fmt.Sprint("r/", i), "x", 1, 1, retain, soon))
				p.want("PUBACK 1 10")
			}
			p.send(pub("new", "x", 1, 2, retain))
			p.want("PUBACK 2 97 why")
			k.pass(2 * time.Second)
			for i := range topics {
				p.send(pub(fmt.Sprint("new/", i), "x", 1, 3, retain))
				p.want("PUBACK 3 10")
			}
			p.send(pub("more", "x", 1, 4, retain))
			p.want("PUBACK 4 97 why")
		})
	})
	t.Run("retained bytes", func(t *testing.T) {
		in(t, Options{Memory: 1 << 20}, func(k *bench) {
			p := k.connect(proto.V5, "p")
			n := 0
			for r := proto.NoMatchingSubscribers; r == proto.NoMatchingSubscribers; n++ {
				p.send(pub(fmt.Sprint("r/", n), big(1000), 1, 1, retain, soon))
				r = p.next().(*proto.Ack).Reason
			}
			k.pass(1100 * time.Millisecond)
			p.send(pub("new", big(100_000), 1, 1, retain))
			p.want("PUBACK 1 10")
		})
	})
	for name, opt := range map[string]Options{"queue": {QueueMessages: topics}, "bytes": {QueueBytes: 3000}, "memory": {Memory: 1 << 20}} {
		t.Run(name, func(t *testing.T) {
			in(t, opt, func(k *bench) {
				for i := range 3 {
					s := k.kept(proto.V5, fmt.Sprint("s", i))
					s.send(sub(1, to(fmt.Sprint("t/", i), 1)))
					s.cut()
				}
				p := k.connect(proto.V5, "p")
				for i := range 3 { // the last one gets the memory that the others left
					for r := proto.Success; r == proto.Success; {
						p.send(pub(fmt.Sprint("t/", i), big(500), 1, 1, soon))
						r = p.next().(*proto.Ack).Reason
					}
				}
				k.pass(3 * time.Second)
				for i := range 3 {
					p.send(pub(fmt.Sprint("t/", i), "new", 1, 1))
					p.want("PUBACK 1")
				}
				s := k.kept(proto.V5, "s0")
				s.want("CONNACK 00 present", `PUBLISH t/0 "new" q1 id1`)
			})
		})
	}
}
