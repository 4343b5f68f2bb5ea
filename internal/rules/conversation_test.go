package rules_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"mqtt/internal/broker"
	"mqtt/internal/conn"
	"mqtt/internal/proto"
	"mqtt/internal/rules"
	"mqtt/internal/session"
)

// relay passes packets between a client and a server, and shows them to an observer. From time to
// time it cuts the connection, and with faults it drops packets, sends them twice and changes their
// order.
type relay struct {
	t        *testing.T
	faults   bool
	sessions *rules.Sessions
	server   string
	running  sync.WaitGroup
}

// serve relays one connection.
func (r *relay) serve(client net.Conn, cut int) {
	server, err := net.Dial("tcp", r.server)
	if err != nil {
		client.Close()
		r.t.Error(err)
		return
	}
	var mu sync.Mutex
	o := r.sessions.Connection()
	ends := [2]net.Conn{client, server}
	for _, way := range []rules.Way{rules.In, rules.Out} {
		r.running.Go(func() { // ends with the connection
			from, to := ends[way], ends[1-way]
			var raw []byte
			buffer := make([]byte, 4096)
			random := rand.New(rand.NewPCG(uint64(cut), uint64(way)))
			var late []byte // a packet that is delivered after the next one
			for passed := 0; ; {
				n, err := from.Read(buffer)
				raw = append(raw, buffer[:n]...)
				for {
					_, size, _ := proto.Split(raw, 0)
					if size == 0 {
						break
					}
					if passed++; passed == cut {
						client.Close()
						server.Close()
						mu.Lock()
						r.report(o.Closed(way, time.Now()))
						mu.Unlock()
						return
					}
					mu.Lock()
					r.report(o.Sent(way, raw[:size], time.Now()))
					mu.Unlock()
					out := [][]byte{raw[:size]}
					if late != nil {
						out, late = append(out, late), nil
					}
					if r.faults && passed > 1 {
						switch random.IntN(60) {
						case 0:
							out = nil
						case 1:
							out = append(out, raw[:size])
						case 2:
							out, late = nil, bytes.Clone(raw[:size])
						}
					}
					for _, packet := range out {
						mu.Lock()
						o.Delivered(way, packet, time.Now())
						mu.Unlock()
						to.Write(packet)
					}
					raw = raw[size:]
				}
				if err != nil {
					mu.Lock()
					r.report(o.Closed(way, time.Now()))
					mu.Unlock()
					to.Close()
					return
				}
			}
		})
	}
}

func (r *relay) report(found []rules.Violation) {
	for _, v := range found {
		r.t.Errorf("the %s is blamed for %s of MQTT %s (%s): %s: %x", v.Broken, v.Name(), v.Version, v.Text, v.Got, v.Packet)
	}
}

// TestConversations lets our clients talk to our broker through a relay that cuts connections, and
// through one that causes faults. The observer must not blame anyone.
func TestConversations(t *testing.T) {
	t.Run("cuts", func(t *testing.T) { conversations(t, false) })
	t.Run("faults", func(t *testing.T) { conversations(t, true) })
}

func conversations(t *testing.T, faults bool) {
	ctx, stop := context.WithCancel(t.Context())
	b := broker.New(broker.Options{SysInterval: -1, ReceiveMaximum: 20, Inflight: 15, MaxPacket: 2000, TopicAliasMaximum: 3})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() { b.Serve(ctx, l) }) // ends when the broker is closed
	r := &relay{t: t, faults: faults, sessions: rules.NewSessions(), server: l.Addr().String()}
	var clients sync.WaitGroup
	for i := range 6 {
		clients.Go(func() { talk(t, r, i) })
	}
	clients.Wait()
	closing, done := context.WithTimeout(context.Background(), time.Minute)
	defer done()
	if err := b.Close(closing); err != nil {
		t.Error(err)
	}
	stop()
	serving.Wait()
	r.running.Wait()
}

// talk is one client, which connects many times.
func talk(t *testing.T, r *relay, number int) {
	random := rand.New(rand.NewPCG(1, uint64(number)))
	v := []proto.Version{proto.V5, proto.V311, proto.V31}[number%3]
	s := new(session.Session)
	for range 25 {
		cut := 0
		if random.IntN(2) == 0 {
			cut = 3 + random.IntN(60)
		}
		cfg := &conn.Config{
			Connect: proto.Connect{Version: v, ClientID: fmt.Sprint("client", number), KeepAlive: 30},
			Dial: func(context.Context, proto.Version) (net.Conn, error) {
				ours, theirs := net.Pipe()
				r.serve(theirs, cut)
				return ours, nil
			},
		}
		if v >= proto.V5 {
			cfg.Connect.Props = cfg.Connect.Props.AppendNum(proto.SessionExpiryInterval, 100).AppendNum(proto.ReceiveMaximum, uint32(1+random.IntN(20))).
				AppendNum(proto.TopicAliasMaximum, uint32(random.IntN(5))).AppendNum(proto.MaximumPacketSize, 1000)
		}
		c, err := conn.Dial(t.Context(), cfg, s)
		if err != nil {
			continue
		}
		if converse(t, c, random) {
			c.Close(t.Context(), nil)
		} else {
			c.Abort()
		}
	}
}

// converse publishes and subscribes for a while. It reports whether the connection is still good.
func converse(t *testing.T, c *conn.Conn, random *rand.Rand) bool {
	for range 40 {
		topic := fmt.Sprintf("t/%d", random.IntN(4))
		var err error
		switch random.IntN(6) {
		case 0:
			p := &proto.Subscribe{Filters: []proto.Subscription{{Filter: []string{"t/#", "+/1", topic}[random.IntN(3)], QoS: byte(random.IntN(3))}}}
			if c.Version() >= proto.V5 && random.IntN(2) == 0 {
				p.Props = p.Props.AppendNum(proto.SubscriptionIdentifier, uint32(1+random.IntN(3)))
				p.Filters[0].RetainHandling = byte(random.IntN(3))
				p.Filters[0].RetainAsPublished = random.IntN(2) == 0
			}
			err = c.Send(t.Context(), p)
		case 1:
			err = c.Send(t.Context(), &proto.Unsubscribe{Filters: []string{topic}})
		default:
			if c.Free() == 0 {
				break
			}
			p := &proto.Publish{QoS: byte(random.IntN(3)), Topic: []byte(topic), Retain: random.IntN(4) == 0, Payload: fmt.Append(nil, random.IntN(1000))}
			err = c.Publish(t.Context(), p, 1)
		}
		if err != nil {
			return false
		}
		for range random.IntN(4) {
			_, err := c.NextBy(t.Context(), time.Now().Add(time.Millisecond))
			if err != nil {
				if errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				return false
			}
		}
	}
	return random.IntN(2) == 0
}
