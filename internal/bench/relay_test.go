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

// fault is what a relay does with a message.
type fault int

const (
	pass fault = iota
	drop
	repeat
	swap // delivered after the next message of its topic
)

// relay is a server in memory. It grants all filters, delivers messages with the faults of a test,
// and counts the messages received.
type relay struct {
	t     testing.TB
	fault func(topic string, n int) fault // n counts the messages of the topic from 0
	delay time.Duration                   // of all its packets
	slow  time.Duration                   // of deliveries, in addition
	stop  func() time.Time                // until when it neither reads nor delivers; may be nil
	mute  bool                            // it acknowledges nothing
	deny  proto.Reason                    // the reason for refusing messages at QoS 1 and 2
	cut   func(id string, n int) bool     // reports whether message n of a client, from 0, ends its connection
	share bool                            // it delivers to the members of a shared subscription in turn
	shut  func(id string) bool            // reports whether the CONNECT of a client ends its connection

	mu      sync.Mutex
	peers   []*peer
	turn    int         // of the member that is next
	taken   int         // messages received, including duplicates
	left    int         // DISCONNECTs received
	times   []time.Time // of the messages received
	bytes   int
	seen    map[string]int
	held    map[string]*proto.Publish
	working sync.WaitGroup
}

// peer is a client of the relay.
type peer struct {
	v       proto.Version
	name    string // client identifier
	n       int    // messages received
	filters []proto.Subscription
	out     chan parcel
	id      uint16
	nc      net.Conn
	will    *proto.Will
}

// parcel is a packet that is written at a certain time.
type parcel struct {
	at time.Time
	p  proto.Packet
}

func newRelay(t testing.TB) *relay {
	return &relay{t: t, seen: map[string]int{}, held: map[string]*proto.Publish{}}
}

// dial returns a connection to the relay, over a pipe.
func (r *relay) dial(context.Context, proto.Version) (net.Conn, error) {
	ours, theirs := net.Pipe()
	r.working.Add(1)
	go func() { // ends with the pipe
		defer r.working.Done()
		r.serve(ours)
	}()
	return theirs, nil
}

// configure is the Configure function of a Plan.
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
		if !r.handle(c, f) {
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

func (r *relay) send(c *peer, p proto.Packet) { c.out <- parcel{time.Now().Add(r.delay), p} }

// handle handles a packet. It returns false to end the connection.
func (r *relay) handle(c *peer, f proto.Frame) bool {
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
		r.send(c, &proto.Connack{})
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
		r.send(c, a)
	case *proto.Publish:
		if c.n++; r.cut != nil && r.cut(c.name, c.n-1) {
			return false
		}
		r.publish(c, p)
	case *proto.Ack:
		switch p.Kind {
		case proto.PUBREL:
			r.send(c, &proto.Ack{Kind: proto.PUBCOMP, PacketID: p.PacketID})
		case proto.PUBREC:
			r.send(c, &proto.Ack{Kind: proto.PUBREL, PacketID: p.PacketID})
		}
	case *proto.Ping:
		r.send(c, &proto.Ping{Kind: proto.PINGRESP})
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
			r.send(c, &proto.Ack{Kind: proto.PUBACK, PacketID: p.PacketID, Reason: r.deny})
		case 2:
			r.send(c, &proto.Ack{Kind: proto.PUBREC, PacketID: p.PacketID, Reason: r.deny})
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
	if r.fault != nil && !strings.HasPrefix(topic, "mqtt-bench/") {
		what = r.fault(topic, n)
	}
	switch what {
	case swap:
		r.held[topic] = &own
		return
	case drop:
	case repeat:
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

// deliver sends p to all peers with a matching filter. The caller holds r.mu.
func (r *relay) deliver(p *proto.Publish) {
	var members []*peer
	for _, c := range r.peers {
		if r.share && strings.HasPrefix(c.name, "s") {
			members = append(members, c)
		}
	}
	r.turn++
	for _, c := range r.peers {
		if r.share && len(members) > 0 && strings.HasPrefix(c.name, "s") && c != members[r.turn%len(members)] {
			continue
		}
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

// leave removes c and publishes its will.
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

// plan returns the plan of a small run against r.
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

// run executes p and waits until the relay has no clients.
func (r *relay) run(t testing.TB, p *Plan) *Result {
	t.Helper()
	res, err := Run(t.Context(), p)
	if err != nil {
		t.Fatalf("run: %v", err)
	}
	r.working.Wait()
	return res
}

// template returns the compiled topic.
func template(t testing.TB, text string) *Template {
	t.Helper()
	topic, err := Compile(text, "inr")
	if err != nil {
		t.Fatal(err)
	}
	return topic
}
