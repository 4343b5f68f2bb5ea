package cmdtest

import (
	"context"
	"errors"
	"net"
	"strconv"
	"testing"
	"time"

	"mqtt/internal/broker"
	"mqtt/internal/conn"
	"mqtt/internal/proto"
	"mqtt/internal/session"
)

// Server is where a command can connect to.
type Server struct {
	Addr string
	Port string
}

// Args returns the flags for the server before args.
func (s *Server) Args(args ...string) []string {
	return append([]string{"-h", "127.0.0.1", "-p", s.Port}, args...)
}

func newServer(addr net.Addr) Server {
	return Server{Addr: addr.String(), Port: strconv.Itoa(addr.(*net.TCPAddr).Port)}
}

// Broker is a broker of the test.
type Broker struct {
	Server
	*broker.Broker
}

// StartBroker runs a broker until the test ends.
func StartBroker(t testing.TB, opt broker.Options) *Broker {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &Broker{newServer(l.Addr()), broker.New(opt)}
	done := make(chan error, 1)
	go func() { done <- b.Serve(context.Background(), l) }() // ends with Close
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), Patience)
		defer cancel()
		if err := errors.Join(b.Close(ctx), <-done); err != nil {
			t.Errorf("broker: %v", err)
		}
	})
	return b
}

// Client is a client of the test. It belongs to one goroutine.
type Client struct {
	t    testing.TB
	conn *conn.Conn
	sess session.Session
}

// Connect connects a client of MQTT 5 that subscribes to filters at QoS 2. The end of the test
// disconnects it.
func (s *Server) Connect(t testing.TB, filters ...string) *Client {
	t.Helper()
	c := &Client{t: t}
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	cfg := &conn.Config{
		Connect: proto.Connect{Version: proto.V5, CleanStart: true},
		Dial: func(ctx context.Context, _ proto.Version) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", s.Addr)
		},
	}
	var err error
	if c.conn, err = conn.Dial(ctx, cfg, &c.sess); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.conn.Abort)
	for _, filter := range filters {
		p := &proto.Subscribe{Filters: []proto.Subscription{{Filter: filter, QoS: 2}}}
		if err := c.conn.Send(ctx, p); err != nil {
			t.Fatal(err)
		}
		for ev := (conn.Event{}); ev.Kind != conn.Answer; {
			if ev, err = c.conn.Next(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	return c
}

// Next waits for the next message, which is valid until the call after it. It returns nil, and the
// test fails, if none comes.
func (c *Client) Next() *proto.Publish {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	for {
		ev, err := c.conn.Next(ctx)
		if err != nil {
			c.t.Errorf("no message: %v", err)
			return nil
		}
		if ev.Kind == conn.Message {
			return ev.Message
		}
	}
}

// Expect waits for the next messages, and compares each with TOPIC PAYLOAD.
func (c *Client) Expect(want ...string) {
	c.t.Helper()
	for _, text := range want {
		p := c.Next()
		if p == nil {
			return
		}
		if got := string(p.Topic) + " " + string(p.Payload); got != text {
			c.t.Errorf("message %q, want %q", got, text)
		}
	}
}

// None reports an error if a message comes before the answer to a PINGREQ: the server had none for
// the client.
func (c *Client) None() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	if err := c.conn.Send(ctx, &proto.Ping{Kind: proto.PINGREQ}); err != nil {
		c.t.Errorf("ping: %v", err)
		return
	}
	for {
		switch ev, err := c.conn.Next(ctx); {
		case err != nil:
			c.t.Errorf("ping: %v", err)
			return
		case ev.Kind == conn.Message:
			c.t.Errorf("message on %s, want none", ev.Message.Topic)
		case ev.Kind == conn.Pong:
			return
		}
	}
}

// Publish publishes p, and waits for its acknowledgement at QoS 1 and 2. A message that comes
// meanwhile is an error.
func (c *Client) Publish(p *proto.Publish) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	if err := c.conn.Publish(ctx, p, 0); err != nil {
		c.t.Errorf("publish: %v", err)
		return
	}
	for c.conn.Pending() > 0 {
		ev, err := c.conn.Next(ctx)
		if err != nil {
			c.t.Errorf("publish: %v", err)
			return
		}
		if ev.Kind == conn.Message {
			c.t.Errorf("message on %s, want an acknowledgement", ev.Message.Topic)
		}
	}
	c.conn.NextBy(ctx, time.Unix(1, 0)) // writes what is queued
}

// Answer answers requests until the client is closed: respond makes a payload of a payload. It runs
// in a goroutine that the end of the test ends.
func (c *Client) Answer(respond func(request *proto.Publish) *proto.Publish) {
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	c.t.Cleanup(func() {
		cancel()
		<-done
	})
	go func() {
		defer close(done)
		for {
			ev, err := c.conn.Next(ctx)
			if err != nil {
				return
			}
			if ev.Kind != conn.Message {
				continue
			}
			if p := respond(ev.Message); p != nil {
				if err := c.conn.Publish(ctx, p, 0); err != nil {
					c.t.Errorf("publish the answer: %v", err)
					return
				}
			}
		}
	}()
}
