package proxy

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"mqtt/internal/broker"
	"mqtt/internal/conn"
	"mqtt/internal/faults"
	"mqtt/internal/proto"
	"mqtt/internal/rules"
	"mqtt/internal/session"
)

// TestRulesFaults lets our clients talk to our broker through proxies with random faults, each of
// which is another seed. What a proxy did itself must not be held against anybody.
func TestRulesFaults(t *testing.T) {
	seeds := 12
	if *long {
		seeds = 400
	}
	b := broker.New(broker.Options{SysInterval: -1, ReceiveMaximum: 20, Inflight: 15, MaxPacket: 4000, TopicAliasMaximum: 3})
	ctx, stop := context.WithCancel(context.Background())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() { b.Serve(ctx, l) }) // ends when the broker is closed
	t.Cleanup(func() {
		closing, done := context.WithTimeout(context.Background(), patience)
		defer done()
		if err := b.Close(closing); err != nil {
			t.Error(err)
		}
		stop()
		serving.Wait()
	})
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			words := randomFaults(rand.New(rand.NewPCG(7, uint64(seed))), seed)
			_, addr := start(t, l.Addr().String(), Options{
				Faults: plan(t, words), Rules: true,
				Violation: func(s Source, v rules.Violation) {
					t.Errorf("with %q the %s (connection %d, %q) is blamed for %s of MQTT %s: %s: %x", words, v.Broken, s.Connection, s.Client, v.Name(), v.Version, v.Got, v.Packet)
				},
			})
			var clients sync.WaitGroup
			for i := range 3 {
				clients.Go(func() { chat(t, addr, seed, i) })
			}
			clients.Wait()
		})
	}
}

// randomFaults returns words of faults.
func randomFaults(random *rand.Rand, seed int) string {
	all := []string{"drop=3%", "duplicate=5%", "reorder=5%", "corrupt=3%", "delay=0..3ms", "answer-late=3ms", "throttle=200KiB/s",
		"cut-after=25", "cut-bytes=900", "stall=after:30", "drop=20% packets=PUBACK,PUBREC,PUBREL,PUBCOMP",
		"duplicate=30% packets=PUBACK,PUBREC,PUBREL,PUBCOMP,SUBACK", "duplicate=50% packets=PUBLISH",
		"corrupt=20% packets=PUBACK,PUBREC,SUBACK,UNSUBACK", "drop=10% reorder=10% way=in", "corrupt=10% way=out", "refuse=0x97"}
	words := fmt.Sprintf("seed=%d", seed)
	for range 1 + random.IntN(3) {
		if more := words + " " + all[random.IntN(len(all))]; parses(more) {
			words = more
		}
	}
	if random.IntN(2) == 0 {
		words += " connections=60%"
	}
	return words
}

// parses reports whether words are a plan.
func parses(words string) bool {
	_, err := faults.Parse(words)
	return err == nil
}

// chat is one client, which connects several times.
func chat(t *testing.T, addr string, seed, number int) {
	random := rand.New(rand.NewPCG(uint64(seed), uint64(number)))
	v := []proto.Version{proto.V5, proto.V311, proto.V31}[(seed+number)%3]
	s := new(session.Session)
	id := fmt.Sprintf("s%d-c%d", seed, number)
	for range 6 {
		cfg := &conn.Config{
			Connect: proto.Connect{Version: v, ClientID: id, KeepAlive: 30, CleanStart: random.IntN(4) == 0},
			Timeout: 2 * time.Second,
			Dial: func(ctx context.Context, _ proto.Version) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "tcp", addr)
			},
		}
		if random.IntN(3) == 0 {
			cfg.Connect.Will = &proto.Will{Topic: "t/will", Payload: []byte("gone"), QoS: byte(random.IntN(3)), Retain: random.IntN(2) == 0}
		}
		if v >= proto.V5 {
			cfg.Connect.Props = cfg.Connect.Props.AppendNum(proto.SessionExpiryInterval, 100).AppendNum(proto.ReceiveMaximum, uint32(1+random.IntN(20))).
				AppendNum(proto.TopicAliasMaximum, uint32(random.IntN(5))).AppendNum(proto.MaximumPacketSize, uint32(200+random.IntN(3000)))
		}
		c, err := conn.Dial(t.Context(), cfg, s)
		if err != nil {
			if random.IntN(3) == 0 { // a client that has lost its session is another client
				s, id = new(session.Session), id+"-"
			}
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		if say(ctx, c, random) {
			c.Close(ctx, nil)
		} else {
			c.Abort()
		}
		cancel()
	}
}

// say publishes and subscribes for a while. It reports whether the connection is still good.
func say(ctx context.Context, c *conn.Conn, random *rand.Rand) bool {
	for range 40 {
		topic := fmt.Sprintf("t/%d", random.IntN(4))
		var err error
		switch random.IntN(6) {
		case 0:
			filters := []string{"t/#", "+/1", topic}
			if c.Version() >= proto.V5 {
				filters = append(filters, "$share/g/t/#")
			}
			p := &proto.Subscribe{Filters: []proto.Subscription{{Filter: filters[random.IntN(len(filters))], QoS: byte(random.IntN(3))}}}
			if c.Version() >= proto.V5 && random.IntN(2) == 0 {
				p.Props = p.Props.AppendNum(proto.SubscriptionIdentifier, uint32(1+random.IntN(3)))
				p.Filters[0].RetainHandling = byte(random.IntN(3))
				p.Filters[0].RetainAsPublished = random.IntN(2) == 0
			}
			err = c.Send(ctx, p)
		case 1:
			err = c.Send(ctx, &proto.Unsubscribe{Filters: []string{topic, "t/#"}[:1+random.IntN(2)]})
		default:
			if c.Free() == 0 {
				break
			}
			p := &proto.Publish{QoS: byte(random.IntN(3)), Topic: []byte(topic), Retain: random.IntN(4) == 0, Payload: make([]byte, random.IntN(1000)>>random.IntN(8))}
			err = c.Publish(ctx, p, 1)
		}
		if err != nil {
			return false
		}
		for range random.IntN(4) {
			if _, err := c.NextBy(ctx, time.Now().Add(time.Millisecond)); err != nil {
				return false
			}
		}
	}
	return random.IntN(2) == 0
}
