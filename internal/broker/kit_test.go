package broker

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mqtt/internal/proto"
)

// bench is a broker and its clients in a bubble of their own time: synctest.Wait
// returns when all of them wait for something, so what has not come then does not
// come.
type bench struct {
	t *testing.T
	b *Broker
	l *pipes

	peers []*peer
}

// pipes is a listener whose connections are pipes.
type pipes struct {
	c    chan net.Conn
	once sync.Once
	done chan struct{}
}

func (l *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-l.c:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}
func (l *pipes) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

// in runs script with a broker.
func in(t *testing.T, opt Options, script func(*bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		k := &bench{t: t}
		k.start(opt)
		defer func() {
			for _, p := range k.peers {
				p.conn.Close()
				p.mu.Lock()
				if p.paused != nil {
					close(p.paused)
					p.paused = nil
				}
				p.mu.Unlock()
			}
			k.stop()
		}()
		script(k)
	})
}

func (k *bench) start(opt Options) {
	k.b, k.l = New(opt), &pipes{c: make(chan net.Conn), done: make(chan struct{})}
	if err := k.b.Restore(context.Background()); err != nil {
		k.t.Fatal(err)
	}
	go k.b.Serve(context.Background(), k.l)
}

func (k *bench) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := k.b.Close(ctx); err != nil && !errors.Is(err, errCrashed) {
		k.t.Errorf("close: %v", err)
	}
}

// pass lets so much time pass.
func (k *bench) pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// peer is the other end of a client's connection.
type peer struct {
	k    *bench
	t    *testing.T
	conn net.Conn
	v    proto.Version

	mu     sync.Mutex
	got    [][]byte // whole packets
	over   bool     // the broker closed
	paused chan struct{}
}

// dial opens a connection of version v.
func (k *bench) dial(v proto.Version) *peer {
	k.t.Helper()
	ours, theirs := net.Pipe()
	p := &peer{k: k, t: k.t, conn: ours, v: v}
	k.peers = append(k.peers, p)
	k.l.c <- theirs
	go p.listen() // ends with the connection
	return p
}

func (p *peer) listen() {
	var raw []byte
	buf := make([]byte, 4096)
	for {
		p.mu.Lock()
		wait := p.paused
		p.mu.Unlock()
		if wait != nil {
			<-wait
		}
		n, err := p.conn.Read(buf)
		raw = append(raw, buf[:n]...)
		p.mu.Lock()
		for {
			_, size, _ := proto.Split(raw, 0)
			if size == 0 {
				break
			}
			p.got = append(p.got, append([]byte(nil), raw[:size]...))
			raw = raw[size:]
		}
		if err != nil {
			p.over = true
			p.mu.Unlock()
			return
		}
		p.mu.Unlock()
	}
}

// pause makes the peer stop reading; the returned function makes it go on.
func (p *peer) pause() func() {
	ch := make(chan struct{})
	p.mu.Lock()
	p.paused = ch
	p.mu.Unlock()
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.paused == ch {
			p.paused = nil
			close(ch)
		}
	}
}

// bytes sends bytes as they are.
func (p *peer) bytes(b []byte) {
	p.conn.SetWriteDeadline(time.Now().Add(time.Minute))
	p.conn.Write(b) // a broker that closed meanwhile is what want and closed tell
}

// hex sends bytes written in hexadecimal, blanks between them as one likes.
func (p *peer) hex(s string) {
	p.t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		p.t.Fatal(err)
	}
	p.bytes(b)
}

// send sends packets, all in one piece, and waits until they have had their effect.
func (p *peer) send(packets ...proto.Packet) {
	p.t.Helper()
	p.post(packets...)
	synctest.Wait()
}

// post sends packets, all in one piece, while others may do so, too.
func (p *peer) post(packets ...proto.Packet) {
	p.t.Helper()
	var b []byte
	for _, x := range packets {
		var err error
		if b, err = x.Append(b, p.v); err != nil {
			p.t.Fatalf("send %s: %v", x.Type(), err)
		}
	}
	p.bytes(b)
}

// frame returns the next packet that the broker sent.
func (p *peer) frame() (proto.Frame, bool) {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.got) == 0 {
		return proto.Frame{}, false
	}
	f, _, err := proto.Split(p.got[0], 0)
	if err != nil {
		p.t.Fatal(err)
	}
	p.got = p.got[1:]
	return f, true
}

// next returns the next packet, nil if there is none.
func (p *peer) next() proto.Packet {
	p.t.Helper()
	f, ok := p.frame()
	if !ok {
		return nil
	}
	x, err := proto.Decode(f, p.v)
	if err != nil {
		p.t.Fatalf("the broker sent %x: %v", f.Body, err)
	}
	return x
}

// want expects packets by their dumps, in that order.
func (p *peer) want(dumps ...string) {
	p.t.Helper()
	for _, d := range dumps {
		x := p.next()
		if x == nil {
			p.t.Fatalf("want %s, got nothing (closed: %v)", d, p.over)
		}
		if got := dump(x); got != d {
			p.t.Fatalf("want %s\n got %s", d, got)
		}
	}
}

// silent expects that nothing more has come and the connection is open.
func (p *peer) silent() {
	p.t.Helper()
	if x := p.next(); x != nil {
		p.t.Fatalf("want nothing, got %s", dump(x))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		p.t.Fatal("want an open connection, got a closed one")
	}
}

// closed expects that nothing more came and the broker has closed.
func (p *peer) closed() {
	p.t.Helper()
	if x := p.next(); x != nil {
		p.t.Fatalf("want a close, got %s", dump(x))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.over {
		p.t.Fatal("want a closed connection, got an open one")
	}
}

// cut breaks the connection.
func (p *peer) cut() {
	p.conn.Close()
	synctest.Wait()
}

// leave disconnects as one should.
func (p *peer) leave() {
	p.t.Helper()
	p.send(&proto.Disconnect{})
	p.closed()
}

// connect opens a connection and expects to be let in.
func (k *bench) connect(v proto.Version, id string, with ...func(*proto.Connect)) *peer {
	k.t.Helper()
	p := k.open(v, id, with...)
	ack, ok := p.next().(*proto.Connack)
	if !ok || ack.Reason != proto.Success {
		k.t.Fatalf("connect %s: %v", id, ack)
	}
	return p
}

// open opens a connection and sends a CONNECT.
func (k *bench) open(v proto.Version, id string, with ...func(*proto.Connect)) *peer {
	k.t.Helper()
	p := k.dial(v)
	c := &proto.Connect{ClientID: id, CleanStart: true}
	for _, f := range with {
		f(c)
	}
	p.send(c)
	return p
}

// What a CONNECT may be with.
func resume(c *proto.Connect) { c.CleanStart = false }

func expiry(seconds uint32) func(*proto.Connect) {
	return num(proto.SessionExpiryInterval, seconds)
}

func num(id proto.PropID, n uint32) func(*proto.Connect) {
	return func(c *proto.Connect) { c.Props = c.Props.AppendNum(id, n) }
}

func keepAlive(seconds uint16) func(*proto.Connect) {
	return func(c *proto.Connect) { c.KeepAlive = seconds }
}

func willed(topic, payload string, with ...func(*proto.Will)) func(*proto.Connect) {
	return func(c *proto.Connect) {
		c.Will = &proto.Will{Topic: topic, Payload: []byte(payload)}
		for _, f := range with {
			f(c.Will)
		}
	}
}

func delayed(seconds uint32) func(*proto.Will) {
	return func(w *proto.Will) { w.Props = w.Props.AppendNum(proto.WillDelayInterval, seconds) }
}

// pub is a PUBLISH.
func pub(topic, payload string, qos byte, id uint16, with ...func(*proto.Publish)) *proto.Publish {
	p := &proto.Publish{Topic: []byte(topic), Payload: []byte(payload), QoS: qos, PacketID: id}
	for _, f := range with {
		f(p)
	}
	return p
}

func retain(p *proto.Publish) { p.Retain = true }
func dup(p *proto.Publish)    { p.Dup = true }
func prop(id proto.PropID, n uint32) func(*proto.Publish) {
	return func(p *proto.Publish) { p.Props = p.Props.AppendNum(id, n) }
}

// sub is a SUBSCRIBE with packet identifier id.
func sub(id uint16, filters ...proto.Subscription) *proto.Subscribe {
	return &proto.Subscribe{PacketID: id, Filters: filters}
}

// asking is a SUBSCRIBE whatever its filter is.
func (p *peer) asking(id uint16, filter string, options byte) {
	body := binary.BigEndian.AppendUint16(nil, id)
	if p.v == proto.V5 {
		body = append(body, 0)
	}
	body = append(binary.BigEndian.AppendUint16(body, uint16(len(filter))), filter...)
	body = append(body, options)
	p.bytes(append(proto.AppendUvarint([]byte{0x82}, len(body)), body...))
}

func to(filter string, qos byte) proto.Subscription {
	return proto.Subscription{Filter: filter, QoS: qos}
}

// numbered gives a SUBSCRIBE a subscription identifier.
func numbered(s *proto.Subscribe, n uint32) *proto.Subscribe {
	s.Props = s.Props.AppendNum(proto.SubscriptionIdentifier, n)
	return s
}

func ack(kind proto.Type, id uint16) *proto.Ack { return &proto.Ack{Kind: kind, PacketID: id} }

// subscribe subscribes and takes the SUBACK.
func (p *peer) subscribe(filters ...proto.Subscription) {
	p.t.Helper()
	p.send(sub(9, filters...))
	if a, ok := p.next().(*proto.Suback); !ok || len(a.Reasons) != len(filters) {
		p.t.Fatalf("subscribe: %v", a)
	}
}

// dump writes a packet down in one line. Of a reason string it says only that there
// is one: why. Limits of the broker in a CONNACK are left out.
func dump(x proto.Packet) string {
	var b strings.Builder
	b.WriteString(x.Type().String())
	var props proto.Props
	switch p := x.(type) {
	case *proto.Connack:
		fmt.Fprintf(&b, " %02X", byte(p.Reason))
		if p.SessionPresent {
			b.WriteString(" present")
		}
		props = p.Props
	case *proto.Publish:
		topic := string(p.Topic)
		if topic == "" {
			topic = "-"
		}
		payload := string(p.Payload)
		if len(payload) > 40 {
			payload = fmt.Sprintf("(%d bytes)", len(payload))
		}
		fmt.Fprintf(&b, " %s %q", topic, payload)
		if p.QoS > 0 {
			fmt.Fprintf(&b, " q%d id%d", p.QoS, p.PacketID)
		}
		if p.Dup {
			b.WriteString(" dup")
		}
		if p.Retain {
			b.WriteString(" retain")
		}
		props = p.Props
	case *proto.Ack:
		fmt.Fprintf(&b, " %d", p.PacketID)
		if p.Reason != 0 {
			fmt.Fprintf(&b, " %02X", byte(p.Reason))
		}
		props = p.Props
	case *proto.Suback:
		fmt.Fprintf(&b, " %d", p.PacketID)
		for _, r := range p.Reasons {
			fmt.Fprintf(&b, " %02X", byte(r))
		}
		props = p.Props
	case *proto.Disconnect:
		fmt.Fprintf(&b, " %02X", byte(p.Reason))
		props = p.Props
	case *proto.Auth:
		fmt.Fprintf(&b, " %02X", byte(p.Reason))
		props = p.Props
	}
	for q := range props.All() {
		switch q.ID {
		case proto.ReasonString:
			b.WriteString(" why")
			continue
		case proto.ReceiveMaximum, proto.MaximumPacketSize, proto.TopicAliasMaximum:
			if x.Type() == proto.CONNACK {
				continue
			}
		}
		switch q.ID.Row().Kind {
		case proto.Pair:
			fmt.Fprintf(&b, " %s:%s", q.Key, q.Value)
		case proto.Binary, proto.Text:
			fmt.Fprintf(&b, " %s=%s", q.ID, q.Value)
		default:
			fmt.Fprintf(&b, " %s=%d", q.ID, q.Num)
		}
	}
	return b.String()
}

// everyVersion runs a test for each version of the protocol.
func everyVersion(t *testing.T, opt Options, script func(*bench, proto.Version)) {
	for _, v := range []proto.Version{proto.V31, proto.V311, proto.V5} {
		t.Run(v.String(), func(t *testing.T) {
			in(t, opt, func(k *bench) { script(k, v) })
		})
	}
}

// big is a payload of n bytes.
func big(n int) string { return string(bytes.Repeat([]byte("x"), n)) }
