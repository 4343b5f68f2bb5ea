package conn

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"mqtt/internal/proto"
	"mqtt/internal/session"
)

// confirming makes the acknowledgements of cfg's connections wait for Confirm.
func confirming(cfg *Config) *Config {
	cfg.Confirm = true
	return cfg
}

// TestLaw9KeepAlive checks that an owner that is busy for long still sends PINGREQ, reads nothing
// meanwhile, and does not take the answers that it has not read for missing ones.
func TestLaw9KeepAlive(t *testing.T) {
	for _, v := range versions {
		synctest.Test(t, func(t *testing.T) {
			const alive = 10 * time.Second
			cfg := script(t, v, func(p *peer) {
				p.greet(false)
				p.send(msg(0, 0, "a", "1"))
				sent := make(chan bool)
				go func() { // blocks until the owner reads again
					p.send(msg(0, 0, "a", "2"), &proto.Ping{Kind: proto.PINGRESP})
					close(sent)
				}()
				for range 10 {
					began := time.Now()
					p.expect(&proto.Ping{Kind: proto.PINGREQ})
					if gap := time.Since(began); gap > alive {
						t.Errorf("no PINGREQ for %v", gap)
					}
				}
				select {
				case <-sent:
					t.Error("the owner has read while it was busy")
				default:
				}
				<-sent
				for range 9 {
					p.send(&proto.Ping{Kind: proto.PINGRESP})
				}
				p.send(msg(0, 0, "a", "3"))
				p.bye()
			})
			cfg.Connect.KeepAlive = uint16(alive / time.Second)
			c := start(t, cfg)
			nextMessage(t, c, "1")
			done := make(chan struct{})
			time.AfterFunc(95*time.Second, func() { close(done) })
			if err := c.Await(t.Context(), done); err != nil {
				t.Fatal(err)
			}
			nextMessage(t, c, "2")
			nextMessage(t, c, "3")
			if len(c.clock.pings) > 1 {
				t.Errorf("%d elements for the PINGREQs", len(c.clock.pings))
			}
			closed(t, c)
		})
	}
}

// TestLaw9Ends checks that the end of ctx ends the wait, that the end of the connection does not, and
// that a server that is gone is noticed afterwards.
func TestLaw9Ends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := script(t, proto.V5, func(p *peer) {
			p.greet(false)
			p.expect(&proto.Ping{Kind: proto.PINGREQ})
			<-time.After(5 * time.Second) // and closes
		}, func(p *peer) {
			p.greet(false)
			p.expect(&proto.Ping{Kind: proto.PINGREQ}, &proto.Ping{Kind: proto.PINGREQ})
			p.end() // silent for good
		})
		cfg.Connect.KeepAlive = 10
		c := start(t, cfg)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		if err := c.Await(ctx, make(chan struct{})); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		cancel()
		done := make(chan struct{})
		time.AfterFunc(time.Minute, func() { close(done) })
		if err := c.Await(t.Context(), done); err != nil {
			t.Errorf("%v", err)
		}
		nextError(t, c)

		c = start(t, cfg)
		done = make(chan struct{})
		time.AfterFunc(15*time.Second, func() { close(done) })
		if err := c.Await(t.Context(), done); err != nil {
			t.Errorf("%v", err)
		}
		if err := nextError(t, c); !errors.Is(err, ErrTimeout) {
			t.Errorf("%v", err)
		}
	})
}

// What ends a connection behind two messages in the same segment.
func endings() map[string]any {
	return map[string]any{
		"topic is no UTF-8":   "300600 02 fffe 00 78",
		"malformed header":    "3fff ffff ff01",
		"server's SUBSCRIBE":  "820600010001 6100",
		"unknown SUBACK":      &proto.Suback{Kind: proto.SUBACK, PacketID: 99, Reasons: []proto.Reason{0}},
		"PUBREC for nothing":  "5000",
		"reserved type":       "0000",
		"CONNACK again":       &proto.Connack{},
		"alias without limit": msg(0, 0, "a", "x", proto.TopicAlias, 7),
	}
}

// TestLaw10Confirmed checks that messages before a packet that breaks the protocol are acknowledged
// if the owner confirms them, and not otherwise.
func TestLaw10Confirmed(t *testing.T) {
	for name, bad := range endings() {
		for _, safe := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				cfg := confirming(script(t, proto.V5, func(p *peer) {
					p.greet(false)
					p.send(msg(1, 7, "a", "1"), msg(2, 8, "a", "2"), bad)
					if safe {
						p.expect(ack(proto.PUBACK, 7), ack(proto.PUBREC, 8))
					}
					if f := p.frame(); f.Type() != proto.DISCONNECT {
						t.Errorf("%s: %v", name, f.Type())
					}
					p.end()
				}))
				c := start(t, cfg)
				nextMessage(t, c, "1")
				nextMessage(t, c, "2")
				if ev := next(t, c, Idle); ev.Kind != Idle || c.Ready() {
					t.Errorf("%s: event %v, ready %v", name, ev, c.Ready())
				}
				if safe {
					c.Confirm()
				}
				var v *Violation
				if err := nextError(t, c); !errors.As(err, &v) {
					t.Errorf("%s: %v", name, err)
				}
				if known := c.sess.Receiver.Has(8); known != safe {
					t.Errorf("%s: the QoS 2 message is known: %v", name, known)
				}
			})
		}
	}
}

// TestLaw10Close checks that Close and Abort do not acknowledge what was not confirmed.
func TestLaw10Close(t *testing.T) {
	for _, confirm := range []int{0, 1, 2} {
		synctest.Test(t, func(t *testing.T) {
			cfg := confirming(script(t, proto.V311, func(p *peer) {
				p.greet(false)
				p.send(msg(1, 7, "a", "1"), msg(2, 8, "a", "2"))
				if confirm > 0 {
					p.expect(ack(proto.PUBACK, 7))
				}
				if confirm > 1 {
					p.expect(ack(proto.PUBREC, 8))
				}
				p.bye()
			}))
			c := start(t, cfg)
			nextMessage(t, c, "1")
			if confirm > 0 {
				c.Confirm()
			}
			nextMessage(t, c, "2")
			if confirm > 1 {
				c.Confirm()
			}
			closed(t, c)
		})
	}
}

// TestLaw10Disconnect checks that a DISCONNECT of the server does not keep confirmed messages from
// being acknowledged, and that it leaves our own messages to the next connection.
func TestLaw10Disconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := confirming(script(t, proto.V5, func(p *peer) {
			p.greet(false)
			p.send(msg(1, 7, "a", "1"), &proto.Disconnect{Reason: proto.ServerBusy})
			p.expect(ack(proto.PUBACK, 7))
			p.end()
		}, func(p *peer) {
			p.greet(false)
			p.send(msg(1, 7, "a", "1"), &proto.Disconnect{Reason: proto.ServerBusy})
			p.end()
		}, func(p *peer) {
			p.greet(false)
			p.expect(msg(0, 0, "b", "ours"))
			p.bye()
		}))
		var s session.Session
		c := resumed(t, cfg, &s)
		nextMessage(t, c, "1")
		c.Confirm()
		nextError(t, c)
		c = resumed(t, cfg, &s)
		nextMessage(t, c, "1")
		c.Confirm()
		publish(t, c, msg(0, 0, "b", "ours"), 0)
		nextError(t, c)
		closed(t, resumed(t, cfg, &s))
	})
}

// TestLaw10NextConnection checks that a QoS 2 message that was confirmed only after the connection
// had ended is not returned again, and one that never was is.
func TestLaw10NextConnection(t *testing.T) {
	for _, safe := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			cfg := confirming(script(t, proto.V5, func(p *peer) {
				p.greet(false)
				p.send(msg(2, 8, "a", "2"), msg(0, 0, "a", "3"))
			}, func(p *peer) {
				p.greet(true)
				p.send(dup(msg(2, 8, "a", "2")), msg(0, 0, "a", "4"))
				p.expect(ack(proto.PUBREC, 8))
				p.bye()
			}))
			lasting(cfg)
			s := new(session.Session)
			c := resumed(t, cfg, s)
			nextMessage(t, c, "2")
			nextMessage(t, c, "3")
			next(t, c, Idle) // it was not confirmed
			c.fail(&Broken{Op: "write", Err: errors.New("it was lost")})
			if safe {
				c.Confirm()
			}
			c.Abort()
			c = resumed(t, cfg, s)
			if !safe {
				nextMessage(t, c, "2")
			}
			nextMessage(t, c, "4")
			c.Confirm()
			closed(t, c)
		})
	}
}

// TestComplete checks that Complete waits for every PUBREL whose PUBREC was sent, whatever else comes,
// and for no longer than its limit.
func TestComplete(t *testing.T) {
	for _, v := range versions {
		synctest.Test(t, func(t *testing.T) {
			c := start(t, confirming(script(t, v, func(p *peer) {
				p.greet(false)
				p.send(msg(2, 1, "a", "1"), msg(2, 2, "a", "2"), msg(2, 3, "a", "3"), msg(1, 4, "a", "4"))
				p.expect(ack(proto.PUBREC, 1), ack(proto.PUBREC, 2))
				<-time.After(3 * time.Second)
				p.send(ack(proto.PUBREL, 1), msg(1, 5, "a", "5"))
				p.expect(ack(proto.PUBCOMP, 1))
				<-time.After(3 * time.Second)
				p.send(ack(proto.PUBREL, 2))
				p.expect(ack(proto.PUBCOMP, 2))
				p.bye()
			})))
			nextMessage(t, c, "1")
			nextMessage(t, c, "2")
			c.Confirm()
			nextMessage(t, c, "3")
			if n := c.Complete(t.Context(), time.Now().Add(10*time.Second)); n != 0 {
				t.Errorf("%d messages are not complete", n)
			}
			closed(t, c)

			c = start(t, confirming(script(t, v, func(p *peer) {
				p.greet(false)
				p.send(msg(2, 1, "a", "1"))
				p.expect(ack(proto.PUBREC, 1))
				p.bye()
			})))
			nextMessage(t, c, "1")
			c.Confirm()
			began := time.Now()
			if n := c.Complete(t.Context(), began.Add(10*time.Second)); n != 1 || time.Since(began) != 10*time.Second {
				t.Errorf("%d messages are not complete after %v", n, time.Since(began))
			}
			closed(t, c)
		})
	}
}
