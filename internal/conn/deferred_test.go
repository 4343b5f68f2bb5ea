package conn

import (
	"testing"
	"testing/synctest"
	"time"

	"mqtt/internal/proto"
	"mqtt/internal/session"
)

// TestDefer checks that deferred acknowledgements are sent in the order of receipt, whatever the
// order in which the owner acknowledges [MQTT-4.6.0-2], [MQTT-4.6.0-3]; 3.1.1 [MQTT-4.6.0-2],
// [MQTT-4.6.0-3].
func TestDefer(t *testing.T) {
	for _, v := range versions {
		synctest.Test(t, func(t *testing.T) {
			c := start(t, script(t, v, func(p *peer) {
				p.greet(false)
				p.send(msg(1, 1, "a", "1"), msg(2, 2, "a", "2"), msg(1, 3, "a", "3"), msg(0, 0, "a", "4"), msg(1, 5, "a", "5"))
				p.expect("c000") // nothing before it
				p.send("d000")
				p.expect(ack(proto.PUBACK, 1))
				p.expect(ack(proto.PUBREC, 2), ack(proto.PUBACK, 3), ack(proto.PUBACK, 5))
				p.bye()
			}))
			nextMessage(t, c, "1")
			one := c.Defer()
			if again := c.Defer(); again != (Deferred{}) {
				t.Error("an acknowledgement was deferred twice")
			}
			nextMessage(t, c, "2")
			two := c.Defer()
			nextMessage(t, c, "3") // is acknowledged by the next Next, and in its turn
			nextMessage(t, c, "4")
			none := c.Defer()
			nextMessage(t, c, "5")
			five := c.Defer()
			c.Acknowledge(five)
			c.Acknowledge(none)
			send(t, c, &proto.Ping{Kind: proto.PINGREQ})
			next(t, c, Pong)
			c.Acknowledge(one)
			look(t, c)
			c.Acknowledge(one)
			c.Acknowledge(two)
			c.Acknowledge(five)
			closed(t, c)
			c.Acknowledge(two)
		})
	}
}

// TestDeferAndClose checks that Close and Discard do not send deferred acknowledgements, nor those
// after them.
func TestDeferAndClose(t *testing.T) {
	for _, withhold := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			c := start(t, script(t, proto.V5, func(p *peer) {
				p.greet(false)
				p.send(msg(1, 1, "a", "1"), msg(2, 2, "a", "2"), msg(1, 3, "a", "3"))
				if !withhold {
					p.expect(ack(proto.PUBACK, 1))
				}
				p.bye()
			}))
			nextMessage(t, c, "1")
			one := c.Defer()
			nextMessage(t, c, "2")
			two := c.Defer()
			nextMessage(t, c, "3")
			c.Acknowledge(one)
			if withhold {
				c.Discard()
				c.Acknowledge(two)
			}
			closed(t, c)
			c.Acknowledge(two)
		})
	}
}

// TestDeferRefused checks that Refuse applies to a deferred acknowledgement, and that the
// identifier is free when that is sent [MQTT-4.3.3-9].
func TestDeferRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, script(t, proto.V5, func(p *peer) {
			p.greet(false)
			p.send(msg(2, 1, "a", "1"))
			p.expect(ack(proto.PUBREC, 1, proto.QuotaExceeded))
			p.send(msg(2, 1, "a", "2"))
			p.expect(ack(proto.PUBREC, 1))
			p.bye()
		}))
		nextMessage(t, c, "1")
		c.Refuse(proto.QuotaExceeded)
		c.Acknowledge(c.Defer())
		nextMessage(t, c, "2")
		closed(t, c)
	})
}

// TestDeferRepeat checks that a redelivered QoS 2 message whose acknowledgement is deferred is
// neither delivered nor acknowledged a second time [MQTT-4.3.3-10].
func TestDeferRepeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, script(t, proto.V311, func(p *peer) {
			p.greet(false)
			p.send(msg(2, 1, "a", "1"), dup(msg(2, 1, "a", "1")), msg(0, 0, "a", "then"))
			p.expect("c000", ack(proto.PUBREC, 1))
			p.send(dup(msg(2, 1, "a", "1")))
			p.expect(ack(proto.PUBREC, 1))
			p.bye()
		}))
		nextMessage(t, c, "1")
		d := c.Defer()
		nextMessage(t, c, "then")
		send(t, c, &proto.Ping{Kind: proto.PINGREQ})
		c.Acknowledge(d)
		look(t, c)
		look(t, c)
		closed(t, c)
	})
}

// TestDeferAndResume resumes a session. Messages that were deferred and not acknowledged are new,
// also at QoS 2. Messages whose PUBREC only waited for earlier ones are acknowledged in order and
// not delivered. A Deferred of the previous connection has no effect.
func TestDeferAndResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s session.Session
		cfg := script(t, proto.V5, func(p *peer) {
			p.greet(false)
			p.send(msg(2, 1, "a", "1"), msg(2, 2, "a", "2"), msg(1, 3, "a", "3"), msg(0, 0, "a", "lost"))
			p.end()
		}, func(p *peer) {
			p.greet(true)
			p.send(dup(msg(2, 1, "a", "1")), dup(msg(2, 2, "a", "2")), dup(msg(1, 3, "a", "3")))
			p.expect("c000", ack(proto.PUBREC, 1), ack(proto.PUBREC, 2), ack(proto.PUBACK, 3))
			p.send(ack(proto.PUBREL, 1), ack(proto.PUBREL, 2))
			p.expect(ack(proto.PUBCOMP, 1), ack(proto.PUBCOMP, 2))
			p.bye()
		})
		cfg.Connect.Props = props(proto.SessionExpiryInterval, 60)
		c := resumed(t, cfg, &s)
		nextMessage(t, c, "1")
		old := c.Defer()
		nextMessage(t, c, "2")
		c.Acknowledge(c.Defer())
		nextMessage(t, c, "3")
		three := c.Defer()
		nextMessage(t, c, "lost")
		c.Abort()
		c.Acknowledge(old)

		c = resumed(t, cfg, &s)
		nextMessage(t, c, "1")
		one := c.Defer()
		nextMessage(t, c, "3")
		again := c.Defer()
		c.Acknowledge(old)
		c.Acknowledge(three)
		c.Acknowledge(again)
		send(t, c, &proto.Ping{Kind: proto.PINGREQ})
		c.Acknowledge(one)
		closed(t, c)
	})
}

// TestCloseFinishesQoS2 checks that Close completes QoS 2 exchanges if the session survives, and
// does not acknowledge messages that arrive meanwhile.
func TestCloseFinishesQoS2(t *testing.T) {
	for _, v := range versions {
		synctest.Test(t, func(t *testing.T) {
			cfg := script(t, v, func(p *peer) {
				p.greet(false)
				p.send(msg(2, 1, "a", "1"), msg(2, 2, "a", "2"), msg(2, 3, "a", "3"))
				p.expect(ack(proto.PUBREC, 1), ack(proto.PUBREC, 2))
				p.send(msg(1, 4, "a", "4"), msg(2, 5, "a", "5"), ack(proto.PUBREL, 1))
				<-time.After(closeTimeout / 2)
				p.send(ack(proto.PUBREL, 2))
				p.expect(ack(proto.PUBCOMP, 1), ack(proto.PUBCOMP, 2))
				p.bye()
			})
			lasting(cfg)
			c := start(t, cfg)
			nextMessage(t, c, "1")
			nextMessage(t, c, "2")
			nextMessage(t, c, "3")
			c.Defer() // and never acknowledged
			began := time.Now()
			closed(t, c)
			if took := time.Since(began); took >= closeTimeout {
				t.Errorf("it took %v although every PUBREL had come", took)
			}
		})
	}
}

// lasting makes the session outlive its connections.
func lasting(cfg *Config) {
	cfg.Connect.CleanStart = false
	if cfg.Connect.Version >= proto.V5 {
		cfg.Connect.Props = props(proto.SessionExpiryInterval, 60)
	}
}

// TestCloseDoesNotWait checks that Close does not wait for PUBREL if the session ends by CONNECT,
// CONNACK or DISCONNECT, nor after Discard, and never longer than closeTimeout.
func TestCloseDoesNotWait(t *testing.T) {
	over := &proto.Disconnect{Props: props(proto.SessionExpiryInterval, 0)}
	for _, c := range []struct {
		name     string
		v        proto.Version
		lasts    bool
		connack  []any
		bye      *proto.Disconnect
		withhold bool
		waits    time.Duration
	}{
		{name: "a clean session", v: proto.V311},
		{name: "no expiry", v: proto.V5},
		{name: "the server's word", v: proto.V5, lasts: true, connack: []any{proto.SessionExpiryInterval, 0}},
		{name: "ended by DISCONNECT", v: proto.V5, lasts: true, bye: over},
		{name: "withheld", v: proto.V5, lasts: true, withhold: true},
		{name: "no PUBREL", v: proto.V5, lasts: true, waits: closeTimeout},
		{name: "no PUBREL at 3.1.1", v: proto.V311, lasts: true, waits: closeTimeout},
	} {
		synctest.Test(t, func(t *testing.T) {
			cfg := script(t, c.v, func(p *peer) {
				p.greet(false, c.connack...)
				p.send(msg(2, 1, "a", "1"), msg(2, 2, "a", "2"))
				if !c.withhold {
					p.expect(ack(proto.PUBREC, 1), ack(proto.PUBREC, 2))
				}
				if c.bye != nil {
					p.expect(c.bye)
					p.end()
					return
				}
				p.bye()
			})
			if c.lasts {
				lasting(cfg)
			}
			var s session.Session
			conn := resumed(t, cfg, &s)
			nextMessage(t, conn, "1")
			nextMessage(t, conn, "2")
			if c.withhold {
				conn.Discard()
			}
			began := time.Now()
			if err := conn.Close(t.Context(), c.bye); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			if took := time.Since(began); took != c.waits {
				t.Errorf("%s: Close took %v, want %v", c.name, took, c.waits)
			}
			if n := s.Receiver.Len(); c.withhold && n != 0 {
				t.Errorf("%s: %d messages are taken for received", c.name, n)
			}
		})
	}
}
