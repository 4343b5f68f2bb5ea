package broker

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"mqtt/internal/proto"
)

// Conversations with bytes changed, removed and doubled: whatever a client sends, the broker serves
// the others, and its counts of memory stay correct.
func TestMangledConversations(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, v := range []proto.Version{proto.V31, proto.V311, proto.V5} {
		in(t, Options{SysInterval: -1}, func(k *bench) {
			k.misbehaves()
			well := k.connect(proto.V5, "well")
			well.subscribe(to("well", 1))
			for i := range 400 {
				p := k.dial(v)
				b := mangled(random, v, i)
				p.bytes(b)
				p.cut()
			}
			k.connect(proto.V5, "p").send(pub("well", "still here", 1, 1))
			for {
				x, ok := well.next().(*proto.Publish)
				if !ok {
					t.Fatal("the broker does not deliver any more")
				}
				if string(x.Payload) == "still here" {
					break
				}
			}
			if n := k.b.Stats().Connected; n != 2 {
				t.Errorf("%d clients are counted, want 2", n)
			}
		})
	}
}

// mangled is a conversation of a client with a few wrong bytes.
func mangled(random *rand.Rand, v proto.Version, i int) []byte {
	c := &proto.Connect{ClientID: fmt.Sprint("m", i%7), CleanStart: i%3 > 0, Will: &proto.Will{Topic: "w", Payload: []byte("x"), QoS: byte(i % 3)}}
	s := sub(1, to("a/+", 2), to("$share/g/#", 1))
	m := pub("a/b", "payload", 2, 3)
	r := pub("a/r", "payload", 1, 4, retain)
	if v == proto.V5 {
		c.Props = c.Props.AppendNum(proto.SessionExpiryInterval, uint32(i%5)).AppendNum(proto.TopicAliasMaximum, 5)
		numbered(s, 7)
		m.Props = m.Props.AppendPair("a", "b").AppendNum(proto.TopicAlias, 2).AppendNum(proto.MessageExpiryInterval, 3)
	}
	var b []byte
	for _, x := range []proto.Packet{c, s, m, r, ack(proto.PUBREL, 3), ack(proto.PUBREC, 1), ack(proto.PUBCOMP, 1), ack(proto.PUBACK, 2),
		&proto.Unsubscribe{PacketID: 5, Filters: []string{"a/+"}}, &proto.Ping{Kind: proto.PINGREQ}, &proto.Disconnect{}} {
		b, _ = x.Append(b, v)
	}
	for range random.IntN(4) {
		at := random.IntN(len(b))
		switch random.IntN(3) {
		case 0:
			b[at] = byte(random.Uint32())
		case 1:
			b = append(b[:at], b[min(len(b), at+1+random.IntN(3)):]...)
		case 2:
			b = append(b[:at:at], append([]byte{b[at]}, b[at:]...)...)
		}
	}
	return b
}
