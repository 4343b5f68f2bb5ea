package conn

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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

// Exactly as many as Receive Maximum are outstanding; PUBACK, PUBCOMP and PUBREC of
// 0x80 or more free one each, and everything but PUBLISH goes on [MQTT-3.3.4-7],
// [MQTT-3.3.4-8], [MQTT-4.9.0-1], [MQTT-4.9.0-2], [MQTT-4.9.0-3], [MQTT-4.4.0-2].
func TestReceiveMaximum(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := script(t, proto.V5, func(p *peer) {
			p.greet(false, proto.ReceiveMaximum, 3)
			p.expect(msg(1, 1, "t", "a"), msg(2, 2, "t", "b"), msg(2, 3, "t", "c"))
			p.expect(msg(0, 0, "t", "QoS 0"), "c000")
			p.send("d000", msg(1, 9, "a", "x"))
			p.expect(ack(proto.PUBACK, 9))
			p.send(ack(proto.PUBACK, 1))
			p.expect(msg(2, 4, "t", "d"))
			p.send(ack(proto.PUBREC, 2, proto.QuotaExceeded))
			p.expect(msg(1, 5, "t", "e"))
			p.send(ack(proto.PUBREC, 3), ack(proto.PUBREC, 4, proto.NoMatchingSubscribers))
			p.expect(ack(proto.PUBREL, 3), ack(proto.PUBREL, 4))
			p.send(ack(proto.PUBCOMP, 3))
			p.expect(msg(1, 1, "t", "f"))
			p.send(ack(proto.PUBACK, 5, proto.NotAuthorized), ack(proto.PUBCOMP, 4), ack(proto.PUBACK, 1))
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

// The window is the smaller of our own wish and the server's; without a word of
// either it is 20, and below version 5 the server says nothing [MQTT-4.9.0-1].
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

// A session resumed at a smaller Receive Maximum: PUBRELs at once, PUBLISHes with DUP
// one at a time in the order of sending, no new message before them [MQTT-3.3.4-7],
// [MQTT-4.4.0-1], [MQTT-4.6.0-1], [MQTT-3.3.1-1], [MQTT-4.3.3-6].
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

// A server that acknowledges what was not sent again yet does no harm, and the
// message is not sent again.
func TestReceiveMaximumSmallerAndEarlyAnswers(t *testing.T) {
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

// A session that the server lost: all are new messages, without DUP, PUBREL is not
// sent; Renewed counts those at QoS 2 [MQTT-3.2.2-5], [MQTT-3.1.2-4]; 3.1.1
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

// What a CONNACK forbids is not sent, and the connection goes on [MQTT-3.2.2-11],
// [MQTT-3.2.2-14], [MQTT-3.2.2-15].
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

// Acknowledgements and DISCONNECT fit a small Maximum Packet Size: no reason string
// and no user properties are put into them that would not [MQTT-3.4.2-2],
// [MQTT-3.4.2-3], [MQTT-3.5.2-2], [MQTT-3.5.2-3], [MQTT-3.6.2-2], [MQTT-3.6.2-3],
// [MQTT-3.7.2-2], [MQTT-3.7.2-3], [MQTT-3.14.2-3], [MQTT-3.14.2-4].
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

// A message in flight that the next server does not take is not sent, and not lost
// either [MQTT-3.2.2-11], [MQTT-3.2.2-14], [MQTT-3.2.2-15].
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

// A Topic Alias goes out with its topic first and without it then, after a reconnect
// with it again; the ledger keeps the whole topic and no alias [MQTT-3.2.2-17],
// [MQTT-3.2.2-18], [MQTT-3.3.2-7], [MQTT-3.3.2-8], [MQTT-3.3.2-9], [MQTT-4.7.3-1].
func TestTopicAlias(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		aliased := func(qos byte, id uint16, topic string, alias int) *proto.Publish {
			return msg(qos, id, topic, "x", proto.ContentType, "c", proto.TopicAlias, alias)
		}
		cfg := held(t, proto.V5,
			func(p *peer) {
				p.greet(false, proto.TopicAliasMaximum, 2)
				p.expect(aliased(0, 0, "a/b", 1), aliased(0, 0, "", 1), aliased(1, 1, "", 1), aliased(1, 2, "c/d", 2))
				p.expect(aliased(0, 0, "e/f", 1), aliased(0, 0, "", 1))
			},
			func(p *peer) {
				p.greet(true, proto.TopicAliasMaximum, 2)
				p.expect(dup(msg(1, 1, "a/b", "x", proto.ContentType, "c")), dup(msg(1, 2, "c/d", "x", proto.ContentType, "c")))
				p.expect(aliased(0, 0, "a/b", 1), aliased(0, 0, "", 1))
				p.bye()
			},
			func(p *peer) {
				p.greet(true)
				p.expect(dup(msg(1, 1, "a/b", "x", proto.ContentType, "c")), dup(msg(1, 2, "c/d", "x", proto.ContentType, "c")))
				p.bye()
			})
		var s session.Session
		c := resumed(t, cfg, &s)
		publish(t, c, aliased(0, 0, "a/b", 1), 0)
		publish(t, c, aliased(0, 0, "a/b", 1), 0)
		publish(t, c, aliased(1, 0, "a/b", 1), 1)
		publish(t, c, aliased(1, 0, "c/d", 2), 2)
		publish(t, c, aliased(0, 0, "e/f", 1), 0)
		publish(t, c, aliased(0, 0, "e/f", 1), 0)
		limited(t, c.Publish(t.Context(), aliased(0, 0, "g", 3), 0), proto.TopicAliasMaximum)
		for _, p := range []*proto.Publish{aliased(0, 0, "g", 0), aliased(1, 0, "", 1), aliased(1, 0, "a/#", 1)} {
			var e *proto.Error
			if err := c.Publish(t.Context(), p, 0); !errors.As(err, &e) {
				t.Errorf("error %v", err)
			}
		}
		nextError(t, c)
		c = resumed(t, cfg, &s)
		publish(t, c, aliased(0, 0, "a/b", 1), 0)
		publish(t, c, aliased(0, 0, "a/b", 1), 0)
		closed(t, c)
		c = resumed(t, cfg, &s)
		limited(t, c.Publish(t.Context(), aliased(0, 0, "a/b", 1), 0), proto.TopicAliasMaximum)
		closed(t, c)
	})
}

// All aliases up to our own maximum are taken; the owner sees whole topics. They die
// with the connection [MQTT-3.3.2-10], [MQTT-3.3.2-7].
func TestTopicAliasOfServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := held(t, proto.V5,
			func(p *peer) {
				p.greet(false)
				p.send(msg(0, 0, "first", "x", proto.TopicAlias, 1), msg(0, 0, "tenth", "x", proto.TopicAlias, 10))
				p.send(msg(0, 0, "", "x", proto.TopicAlias, 1), msg(0, 0, "", "x", proto.TopicAlias, 10))
				p.send(msg(0, 0, "another", "x", proto.TopicAlias, 1), msg(0, 0, "", "x", proto.TopicAlias, 1))
			},
			func(p *peer) {
				p.greet(true)
				p.send(msg(0, 0, "", "x", proto.TopicAlias, 1))
				p.expect("e00182")
				p.end()
			})
		cfg.Connect.Props = cfg.Connect.Props.AppendNum(proto.TopicAliasMaximum, 10)
		var s session.Session
		c := resumed(t, cfg, &s)
		for _, topic := range []string{"first", "tenth", "first", "tenth", "another", "another"} {
			if m := nextMessage(t, c, "x"); string(m.Topic) != topic {
				t.Errorf("topic %q, want %q", m.Topic, topic)
			}
		}
		nextError(t, c)
		c = resumed(t, cfg, &s)
		var wrong *Violation
		if err := nextError(t, c); !errors.As(err, &wrong) {
			t.Errorf("error %v", err)
		}
	})
}

// Server Keep Alive takes the place of ours, 0 included; our own counts without it
// [MQTT-3.1.2-20], [MQTT-3.1.2-21], [MQTT-3.2.2-21]; 3.1.1 [MQTT-3.1.2-23].
func TestServerKeepAlive(t *testing.T) {
	for _, k := range []struct {
		v            proto.Version
		ours         uint16
		theirs, want int // seconds; theirs negative is none
	}{{proto.V5, 60, 2, 2}, {proto.V5, 60, 0, 0}, {proto.V5, 0, 30, 30}, {proto.V5, 60, -1, 60}, {proto.V5, 0, -1, 0},
		{proto.V311, 5, -1, 5}, {proto.V311, 0, -1, 0}, {proto.V31, 600, -1, 600}} {
		synctest.Test(t, func(t *testing.T) {
			cfg := script(t, k.v, func(p *peer) {
				if k.theirs < 0 {
					p.greet(false)
				} else {
					p.greet(false, proto.ServerKeepAlive, k.theirs)
				}
				begin := time.Now()
				if k.want > 0 {
					for range 3 {
						p.expect("c000")
						d := time.Since(begin)
						if most := time.Duration(k.want) * time.Second; d > most || d < most*8/10 {
							t.Errorf("%+v: PINGREQ after %v", k, d)
						}
						begin = time.Now()
						p.send("d000")
					}
				}
				p.bye()
				if k.want == 0 && time.Since(begin) != 24*time.Hour {
					t.Errorf("%+v: the end after %v", k, time.Since(begin))
				}
			})
			cfg.Connect.KeepAlive = k.ours
			c := start(t, cfg)
			if want := time.Duration(k.want) * time.Second; c.Server().KeepAlive != want {
				t.Errorf("keep alive %v, want %v", c.Server().KeepAlive, want)
			}
			limit := 24 * time.Hour
			if k.want > 0 {
				limit = time.Duration(k.want) * time.Second * 29 / 10
			}
			if ev, err := c.NextBy(t.Context(), time.Now().Add(limit)); err != nil || ev.Kind != Idle {
				t.Errorf("event %d, error %v", ev.Kind, err)
			}
			closed(t, c)
		})
	}
}

// An identifier that the server assigned is the session's from then on
// [MQTT-3.1.3-2], [MQTT-3.1.3-3]; 3.1.1 [MQTT-3.1.3-2], [MQTT-3.1.3-3].
func TestAssignedClientIdentifier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		check := func(p *peer, present bool, id string, ps ...any) {
			if hello := p.greet(present, ps...); hello.ClientID != id || hello.CleanStart == present {
				t.Errorf("identifier %q, want %q; clean start %v", hello.ClientID, id, hello.CleanStart)
			}
			p.bye()
		}
		cfg := held(t, proto.V5,
			func(p *peer) { check(p, false, "", proto.AssignedClientIdentifier, "given") },
			func(p *peer) { check(p, true, "given") },
			func(p *peer) { check(p, true, "given") })
		cfg.Connect.ClientID = ""
		var s session.Session
		for range 3 {
			c := resumed(t, cfg, &s)
			if c.ID() != "given" {
				t.Errorf("identifier %q", c.ID())
			}
			closed(t, c)
		}
	})
}

// Session present after a clean start is a violation [MQTT-3.2.2-4].
func TestSessionPresentAfterCleanStart(t *testing.T) {
	for _, v := range versions[1:] {
		synctest.Test(t, func(t *testing.T) {
			_, err := Dial(t.Context(), script(t, v, func(p *peer) {
				p.greet(true)
				if v == proto.V5 {
					p.expect("e00182")
				}
				p.end()
			}), new(session.Session))
			var wrong *Violation
			if !errors.As(err, &wrong) || Lost(err) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// Server tells what CONNACK said, and the defaults where it said nothing.
func TestServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, script(t, proto.V5, func(p *peer) { p.greet(false); p.bye() }))
		s := *c.Server()
		if s.ReceiveMaximum != 65535 || s.MaximumQoS != 2 || !s.RetainAvailable || s.MaximumPacketSize != 0 ||
			s.TopicAliasMaximum != 0 || s.KeepAlive != 0 || s.SessionPresent || s.AssignedID != "" || len(s.Props) != 0 || c.Version() != proto.V5 {
			t.Errorf("%+v", s)
		}
		closed(t, c)
		c = start(t, script(t, proto.V5, func(p *peer) { p.greet(false, proto.ServerReference, "elsewhere"); p.bye() }))
		if got := string(c.Server().Props.Value(proto.ServerReference)); got != "elsewhere" {
			t.Errorf("server reference %q", got)
		}
		closed(t, c)
	})
}
