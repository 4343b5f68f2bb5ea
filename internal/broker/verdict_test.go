package broker

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"

	"mqtt/internal/proto"
)

// publishAll publishes n messages of the same topic, completes them, and returns the accepted ones.
// It sends them in segments of that many bytes, or in one segment if segment is 0. If it is 1 each
// message has its own segment.
func (p *peer) publishAll(n int, topic, payload string, qos byte, segment int) (accepted []string) {
	p.t.Helper()
	var all []proto.Packet
	for i := range n {
		all = append(all, pub(topic, fmt.Sprintf("%03d%s", i, payload), qos, uint16(i+1)))
	}
	switch segment {
	case 0:
		p.send(all...)
	case 1:
		for _, x := range all {
			p.send(x)
		}
	default:
		var b []byte
		for _, x := range all {
			b, _ = x.Append(b, p.v)
		}
		for some := range slices.Chunk(b, segment) {
			p.bytes(some)
		}
		synctest.Wait()
	}
	for i := range n {
		a, ok := p.next().(*proto.Ack)
		if !ok || a.PacketID != uint16(i+1) {
			p.t.Fatalf("message %d: %v", i, a)
		}
		switch {
		case !a.Reason.Failed():
			accepted = append(accepted, fmt.Sprintf("%03d", i))
		case a.Reason != proto.QuotaExceeded:
			p.t.Fatalf("message %d: %s", i, dump(a))
		}
	}
	if qos == 2 {
		for _, m := range accepted {
			i, _ := strconv.Atoi(m)
			p.send(ack(proto.PUBREL, uint16(i+1)))
			p.want(fmt.Sprintf("PUBCOMP %d", i+1))
		}
	}
	return accepted
}

// finish receives messages at QoS 1 and 2, acknowledges them, and returns the first three bytes of
// each.
func (p *peer) finish() (got []string) {
	for {
		switch x := p.next().(type) {
		case *proto.Publish:
			got = append(got, string(x.Payload[:3]))
			switch x.QoS {
			case 1:
				p.send(ack(proto.PUBACK, x.PacketID))
			case 2:
				p.send(ack(proto.PUBREC, x.PacketID))
			}
		case *proto.Ack:
			p.send(ack(proto.PUBCOMP, x.PacketID))
		case nil:
			return got
		}
	}
}

// A message is accepted if a subscriber has it, and refused if none had room for it, with any limit
// and any segmentation by TCP.
func TestEachMessageHasItsVerdict(t *testing.T) {
	for name, c := range map[string]struct {
		opt     Options
		payload string
		n       int
	}{
		"messages": {Options{QueueMessages: 10}, "", 50},
		"bytes":    {Options{QueueBytes: 4 << 10}, big(200), 50},
		"memory":   {Options{Memory: 1 << 20}, big(3000), 400},
	} {
		for _, filter := range []string{"t", "$share/g/t"} {
			for qos := byte(1); qos <= 2; qos++ {
				for _, stored := range []bool{false, true} {
					var counts []int
					for _, segment := range []int{0, 1, 9, 1000} {
						t.Run(fmt.Sprint(name, " ", filter, " QoS ", qos, " stored ", stored, " segments ", segment), func(t *testing.T) {
							opt := c.opt
							if stored {
								opt.Store = newJournal()
							}
							in(t, opt, func(k *bench) {
								s := k.connect(proto.V5, "s", expiry(1000))
								s.subscribe(to(filter, qos))
								s.leave()
								p := k.connect(proto.V5, "p")
								accepted := p.publishAll(c.n, "t", c.payload, qos, segment)
								if len(accepted) == 0 || len(accepted) == c.n {
									t.Fatalf("%d of %d accepted: no limit was reached", len(accepted), c.n)
								}
								counts = append(counts, len(accepted))
								if m := k.b.Stats().Memory; m > k.b.opt.Memory {
									t.Errorf("%d bytes are in use", m)
								}
								s = k.open(proto.V5, "s", resume)
								s.want("CONNACK 00 present")
								if got := s.finish(); !slices.Equal(got, accepted) {
									t.Errorf("accepted %v\n     got %v", accepted, got)
								}
							})
						})
					}
					// Received and unhandled bytes take memory, too: there the segments matter.
					if name != "memory" && len(slices.Compact(counts)) != 1 {
						t.Errorf("%s %s QoS %d: accepted %v", name, filter, qos, counts)
					}
				}
			}
		}
	}
}

// With several subscribers a message is accepted while one of them has room.
func TestAcceptedWhileSomebodyHasRoom(t *testing.T) {
	in(t, Options{QueueMessages: 10}, func(k *bench) {
		for _, id := range []string{"a", "b"} {
			s := k.connect(proto.V5, id, expiry(1000))
			s.subscribe(to("t", 1))
			if id == "b" {
				s.subscribe(to("only/b", 1))
			}
			s.leave()
		}
		p := k.connect(proto.V5, "p")
		if got := p.publishAll(5, "only/b", "", 1, 0); len(got) != 5 {
			t.Fatalf("accepted %v", got)
		}
		if got := p.publishAll(20, "t", "", 1, 0); len(got) != 10 { // a has room for 10, b for 5
			t.Errorf("accepted %v", got)
		}
	})
}

// A refused message is not retained, and the older one of its topic remains.
func TestRefusedIsNotRetained(t *testing.T) {
	for qos := byte(1); qos <= 2; qos++ {
		in(t, Options{QueueMessages: 2}, func(k *bench) {
			s := k.connect(proto.V5, "s", expiry(1000))
			s.subscribe(to("#", 2))
			s.leave()
			p := k.connect(proto.V5, "p")
			kind := map[byte]string{1: "PUBACK", 2: "PUBREC"}[qos]
			p.send(pub("a", "1", qos, 1, retain), pub("a", "2", qos, 2, retain), pub("a", "3", qos, 3, retain), pub("a", "", qos, 4, retain), pub("b", "1", qos, 5, retain))
			p.want(kind+" 1", kind+" 2", kind+" 3 97 why", kind+" 4 97 why", kind+" 5 97 why")
			w := k.connect(proto.V5, "w")
			w.send(sub(1, to("#", 0)))
			w.want("SUBACK 1 00", `PUBLISH a "2" retain`)
			w.silent()
			old := k.connect(proto.V311, "old") // it cannot be refused
			old.send(pub("a", "4", 1, 1, retain))
			old.want("PUBACK 1")
			w.want(`PUBLISH a "4"`)
			if m := k.b.Stats(); m.Retained != 1 {
				t.Errorf("%d are retained", m.Retained)
			}
		})
	}
}

// eachHisOwn lets users read and write below their own name.
type eachHisOwn struct{}

func (eachHisOwn) Allow(who *Identity, topic string, access Access) bool {
	return access == Subscribe || len(topic) > len(who.Username) && topic[:len(who.Username)+1] == who.Username+"/"
}

func user(name string) func(*proto.Connect) {
	return func(c *proto.Connect) { c.HasUsername, c.Username = true, name }
}

// A member of a group that may not read a message, is away at QoS 0 or has a smaller Maximum Packet
// Size does not count: the message is not refused because of it, and is retained.
func TestWhoCannotHaveAMessageIsNobody(t *testing.T) {
	for _, filter := range []string{"#", "$share/g/#"} {
		for name, c := range map[string]struct {
			with func(*proto.Connect)
			qos  byte
			away bool
			want []string // one of them
		}{
			"no right":          {user("bob"), 1, false, []string{"PUBACK 1 10"}},
			"no right and away": {user("bob"), 1, true, []string{"PUBACK 1 10"}},
			"away at QoS 0":     {user("eve"), 0, true, []string{"PUBACK 1", "PUBACK 1 10"}},
			"small packets":     {func(c *proto.Connect) { user("eve")(c); num(proto.MaximumPacketSize, 50)(c) }, 1, false, []string{"PUBACK 1", "PUBACK 1 10"}},
		} {
			t.Run(filter+" "+name, func(t *testing.T) {
				in(t, Options{ACL: eachHisOwn{}}, func(k *bench) {
					s := k.connect(proto.V5, "s", c.with, expiry(1000))
					s.subscribe(to(filter, c.qos))
					if c.away {
						s.leave()
					}
					p := k.connect(proto.V5, "p", user("eve"))
					p.send(pub("eve/alarm", big(100), 1, 1, retain))
					if got := dump(p.next()); !slices.Contains(c.want, got) {
						t.Errorf("got %s, want one of %v", got, c.want)
					}
					if n := k.b.Stats().Retained; n != 1 {
						t.Errorf("%d are retained", n)
					}
				})
			})
		}
	}
}

// A message is refused only because of members that could have it and have no room.
func TestAShareIsFullWhenItsReadersAre(t *testing.T) {
	in(t, Options{ACL: eachHisOwn{}, QueueMessages: 3}, func(k *bench) {
		for i, name := range []string{"bob", "eve", "eve"} {
			s := k.connect(proto.V5, fmt.Sprint("s", i), user(name), expiry(1000))
			s.subscribe(to("$share/g/#", 1))
			s.leave()
		}
		p := k.connect(proto.V5, "p", user("eve"))
		if got := p.publishAll(20, "eve/x", "", 1, 0); len(got) != 6 {
			t.Errorf("accepted %v, want 6", got)
		}
	})
}
