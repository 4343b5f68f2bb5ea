package check

import (
	"bufio"
	"context"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"mqtt/internal/proto"
)

// dialServer connects to the server that the variables of a command name.
func dialServer(variables []string) (net.Conn, error) {
	for _, v := range variables {
		if port, ok := strings.CutPrefix(v, "MQTT_PORT="); ok {
			return net.Dial("tcp", "127.0.0.1:"+port)
		}
	}
	panic("no MQTT_PORT")
}

// TestClientFirstPacket checks that a client whose first packet breaks the standard has a report that names the rule.
func TestClientFirstPacket(t *testing.T) {
	for _, test := range []struct {
		name    string
		packet  string
		version string
		rule    string
	}{
		{"reserved flag", "\x10\x0d\x00\x04MQTT\x04\x03\x00\x00\x00\x01a", "3.1.1", "MQTT-3.1.2-3"},
		{"reserved flag", "\x10\x0e\x00\x04MQTT\x05\x03\x00\x00\x00\x00\x01a", "5.0", "MQTT-3.1.2-3"},
		{"will QoS 3", "\x10\x13\x00\x04MQTT\x04\x1e\x00\x00\x00\x01a\x00\x01w\x00\x01x", "3.1.1", "MQTT-3.1.2-14"},
		{"password without flag of the user name", "\x10\x10\x00\x04MQTT\x04\x42\x00\x00\x00\x01a\x00\x01p", "3.1.1", "MQTT-3.1.2-22"},
		{"identifier that is not UTF-8", "\x10\x0e\x00\x04MQTT\x05\x02\x00\x00\x00\x00\x01\xff", "5.0", "MQTT-3.1.3-4"},
		{"bits in the first byte", "\x11\x0e\x00\x04MQTT\x05\x02\x00\x00\x00\x00\x01a", "5.0", "MQTT-2.1.3-1"},
		{"PINGREQ first", "\xc0\x00", "5.0", "MQTT-3.1.0-1"},
	} {
		r, err := RunClient(t.Context(), ClientOptions{Wait: 10 * time.Second, Command: func(_ context.Context, variables []string) error {
			conn, err := dialServer(variables)
			if err != nil {
				return err
			}
			defer conn.Close()
			if _, err := conn.Write([]byte(test.packet)); err != nil {
				return err
			}
			conn.Read(make([]byte, 1)) //nolint:errcheck // until the server closes
			return nil
		}})
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if len(r.Cases) != 1 || r.Cases[0].Verdict != Fail || r.Cases[0].Version != test.version || !slices.Contains(r.Cases[0].Rules, test.rule) {
			t.Errorf("%s: %+v, want one failure of %s in version %s", test.name, r.Cases, test.rule, test.version)
		}
		if len(r.Server.Facts) != 1 || !strings.Contains(r.Server.Facts[0].How, "first packet") {
			t.Errorf("%s: the report does not say why it has one case: %+v", test.name, r.Server.Facts)
		}
	}
}

// faultyClient is a client of MQTT 5 that resumes its session, subscribes, publishes and acknowledges, with at
// most one fault.
type faultyClient struct {
	fault  string
	conn   net.Conn
	flight []*proto.Publish // what was sent and not acknowledged
	next   uint16
}

// run connects until the server does not listen any more.
func (c *faultyClient) run(ctx context.Context, variables []string) error {
	for known := false; ctx.Err() == nil; known = true {
		conn, err := dialServer(variables)
		if err != nil {
			return nil // the case is over
		}
		stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) }) //nolint:errcheck // of a closed connection
		c.conn = conn
		c.serve(known)
		stop()
		conn.Close() //nolint:errcheck // nothing was promised
	}
	return nil
}

func (c *faultyClient) send(packet proto.Packet) {
	b, err := packet.Append(nil, proto.V5)
	if err != nil {
		panic(err)
	}
	c.conn.Write(b) //nolint:errcheck // the next read reports it
}

// serve is one connection.
func (c *faultyClient) serve(known bool) {
	r := proto.NewReader(bufio.NewReader(c.conn), 0)
	defer r.Close()
	hello := &proto.Connect{Version: proto.V5, ClientID: "faulty", KeepAlive: 0}
	hello.Props = hello.Props.AppendNum(proto.SessionExpiryInterval, 100)
	c.send(hello)
	var aliases uint32
	for {
		f, err := r.Next()
		var packet proto.Packet
		if err == nil {
			packet, err = proto.Decode(f, proto.V5)
		}
		if err != nil {
			if _, malformed := err.(*proto.Error); malformed {
				c.leave()
			}
			return
		}
		switch a := packet.(type) {
		case *proto.Connack:
			if a.Reason != 0 {
				return
			}
			aliases = a.Props.Num(proto.TopicAliasMaximum, 0)
			c.connected(a, known, aliases)
		case *proto.Publish:
			switch {
			case a.QoS == 1 && !(c.fault == "no PUBACK for DUP" && a.Dup):
				c.send(&proto.Ack{Kind: proto.PUBACK, PacketID: a.PacketID})
			case a.QoS == 2:
				c.send(&proto.Ack{Kind: proto.PUBREC, PacketID: a.PacketID})
			}
		case *proto.Ack:
			switch a.Kind {
			case proto.PUBREL:
				c.send(&proto.Ack{Kind: proto.PUBCOMP, PacketID: a.PacketID})
			case proto.PUBACK:
				c.flight = slices.DeleteFunc(c.flight, func(m *proto.Publish) bool { return m.PacketID == a.PacketID })
			}
		case *proto.Disconnect:
			return
		}
	}
}

// leave ends the connection because of a packet of the server.
func (c *faultyClient) leave() {
	c.send(&proto.Disconnect{Reason: proto.MalformedPacket})
	switch c.fault {
	case "sends after DISCONNECT":
		c.send(&proto.Ping{Kind: proto.PINGREQ})
	case "stays after DISCONNECT":
		io.Copy(io.Discard, c.conn) //nolint:errcheck // until the server closes
	}
}

// connected subscribes, sends again what the session has, and publishes two messages.
func (c *faultyClient) connected(a *proto.Connack, known bool, aliases uint32) {
	limited := func(id proto.PropID) bool { return a.Props.Num(id, 1) == 0 }
	s := &proto.Subscribe{PacketID: 100, Filters: []proto.Subscription{{Filter: "faulty/in", QoS: 2}}}
	switch {
	case c.fault == "wildcard" && limited(proto.WildcardSubscriptionAvailable):
		s.Filters[0].Filter = "faulty/#"
	case c.fault == "shared" && limited(proto.SharedSubscriptionAvailable):
		s.Filters[0].Filter = "$share/g/faulty/in"
	case c.fault == "subscription identifier" && limited(proto.SubscriptionIdentifierAvailable):
		s.Props = s.Props.AppendNum(proto.SubscriptionIdentifier, 5)
	}
	again := slices.Clone(c.flight)
	if c.fault == "reversed" {
		slices.Reverse(again)
	}
	if !a.SessionPresent {
		again, c.flight = nil, nil
	}
	for _, m := range again {
		m.Dup = true
		c.send(m)
	}
	c.send(s)
	for i := range 2 {
		c.next++
		m := &proto.Publish{Topic: []byte("faulty/out"), Payload: []byte("21.5"), QoS: 1, PacketID: c.next}
		c.flight = append(c.flight, m)
		sent := *m
		if aliases > 0 {
			sent.Props = sent.Props.AppendNum(proto.TopicAlias, 1)
			if i > 0 || c.fault == "alias of the connection before" && known {
				sent.Topic = nil
			}
		}
		c.send(&sent)
	}
}

// TestClientFaults checks that a client without a fault fails no case, and that one with a fault fails the case that
// shows it.
func TestClientFaults(t *testing.T) {
	for _, test := range []struct{ fault, name, rule string }{
		{"", "", ""},
		{"reversed", "resend-order", "MQTT-4.6.0-1"},
		{"no PUBACK for DUP", "qos-1-repeat", "MQTT-4.3.2-4"},
		{"alias of the connection before", "topic-alias-next-connection", "MQTT-3.3.2-7"},
		{"wildcard", "wildcard-unavailable", ""},
		{"shared", "shared-unavailable", ""},
		{"subscription identifier", "subscription-identifier-unavailable", ""},
		{"sends after DISCONNECT", "malformed-topic-null", "MQTT-3.14.4-1"},
		{"stays after DISCONNECT", "malformed-topic-null", "MQTT-3.14.4-2"},
	} {
		t.Run(test.fault, func(t *testing.T) {
			t.Parallel()
			opt := ClientOptions{Wait: time.Second, Parallel: 8}
			if test.name != "" {
				opt.Selectors = []string{test.name}
			} else {
				opt.Wait = 2 * time.Second
				for _, g := range [...][]Case{clientAvailableCases[:], clientResendCases[:]} {
					for i := range g {
						opt.Selectors = append(opt.Selectors, g[i].Name)
					}
				}
			}
			opt.Command = func(ctx context.Context, variables []string) error {
				c := &faultyClient{fault: test.fault}
				return c.run(ctx, variables)
			}
			r, err := RunClient(t.Context(), opt)
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range r.Cases {
				switch {
				case test.name == "" && k.Verdict != OK:
					t.Errorf("%s: %s: expected %s, got %s", k.ID, k.Verdict, k.Expected, k.Got)
				case test.name != "" && (k.Verdict != Fail || test.rule != "" && !slices.Contains(k.Rules, test.rule)):
					t.Errorf("%s: %s %v: %s, want a failure of %q", k.ID, k.Verdict, k.Rules, k.Got, test.rule)
				}
			}
		})
	}
}
