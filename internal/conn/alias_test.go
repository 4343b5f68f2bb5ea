package conn

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"mqtt/internal/proto"
	"mqtt/internal/session"
)

// TestTopicAlias checks that the first packet with a Topic Alias carries the topic and later ones
// do not, also after a reconnect, and that the session stores the topic without an alias
// [MQTT-3.2.2-17], [MQTT-3.2.2-18], [MQTT-3.3.2-7], [MQTT-3.3.2-8], [MQTT-3.3.2-9], [MQTT-4.7.3-1].
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

// TestTopicAliasOfServer checks that all aliases up to our maximum are accepted, that the owner
// gets complete topics, and that aliases end with the connection [MQTT-3.3.2-10], [MQTT-3.3.2-7].
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

// TestServerKeepAlive checks that Server Keep Alive, also 0, replaces our keep alive
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
				limit = time.Duration(k.want) * time.Second * 3
			}
			if ev, err := c.NextBy(t.Context(), time.Now().Add(limit)); err != nil || ev.Kind != Idle {
				t.Errorf("event %d, error %v", ev.Kind, err)
			}
			closed(t, c)
		})
	}
}

// TestAssignedClientIdentifier checks that later connections of a session use the identifier that
// the server assigned [MQTT-3.1.3-2], [MQTT-3.1.3-3]; 3.1.1 [MQTT-3.1.3-2], [MQTT-3.1.3-3].
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

// TestSessionPresentAfterCleanStart checks that Session Present after a clean start is a violation
// [MQTT-3.2.2-4].
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

// TestServer checks the contents of CONNACK, and the defaults for absent properties.
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
