package conn

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"mqtt/internal/proto"
	"mqtt/internal/session"
)

// TestUnsent checks that queued QoS 0 messages which were not written, and one that was written in
// part, are sent once and in order on the next connection.
func TestUnsent(t *testing.T) {
	for _, v := range versions {
		messages := []any{msg(0, 0, "a", "1"), msg(0, 0, "b", "22"), msg(0, 0, "a", "333")}
		total := 0
		for _, m := range messages {
			total += len(wire(t, v, m))
		}
		for cutAt := 1; cutAt < total; cutAt++ {
			synctest.Test(t, func(t *testing.T) {
				whole := 0
				for size := len(wire(t, v, messages[0])); size <= cutAt; size += len(wire(t, v, messages[whole])) {
					whole++
				}
				cfg := script(t, v, func(p *peer) {
					p.greet(false)
					p.expect(messages[:whole]...)
					p.nc.Read(make([]byte, 100))
				}, func(p *peer) {
					p.greet(false)
					p.expect(messages[whole:]...)
					p.expect(msg(0, 0, "a", "new"))
					p.bye()
				})
				dial, first := cfg.Dial, true
				cfg.Dial = func(ctx context.Context, v proto.Version) (net.Conn, error) {
					nc, err := dial(ctx, v)
					if first {
						nc, first = &cut{Conn: nc, sent: len(wire(t, v, &cfg.Connect)) + cutAt, received: -1}, false
					}
					return nc, err
				}
				var s session.Session
				c := resumed(t, cfg, &s)
				for _, m := range messages {
					publish(t, c, m.(*proto.Publish), 0)
				}
				if err := c.flush(t.Context()); err == nil {
					t.Fatalf("cut at %d: no error", cutAt)
				}
				c = resumed(t, cfg, &s)
				publish(t, c, msg(0, 0, "a", "new"), 0)
				closed(t, c)
			})
		}
	}
}

// TestUnsentAlias checks that such messages have their topic instead of a Topic Alias.
func TestUnsentAlias(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := script(t, proto.V5, func(p *peer) {
			p.greet(false, proto.TopicAliasMaximum, 1)
			p.end()
		}, func(p *peer) {
			p.greet(false)
			p.expect(msg(0, 0, "long/topic", "1", proto.ContentType, "x"), msg(0, 0, "long/topic", "2"))
			p.bye()
		})
		var s session.Session
		c := resumed(t, cfg, &s)
		publish(t, c, msg(0, 0, "long/topic", "1", proto.TopicAlias, 1, proto.ContentType, "x"), 0)
		publish(t, c, msg(0, 0, "long/topic", "2", proto.TopicAlias, 1), 0)
		c.Abort()
		closed(t, resumed(t, cfg, &s))
	})
}

// TestUnsentTwice checks that a message within which two streams failed is dropped, and that those
// after it are sent.
func TestUnsentTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangUp := func(p *peer) {
			p.greet(false)
			p.nc.Read(make([]byte, 5))
		}
		cfg := script(t, proto.V5, hangUp, hangUp, func(p *peer) {
			p.greet(false)
			p.expect(msg(0, 0, "t", "behind"))
			p.bye()
		})
		var s session.Session
		c := resumed(t, cfg, &s)
		publish(t, c, msg(0, 0, "t", strings.Repeat("x", 200)), 0)
		publish(t, c, msg(0, 0, "t", "behind"), 0)
		for range 2 {
			if err := c.flush(t.Context()); err == nil {
				t.Fatal("a stream that ended took all of it")
			}
			c = resumed(t, cfg, &s)
		}
		closed(t, c)
		if s.Lost != 1 {
			t.Errorf("%d lost", s.Lost)
		}
	})
}

// TestUnsentReassignedAlias checks that queued messages keep their topic when the alias is set to
// another one.
func TestUnsentReassignedAlias(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := script(t, proto.V5, func(p *peer) {
			p.greet(false, proto.TopicAliasMaximum, 1)
			p.expect(msg(0, 0, "a", "1", proto.TopicAlias, 1), msg(0, 0, "", "2", proto.TopicAlias, 1))
			p.end()
		}, func(p *peer) {
			p.greet(false)
			p.expect(msg(0, 0, "b", "3"), msg(0, 0, "b", "4"))
			p.bye()
		})
		cfg.Trace = func(bool, proto.Frame, proto.Version) {}
		var s session.Session
		c := resumed(t, cfg, &s)
		for i, topic := range []string{"a", "a", "b", "b"} {
			publish(t, c, msg(0, 0, topic, string(rune('1'+i)), proto.TopicAlias, 1), 0)
		}
		c.Abort()
		closed(t, resumed(t, cfg, &s))
	})
}

// TestUnsentAliasWriteFails checks that a message is not queued if the write fails that setting its
// alias requires.
func TestUnsentAliasWriteFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, script(t, proto.V5, func(p *peer) { p.greet(false, proto.TopicAliasMaximum, 1) }))
		publish(t, c, msg(0, 0, "a", "1", proto.TopicAlias, 1), 0)
		synctest.Wait()
		if err := c.Publish(t.Context(), msg(0, 0, "b", "2", proto.TopicAlias, 1), 0); err == nil || !Lost(err) {
			t.Errorf("error %v", err)
		}
		if n := len(c.sess.Unsent); n != len(wire(t, proto.V5, msg(0, 0, "a", "1"))) {
			t.Errorf("%d bytes are kept", n)
		}
	})
}

// TestUnsentLimit checks that a message which exceeds a limit of the next server is not sent, and
// stays in the session.
func TestUnsentLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := script(t, proto.V5, func(p *peer) {
			p.greet(false)
			p.end()
		}, func(p *peer) {
			p.greet(false, proto.MaximumPacketSize, 100)
			p.bye()
		}, func(p *peer) {
			p.greet(false)
			p.expect(msg(0, 0, "t", strings.Repeat("x", 200)))
			p.bye()
		})
		var s session.Session
		c := resumed(t, cfg, &s)
		publish(t, c, msg(0, 0, "t", strings.Repeat("x", 200)), 0)
		c.Abort()
		var limit *Limit
		if _, err := Dial(t.Context(), cfg, &s); !errors.As(err, &limit) {
			t.Fatalf("error %v", err)
		}
		closed(t, resumed(t, cfg, &s))
	})
}
