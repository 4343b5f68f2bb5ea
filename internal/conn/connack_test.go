package conn

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"mqtt/internal/proto"
	"mqtt/internal/session"
)

// limited expects a *Limit of that property.
func limited(t *testing.T, err error, id proto.PropID) {
	t.Helper()
	var l *Limit
	if !errors.As(err, &l) || l.Property != id || Lost(err) {
		t.Errorf("error %v, want a limit of %v", err, id)
	}
}

// TestReceiveMaximum checks that exactly Receive Maximum messages are outstanding, that PUBACK,
// PUBCOMP and PUBREC with an error each free one, and that all packets except PUBLISH are still
// sent [MQTT-3.3.4-7], [MQTT-3.3.4-8], [MQTT-4.9.0-1], [MQTT-4.9.0-2], [MQTT-4.9.0-3],
// [MQTT-4.4.0-2].
func TestReceiveMaximum(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := script(t, proto.V5, func(p *peer) {
			p.greet(false, proto.ReceiveMaximum, 3)
			p.expect(msg(1, 1, "t", "a"), msg(2, 2, "t", "b"), msg(2, 3, "t", "c"))
			p.expect(msg(0, 0, "t", "QoS 0"), "c000")
			p.send("d000", msg(1, 9, "a", "x"))
			p.expect(ack(proto.PUBACK, 9))
			p.send(ack(proto.PUBACK, 1))
			p.expect(msg(2, 1, "t", "d"))
			p.send(ack(proto.PUBREC, 2, proto.QuotaExceeded))
			p.expect(msg(1, 2, "t", "e"))
			p.send(ack(proto.PUBREC, 3), ack(proto.PUBREC, 1, proto.NoMatchingSubscribers))
			p.expect(ack(proto.PUBREL, 3), ack(proto.PUBREL, 1))
			p.send(ack(proto.PUBCOMP, 3))
			p.expect(msg(1, 3, "t", "f"))
			p.send(ack(proto.PUBACK, 2, proto.NotAuthorized), ack(proto.PUBCOMP, 1), ack(proto.PUBACK, 3))
			p.bye()
		})
		cfg.Window = 1000
		c := start(t, cfg)
		full := func() {
			t.Helper()
			if err := c.Publish(t.Context(), msg(1, 0, "t", "over"), 0); c.Free() != 0 || err != ErrWindow {
				t.Errorf("%d free, error %v", c.Free(), err)
			}
		}
		publish(t, c, msg(1, 0, "t", "a"), 'a')
		publish(t, c, msg(2, 0, "t", "b"), 'b')
		publish(t, c, msg(2, 0, "t", "c"), 'c')
		full()
		publish(t, c, msg(0, 0, "t", "QoS 0"), 0)
		send(t, c, &proto.Ping{Kind: proto.PINGREQ})
		next(t, c, Pong)
		nextMessage(t, c, "x")
		nextDelivered(t, c, 'a', proto.Success)
		publish(t, c, msg(2, 0, "t", "d"), 'd')
		full()
		nextDelivered(t, c, 'b', proto.QuotaExceeded)
		publish(t, c, msg(1, 0, "t", "e"), 'e')
		full()
		nextDelivered(t, c, 'c', proto.Success)
		publish(t, c, msg(1, 0, "t", "f"), 'f')
		full()
		nextDelivered(t, c, 'e', proto.NotAuthorized)
		nextDelivered(t, c, 'd', proto.Success)
		nextDelivered(t, c, 'f', proto.Success)
		if c.Free() != 3 || c.Pending() != 0 {
			t.Errorf("%d free, %d pending", c.Free(), c.Pending())
		}
		closed(t, c)
	})
}

// TestWindow checks that the window is the smaller of Config.Window and the server's Receive
// Maximum, and DefaultWindow without both [MQTT-4.9.0-1].
func TestWindow(t *testing.T) {
	for _, k := range []struct{ ours, theirs, want int }{{0, 65535, 20}, {0, 7, 7}, {5, 7, 5}, {65535, 0, 65535}, {70000, 0, 65535}, {100, 65535, 100}} {
		synctest.Test(t, func(t *testing.T) {
			cfg := script(t, proto.V5, func(p *peer) {
				if k.theirs == 0 {
					p.greet(false)
				} else {
					p.greet(false, proto.ReceiveMaximum, k.theirs)
				}
				p.bye()
			})
			cfg.Window = k.ours
			c := start(t, cfg)
			if c.Free() != k.want {
				t.Errorf("%+v: %d free", k, c.Free())
			}
			closed(t, c)
		})
	}
}

// inFlight returns a session with four messages in flight: a at QoS 1, b at QoS 2,
// c at QoS 2 released, d at QoS 1; their tags are their letters.
func inFlight(t *testing.T, v proto.Version) *session.Session {
	t.Helper()
	var s session.Session
	cfg := script(t, v, func(p *peer) {
		p.greet(false)
		p.expect(msg(1, 1, "t", "a"), msg(2, 2, "t", "b"), msg(2, 3, "t", "c"), msg(1, 4, "t", "d"))
		p.send(ack(proto.PUBREC, 3))
		p.expect(ack(proto.PUBREL, 3))
	})
	c := resumed(t, cfg, &s)
	for i, p := range []*proto.Publish{msg(1, 0, "t", "a"), msg(2, 0, "t", "b"), msg(2, 0, "t", "c"), msg(1, 0, "t", "d")} {
		publish(t, c, p, uint64('a'+i))
	}
	if err := nextError(t, c); !Lost(err) {
		t.Fatal(err)
	}
	return &s
}

// held is script with a session to resume.
func held(t *testing.T, v proto.Version, scripts ...func(*peer)) *Config {
	cfg := script(t, v, scripts...)
	cfg.Connect.CleanStart = v == proto.V5
	if v == proto.V5 {
		cfg.Connect.Props = props(proto.SessionExpiryInterval, 100)
	}
	return cfg
}

// TestReceiveMaximumSmaller resumes a session with a smaller Receive Maximum: PUBRELs are sent at
// once, PUBLISHes with DUP one at a time in the order of sending, and no new message before them
// [MQTT-3.3.4-7], [MQTT-4.4.0-1], [MQTT-4.6.0-1], [MQTT-3.3.1-1], [MQTT-4.3.3-6].
func TestReceiveMaximumSmaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := inFlight(t, proto.V5)
		c := resumed(t, held(t, proto.V5, func(p *peer) {
			if hello := p.greet(true, proto.ReceiveMaximum, 1); hello.CleanStart {
				t.Error("a clean start")
			}
			p.expect(ack(proto.PUBREL, 3))
			p.send(ack(proto.PUBCOMP, 3, proto.PacketIdentifierNotFound))
			p.expect(dup(msg(1, 1, "t", "a")))
			p.send(ack(proto.PUBACK, 1))
			p.expect(dup(msg(2, 2, "t", "b")))
			p.send(ack(proto.PUBREC, 2))
			p.expect(ack(proto.PUBREL, 2))
			p.send(ack(proto.PUBCOMP, 2))
			p.expect(dup(msg(1, 4, "t", "d")))
			p.send(ack(proto.PUBACK, 4))
			p.expect(msg(1, 3, "t", "new"))
			p.send(ack(proto.PUBACK, 3))
			p.bye()
		}), s)
		for _, tag := range "cabd" {
			if c.Free() != 0 || c.Renewed() != 0 {
				t.Errorf("%d free, %d renewed", c.Free(), c.Renewed())
			}
			nextDelivered(t, c, uint64(tag), proto.Success) // 0x92 in PUBCOMP: the server has had it for long
		}
		publish(t, c, msg(1, 0, "t", "new"), 0)
		nextDelivered(t, c, 0, proto.Success)
		closed(t, c)
	})
}

// TestReceiveMaximumSmallerAndEarlyAcks checks that a message is not sent again if the server
// acknowledges it before.
func TestReceiveMaximumSmallerAndEarlyAcks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := inFlight(t, proto.V5)
		c := resumed(t, held(t, proto.V5, func(p *peer) {
			p.greet(true, proto.ReceiveMaximum, 2)
			p.expect(ack(proto.PUBREL, 3), dup(msg(1, 1, "t", "a")))
			p.send(ack(proto.PUBACK, 4), ack(proto.PUBREC, 2))
			p.expect(ack(proto.PUBREL, 2))
			p.send(ack(proto.PUBCOMP, 2), ack(proto.PUBACK, 1), ack(proto.PUBCOMP, 3))
			p.bye()
		}), s)
		for _, tag := range "dbac" {
			nextDelivered(t, c, uint64(tag), proto.Success)
		}
		look(t, c)
		closed(t, c)
	})
}

// TestSessionLost checks that all messages are new if the server has lost the session: they have no
// DUP, PUBREL is not sent, and Renewed counts those at QoS 2 [MQTT-3.2.2-5], [MQTT-3.1.2-4]; 3.1.1
// [MQTT-3.1.2-6].
func TestSessionLost(t *testing.T) {
	for _, v := range versions[1:] {
		synctest.Test(t, func(t *testing.T) {
			s := inFlight(t, v)
			s.Receiver.Accept(9)
			c := resumed(t, held(t, v, func(p *peer) {
				p.greet(false)
				p.expect(msg(1, 1, "t", "a"), msg(2, 2, "t", "b"), msg(2, 3, "t", "c"), msg(1, 4, "t", "d"))
				p.send(msg(2, 9, "t", "is new"))
				p.expect(ack(proto.PUBREC, 9))
			}), s)
			if c.Renewed() != 2 {
				t.Errorf("%d renewed", c.Renewed())
			}
			nextMessage(t, c, "is new")
			nextError(t, c)
			// And found again: with DUP, for this server may have had them.
			c = resumed(t, held(t, v, func(p *peer) {
				p.greet(true)
				p.expect(dup(msg(1, 1, "t", "a")), dup(msg(2, 2, "t", "b")), dup(msg(2, 3, "t", "c")), dup(msg(1, 4, "t", "d")))
				p.bye()
			}), s)
			if c.Renewed() != 0 || c.Pending() != 4 {
				t.Errorf("%d renewed, %d pending", c.Renewed(), c.Pending())
			}
			look(t, c)
			closed(t, c)
		})
	}
}

// TestServerLimits checks that packets which the CONNACK forbids are not sent, and that the
// connection goes on [MQTT-3.2.2-11], [MQTT-3.2.2-14], [MQTT-3.2.2-15].
func TestServerLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fits := strings.Repeat("x", 30-2-3-1)
		c := start(t, script(t, proto.V5, func(p *peer) {
			p.greet(false, proto.MaximumQoS, 1, proto.RetainAvailable, 0, proto.MaximumPacketSize, 30)
			p.expect(msg(0, 0, "t", fits), msg(1, 1, "t", "x"))
			p.expect(&proto.Subscribe{PacketID: 2, Filters: []proto.Subscription{{Filter: "a/#"}}})
			p.bye()
		}))
		limited(t, c.Publish(t.Context(), msg(2, 0, "t", "x"), 0), proto.MaximumQoS)
		retained := msg(0, 0, "t", "x")
		retained.Retain = true
		limited(t, c.Publish(t.Context(), retained, 0), proto.RetainAvailable)
		limited(t, c.Publish(t.Context(), msg(0, 0, "t", fits+"x"), 0), proto.MaximumPacketSize)
		limited(t, c.Publish(t.Context(), msg(1, 0, "t", fits), 0), proto.MaximumPacketSize)
		publish(t, c, msg(0, 0, "t", fits), 0)
		publish(t, c, msg(1, 0, "t", "x"), 0)
		limited(t, c.Send(t.Context(), &proto.Subscribe{Filters: []proto.Subscription{{Filter: strings.Repeat("x", 30)}}}), proto.MaximumPacketSize)
		limited(t, c.Send(t.Context(), &proto.Unsubscribe{Filters: []string{strings.Repeat("x", 30)}}), proto.MaximumPacketSize)
		if err := c.Publish(t.Context(), msg(0, 0, "a/+", "x"), 0); err == nil || Lost(err) {
			t.Errorf("error %v", err)
		}
		send(t, c, &proto.Subscribe{Filters: []proto.Subscription{{Filter: "a/#"}}})
		closed(t, c)
	})
}

// TestSubscribeLimits checks that a SUBSCRIBE for what the CONNACK says is not available is not sent,
// and that the connection goes on.
func TestSubscribeLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, script(t, proto.V5, func(p *peer) {
			p.greet(false, proto.WildcardSubscriptionAvailable, 0, proto.SharedSubscriptionAvailable, 0, proto.SubscriptionIdentifierAvailable, 0)
			p.expect(&proto.Subscribe{PacketID: 1, Filters: []proto.Subscription{{Filter: "a/b"}}})
			p.bye()
		}))
		ask := func(filter string, ps proto.Props) error {
			return c.Send(t.Context(), &proto.Subscribe{Props: ps, Filters: []proto.Subscription{{Filter: "a"}, {Filter: filter}}})
		}
		limited(t, ask("a/#", nil), proto.WildcardSubscriptionAvailable)
		limited(t, ask("+", nil), proto.WildcardSubscriptionAvailable)
		limited(t, ask("$share/g/a", nil), proto.SharedSubscriptionAvailable)
		limited(t, ask("a", proto.Props(nil).AppendNum(proto.SubscriptionIdentifier, 1)), proto.SubscriptionIdentifierAvailable)
		send(t, c, &proto.Subscribe{Filters: []proto.Subscription{{Filter: "a/b"}}})
		closed(t, c)
	})
}

// TestServerLimitsSmallest checks that acknowledgements and DISCONNECT fit a small Maximum Packet
// Size: reason strings and user properties that do not fit are left out [MQTT-3.4.2-2],
// [MQTT-3.4.2-3], [MQTT-3.5.2-2], [MQTT-3.5.2-3], [MQTT-3.6.2-2], [MQTT-3.6.2-3], [MQTT-3.7.2-2],
// [MQTT-3.7.2-3], [MQTT-3.14.2-3], [MQTT-3.14.2-4].
func TestServerLimitsSmallest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, script(t, proto.V5, func(p *peer) {
			p.greet(false, proto.MaximumPacketSize, 10)
			p.send(msg(1, 1, "a", "x"), msg(2, 2, "a", "x"), ack(proto.PUBREL, 2), ack(proto.PUBREL, 7), ack(proto.PUBREC, 8))
			p.expect("40020001", "50020002", "70020002", "7003000792", "6203000892")
			p.expect("e00104")
			p.end()
		}))
		next(t, c, Message)
		next(t, c, Message)
		look(t, c)
		goodbye := &proto.Disconnect{Reason: proto.DisconnectWithWill, Props: props(proto.UserProperty, [2]string{"much", "too long"})}
		if err := c.Close(t.Context(), goodbye); err != nil || len(goodbye.Props) == 0 {
			t.Errorf("error %v", err)
		}
	})
}

// TestServerLimitsResumed checks that a message in flight which the next server does not accept is
// not sent, and not lost [MQTT-3.2.2-11], [MQTT-3.2.2-14], [MQTT-3.2.2-15].
func TestServerLimitsResumed(t *testing.T) {
	for id, ps := range map[proto.PropID][]any{
		proto.MaximumQoS:        {proto.MaximumQoS, 1},
		proto.MaximumPacketSize: {proto.MaximumPacketSize, 7},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := inFlight(t, proto.V5)
			_, err := Dial(t.Context(), held(t, proto.V5, func(p *peer) {
				p.greet(true, ps...)
				p.bye()
			}), s)
			limited(t, err, id)
			if s.Sender.Pending() != 4 {
				t.Errorf("%d in flight", s.Sender.Pending())
			}
		})
	}
}
