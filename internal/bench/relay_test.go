package bench

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"mqtt/internal/conn"
	"mqtt/internal/proto"
)

// fate is what a relay does with a message.
type fate int

const (
	pass fate = iota
	drop
	twice
	swap // it goes behind the next one of its topic
)

// relay is a server in memory: it grants every filter, passes messages on as it is
// told, and keeps count of what it took.
type relay struct {
	t     testing.TB
	fate  func(topic string, n int) fate // n counts the messages of the topic from 0
	delay time.Duration                  // of all that it says
	slow  time.Duration                  // of deliveries, beyond that
	stop  func() time.Time               // until when nothing is read or passed on; nil is never
	mute  bool                           // acknowledges nothing
	deny  proto.Reason                   // of messages at QoS 1 and 2
	cut   func(id string, n int) bool    // ends the connection of a client in the place of its message n, from 0
	shut  func(id string) bool           // hangs up on a client's CONNECT

	mu      sync.Mutex
	peers   []*peer
	taken   int         // messages that came, repeats included
	left    int         // DISCONNECTs that came
	times   []time.Time // of the messages that came
	bytes   int
	seen    map[string]int
	held    map[string]*proto.Publish
	working sync.WaitGroup
}

// peer is a client of the relay.
type peer struct {
	v       proto.Version
	name    string // its client identifier
	n       int    // messages that came
	filters []proto.Subscription
	out     chan parcel
	id      uint16
	nc      net.Conn
	will    *proto.Will
}

// parcel is a packet to be written at its time.
type parcel struct {
	at time.Time
	p  proto.Packet
}

func newRelay(t testing.TB) *relay {
	return &relay{t: t, seen: map[string]int{}, held: map[string]*proto.Publish{}}
}

// dial is a connection to the relay, over a pipe.
func (r *relay) dial(context.Context, proto.Version) (net.Conn, error) {
	ours, theirs := net.Pipe()
	r.working.Add(1)
	go func() { // ends with the pipe
		defer r.working.Done()
		r.serve(ours)
	}()
	return theirs, nil
}

// configure is a Plan's Configure.
func (r *relay) configure(role Role, number int, _ *Phases) (*conn.Config, error) {
	return &conn.Config{
		Dial: r.dial, Window: 20, Timeout: 10 * time.Second,
		Connect: proto.Connect{Version: proto.V5, CleanStart: true, ClientID: string("psck"[role]) + string(rune('0'+number%10))},
	}, nil
}

func (r *relay) serve(nc net.Conn) {
	c := &peer{nc: nc, out: make(chan parcel, 1<<16)}
	over := make(chan struct{})
	go func() { // ends when out is closed
		defer close(over)
		c.write()
	}()
	defer func() {
		r.leave(c)
		close(c.out)
		nc.Close()
		<-over
	}()
	in := proto.NewReader(nc, 0)
	for {
		f, err := in.Next()
		if err != nil {
			return
		}
		if r.stop != nil {
			if d := time.Until(r.stop()); d > 0 {
				<-time.After(d)
			}
		}
		if !r.take(c, f) {
			return
		}
	}
}

func (c *peer) write() {
	var b []byte
	for p := range c.out {
		if d := time.Until(p.at); d > 0 {
			<-time.After(d)
		}
		b, _ = p.p.Append(b[:0], c.v)
		if _, err := c.nc.Write(b); err != nil {
			continue // the reader has seen it too
		}
	}
}

func (r *relay) say(c *peer, p proto.Packet) { c.out <- parcel{time.Now().Add(r.delay), p} }

// take acts on a packet; false ends the connection.
func (r *relay) take(c *peer, f proto.Frame) bool {
	if f.Type() == proto.CONNECT {
		var p proto.Connect
		if err := p.Decode(f, 0); err != nil {
			r.t.Errorf("CONNECT: %v", err)
			return false
		}
		c.v, c.will, c.name = p.Version, p.Will, p.ClientID
		if r.shut != nil && r.shut(c.name) {
			return false
		}
		r.mu.Lock()
		r.peers = append(r.peers, c)
		r.mu.Unlock()
		r.say(c, &proto.Connack{})
		return true
	}
	p, err := proto.Decode(f, c.v)
	if err != nil {
		r.t.Errorf("%s: %v", f.Type(), err)
		return false
	}
	switch p := p.(type) {
	case *proto.Subscribe:
		r.mu.Lock()
		c.filters = append(c.filters, p.Filters...)
		r.mu.Unlock()
		a := &proto.Suback{Kind: proto.SUBACK, PacketID: p.PacketID}
		for _, s := range p.Filters {
			a.Reasons = append(a.Reasons, proto.Reason(s.QoS))
		}
		r.say(c, a)
	case *proto.Publish:
		if c.n++; r.cut != nil && r.cut(c.name, c.n-1) {
			return false
		}
		r.publish(c, p)
	case *proto.Ack:
		switch p.Kind {
		case proto.PUBREL:
			r.say(c, &proto.Ack{Kind: proto.PUBCOMP, PacketID: p.PacketID})
		case proto.PUBREC:
			r.say(c, &proto.Ack{Kind: proto.PUBREL, PacketID: p.PacketID})
		}
	case *proto.Ping:
		r.say(c, &proto.Ping{Kind: proto.PINGRESP})
	case *proto.Disconnect:
		c.will = nil
		r.mu.Lock()
		r.left++
		r.mu.Unlock()
		return false
	}
	return true
}

func (r *relay) publish(c *peer, p *proto.Publish) {
	own := *p
	own.Topic = append([]byte(nil), p.Topic...)
	own.Payload = append([]byte(nil), p.Payload...)
	own.Props = append(proto.Props(nil), p.Props...)
	if !r.mute {
		switch p.QoS {
		case 1:
			r.say(c, &proto.Ack{Kind: proto.PUBACK, PacketID: p.PacketID, Reason: r.deny})
		case 2:
			r.say(c, &proto.Ack{Kind: proto.PUBREC, PacketID: p.PacketID, Reason: r.deny})
		}
	}
	if r.deny.Failed() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	topic := string(own.Topic)
	n := r.seen[topic]
	r.seen[topic]++
	r.taken++
	r.times = append(r.times, time.Now())
	r.bytes += len(own.Payload)
	what := pass
	if r.fate != nil && !strings.HasPrefix(topic, "mqtt-bench/") {
		what = r.fate(topic, n)
	}
	switch what {
	case swap:
		r.held[topic] = &own
		return
	case drop:
	case twice:
		r.deliver(&own)
		r.deliver(&own)
	default:
		r.deliver(&own)
	}
	if before := r.held[topic]; before != nil {
		delete(r.held, topic)
		r.deliver(before)
	}
}

// deliver sends p to all that have a filter for it. r.mu is held.
func (r *relay) deliver(p *proto.Publish) {
	for _, c := range r.peers {
		for _, s := range c.filters {
			_, filter := proto.SplitShare(s.Filter)
			if !proto.Match(filter, p.Topic) {
				continue
			}
			own := *p
			own.QoS, own.PacketID, own.Dup = min(p.QoS, s.QoS), 0, false
			if own.QoS > 0 {
				c.id = c.id%65535 + 1
				own.PacketID = c.id
			}
			c.out <- parcel{time.Now().Add(r.delay + r.slow), &own}
			break
		}
	}
}

// leave forgets c and publishes its will.
func (r *relay) leave(c *peer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, p := range r.peers {
		if p == c {
			r.peers = append(r.peers[:i], r.peers[i+1:]...)
			break
		}
	}
	if c.will != nil {
		r.deliver(&proto.Publish{Topic: []byte(c.will.Topic), Payload: c.will.Payload, QoS: c.will.QoS})
	}
}

// plan is a small run against r.
func (r *relay) plan(t testing.TB) *Plan {
	t.Helper()
	topic, err := Compile("b/%i", "inr")
	if err != nil {
		t.Fatal(err)
	}
	return &Plan{
		Configure: r.configure, Publishers: 1, Subscribers: 1, Topic: topic, Size: 64, Burst: 1, Window: 20, Messages: 1000,
		Drain: 3 * time.Second,
	}
}

// run carries out p and waits for the relay to forget its clients.
func (r *relay) run(t testing.TB, p *Plan) *Result {
	t.Helper()
	res, err := Run(t.Context(), p)
	if err != nil {
		t.Fatalf("run: %v", err)
	}
	r.working.Wait()
	return res
}
