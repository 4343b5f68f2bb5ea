package conn

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"mqtt/internal/proto"
	"mqtt/internal/rules"
	"mqtt/internal/rules/rulestest"
	"mqtt/internal/session"
)

// A peer is the server's end of a connection in a script. It expects and sends packets, each given
// as a proto.Packet or a hex string. A failure ends the script and the connection.
type peer struct {
	t  testing.TB
	nc net.Conn
	r  *proto.Reader
	v  proto.Version
}

func newPeer(t testing.TB, nc net.Conn, v proto.Version) *peer {
	return &peer{t: t, nc: nc, r: proto.NewReader(nc, 0), v: v}
}

func (p *peer) fatalf(format string, args ...any) {
	p.t.Helper()
	p.t.Errorf(format, args...)
	p.nc.Close()
	runtime.Goexit()
}

// wire returns the encoded form of a packet of a script.
func wire(t testing.TB, v proto.Version, what any) []byte {
	t.Helper()
	var b []byte
	var err error
	switch what := what.(type) {
	case string:
		b, err = hex.DecodeString(strings.ReplaceAll(what, " ", ""))
	case []byte:
		b = what
	case proto.Packet:
		b, err = what.Append(nil, v)
	default:
		err = fmt.Errorf("a %T is not a packet", what)
	}
	if err != nil {
		t.Errorf("in the script: %v", err)
		runtime.Goexit()
	}
	return b
}

// raw returns the encoded form of a frame.
func raw(f proto.Frame) []byte {
	return append(proto.AppendUvarint([]byte{f.First}, len(f.Body)), f.Body...)
}

func (p *peer) frame() proto.Frame {
	p.t.Helper()
	f, err := p.r.Next()
	if err != nil {
		p.fatalf("server: expected a packet: %v", err)
	}
	return f
}

// expect reads as many packets as are given, and compares their bytes.
func (p *peer) expect(want ...any) {
	p.t.Helper()
	for _, w := range want {
		wanted, f := wire(p.t, p.v, w), p.frame()
		if got := raw(f); !bytes.Equal(got, wanted) {
			p.fatalf("server: got %x (%v), want %x", got, f.Type(), wanted)
		}
	}
}

// send writes packets with one write.
func (p *peer) send(what ...any) {
	p.t.Helper()
	var b []byte
	for _, w := range what {
		b = append(b, wire(p.t, p.v, w)...)
	}
	if _, err := p.nc.Write(b); err != nil {
		p.fatalf("server: send: %v", err)
	}
}

// greet expects CONNECT and accepts it.
func (p *peer) greet(present bool, ps ...any) *proto.Connect {
	p.t.Helper()
	hello := p.hello()
	p.send(&proto.Connack{SessionPresent: present, Props: props(ps...)})
	return hello
}

func (p *peer) hello() *proto.Connect {
	p.t.Helper()
	var hello proto.Connect
	if err := hello.Decode(p.frame(), p.v); err != nil {
		p.fatalf("server: CONNECT: %v", err)
	}
	return &hello
}

// end expects the end of the stream.
func (p *peer) end() {
	p.t.Helper()
	f, err := p.r.Next()
	if err == nil {
		p.fatalf("server: unexpected packet %x", raw(f))
	}
	if !errors.Is(err, io.EOF) {
		p.fatalf("server: %v, expected the end of the stream", err)
	}
}

// bye expects an ordinary DISCONNECT and the end of the stream.
func (p *peer) bye() {
	p.t.Helper()
	p.expect("e000")
	p.end()
}

// props returns properties, given as identifiers and values in turn. A value of two strings is a
// user property.
func props(ps ...any) (b proto.Props) {
	for i := 0; i < len(ps); i += 2 {
		switch id := ps[i].(proto.PropID); v := ps[i+1].(type) {
		case int:
			b = b.AppendNum(id, uint32(v))
		case string:
			b = b.AppendText(id, v)
		case [2]string:
			b = b.AppendPair(v[0], v[1])
		}
	}
	return b
}

func msg(qos byte, id uint16, topic, payload string, ps ...any) *proto.Publish {
	return &proto.Publish{QoS: qos, PacketID: id, Topic: []byte(topic), Payload: []byte(payload), Props: props(ps...)}
}

func dup(p *proto.Publish) *proto.Publish {
	p.Dup = true
	return p
}

func ack(kind proto.Type, id uint16, r ...proto.Reason) *proto.Ack {
	a := &proto.Ack{Kind: kind, PacketID: id}
	if len(r) > 0 {
		a.Reason = r[0]
	}
	return a
}

// script returns a Config whose nth connection is served by the nth script, over a pipe without a
// buffer. The version is that of the Config. What the client sends is held against the rules of the
// standard.
func script(t *testing.T, v proto.Version, scripts ...func(*peer)) *Config {
	n := 0
	var running sync.WaitGroup
	var open []net.Conn
	watcher := rulestest.New(t, rules.Client)
	watcher.Excuse(rules.Server) // a script is short: it sends messages that nobody has subscribed to
	t.Cleanup(func() {
		for _, nc := range open {
			nc.Close()
		}
		running.Wait()
		if n != len(scripts) {
			t.Errorf("%d connections, want %d", n, len(scripts))
		}
	})
	return &Config{
		Connect: proto.Connect{Version: v, CleanStart: true, ClientID: "me"},
		Dial: func(_ context.Context, v proto.Version) (net.Conn, error) {
			n++
			if n > len(scripts) {
				return nil, errors.New("more connections than the script has")
			}
			ours, theirs := net.Pipe()
			open = append(open, ours)
			play := scripts[n-1]
			running.Go(func() { // ends with its script
				defer theirs.Close()
				play(newPeer(t, theirs, v))
			})
			return watcher.Conn(ours), nil
		},
	}
}

// start dials with a new session.
func start(t *testing.T, cfg *Config) *Conn {
	t.Helper()
	return resumed(t, cfg, new(session.Session))
}

func resumed(t *testing.T, cfg *Config, s *session.Session) *Conn {
	t.Helper()
	c, err := Dial(t.Context(), cfg, s)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	return c
}

func next(t *testing.T, c *Conn, want Kind) Event {
	t.Helper()
	ev, err := c.Next(t.Context())
	if err != nil {
		t.Fatalf("next: %v", err)
	}
	if ev.Kind != want {
		t.Fatalf("event %d, want %d", ev.Kind, want)
	}
	return ev
}

// nextMessage expects a message with that payload.
func nextMessage(t *testing.T, c *Conn, payload string) *proto.Publish {
	t.Helper()
	m := next(t, c, Message).Message
	if string(m.Payload) != payload {
		t.Fatalf("message %q, want %q", m.Payload, payload)
	}
	return m
}

// nextDelivered expects the Delivered event of the message with that tag.
func nextDelivered(t *testing.T, c *Conn, tag uint64, r proto.Reason) {
	t.Helper()
	if ev := next(t, c, Delivered); ev.Tag != tag || ev.Reason != r {
		t.Fatalf("delivered %d with %v, want %d with %v", ev.Tag, ev.Reason, tag, r)
	}
}

func nextError(t *testing.T, c *Conn) error {
	t.Helper()
	ev, err := c.Next(t.Context())
	if err == nil {
		t.Fatalf("event %d, want an error", ev.Kind)
	}
	return err
}

func publish(t *testing.T, c *Conn, p *proto.Publish, tag uint64) {
	t.Helper()
	if err := c.Publish(t.Context(), p, tag); err != nil {
		t.Fatalf("publish: %v", err)
	}
}

func send(t *testing.T, c *Conn, p proto.Packet) {
	t.Helper()
	if err := c.Send(t.Context(), p); err != nil {
		t.Fatalf("send: %v", err)
	}
}

func closed(t *testing.T, c *Conn) {
	t.Helper()
	if err := c.Close(t.Context(), nil); err != nil {
		t.Fatalf("close: %v", err)
	}
}

// look calls NextBy without waiting, which writes the queue, and expects no event.
func look(t *testing.T, c *Conn) {
	t.Helper()
	ev, err := c.NextBy(t.Context(), time.Unix(1, 0))
	if err != nil || ev.Kind != Idle {
		t.Fatalf("polling returned event %d, error %v", ev.Kind, err)
	}
}

// counted records writes, and counts the other calls.
type counted struct {
	net.Conn
	writes [][]byte
	calls  int
}

func (c *counted) Write(b []byte) (int, error) {
	c.writes = append(c.writes, bytes.Clone(b))
	return c.Conn.Write(b)
}
func (c *counted) Read(b []byte) (int, error)         { c.calls++; return c.Conn.Read(b) }
func (c *counted) SetReadDeadline(t time.Time) error  { c.calls++; return c.Conn.SetReadDeadline(t) }
func (c *counted) SetWriteDeadline(t time.Time) error { c.calls++; return c.Conn.SetWriteDeadline(t) }

// counting wraps each connection in a counted. The last one is in *at.
func counting(cfg *Config, at **counted) *Config {
	dial := cfg.Dial
	cfg.Dial = func(ctx context.Context, v proto.Version) (net.Conn, error) {
		nc, err := dial(ctx, v)
		*at = &counted{Conn: nc}
		return *at, err
	}
	return cfg
}

var versions = []proto.Version{proto.V31, proto.V311, proto.V5}
