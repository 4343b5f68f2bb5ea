package conn

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"mqtt/internal/proto"
)

// TestPongLate checks that a server which does not answer PINGREQ within the keep alive is lost
// [MQTT-3.1.2-20]; 3.1.1 [MQTT-3.1.2-23].
func TestPongLate(t *testing.T) {
	for _, v := range versions {
		synctest.Test(t, func(t *testing.T) {
			cfg := script(t, v, func(p *peer) {
				p.greet(false)
				p.expect("c000")
				p.send("d000")
				p.expect("c000", "c000")
				p.end()
			})
			cfg.Connect.KeepAlive = 10
			c := start(t, cfg)
			begin := time.Now()
			err := nextError(t, c)
			if d := time.Since(begin); !errors.Is(err, ErrTimeout) || !Lost(err) || d != 28*time.Second+graceTime {
				t.Errorf("error %v after %v", err, d)
			}
		})
	}
}

// TestPongAfterMessages checks that any packet counts as a sign of life while PINGRESP is late.
func TestPongAfterMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := script(t, proto.V5, func(p *peer) {
			p.greet(false)
			for range 5 { // 45 s
				p.expect("c000")
				p.send(msg(0, 0, "a", "x"))
			}
			p.send("d000", "d000", "d000", "d000", "d000")
			p.bye()
		})
		cfg.Connect.KeepAlive = 10
		c := start(t, cfg)
		for range 5 {
			nextMessage(t, c, "x")
		}
		look(t, c)
		if len(c.clock.pings) != 0 || !c.clock.pongDue.IsZero() {
			t.Errorf("%d PINGREQs await their answer", len(c.clock.pings))
		}
		closed(t, c)
	})
}

// TestPongAndOwnerAway checks that an owner that was busy for long finds the PINGRESP that arrived
// meanwhile, and that polling sends PINGREQ too.
func TestPongAndOwnerAway(t *testing.T) {
	for _, limit := range []time.Duration{0, time.Second} {
		synctest.Test(t, func(t *testing.T) {
			cfg := script(t, proto.V5, func(p *peer) {
				p.greet(false)
				p.expect("c000")
				pause(time.Second)
				p.send("d000")
				p.expect("c000")
				p.send("d000")
				p.bye()
			})
			cfg.Connect.KeepAlive = 10
			c := start(t, cfg)
			pause(9500 * time.Millisecond)
			look(t, c)
			pause(time.Hour)
			for range 3 {
				if ev, err := c.NextBy(t.Context(), time.Now().Add(limit)); err != nil || ev.Kind != Idle {
					t.Fatalf("event %d, error %v", ev.Kind, err)
				}
			}
			if len(c.clock.pings) != 0 || !c.clock.pongDue.IsZero() {
				t.Errorf("%d PINGREQs await their answer", len(c.clock.pings))
			}
			closed(t, c)
		})
	}
}

// pause lets the time of the synctest bubble pass.
func pause(d time.Duration) { <-time.After(d) }

// TestPingInFlood checks that a flood of messages does not delay PINGREQ.
func TestPingInFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := script(t, proto.V311, func(p *peer) {
			p.greet(false)
			stop := make(chan struct{})
			go func() { // ends with the PINGREQ
				defer close(stop)
				p.expect("c000")
			}()
			for {
				select {
				case <-stop:
					p.bye()
					return
				case <-time.After(time.Millisecond):
					p.send(msg(0, 0, "a", "x"))
				}
			}
		})
		cfg.Connect.KeepAlive = 2
		c := start(t, cfg)
		begin := time.Now()
		n := 0
		for time.Since(begin) < 1900*time.Millisecond {
			ev, err := c.NextBy(t.Context(), begin.Add(1900*time.Millisecond))
			if err != nil {
				t.Fatal(err)
			}
			if ev.Kind == Message {
				n++
			}
		}
		if n < 1000 {
			t.Errorf("%d messages", n)
		}
		closed(t, c)
	})
}

// TestPong checks that the owner's PINGREQs are answered by Pong events in order, each with its
// time, and that those of the keep alive are not.
func TestPong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := script(t, proto.V5, func(p *peer) {
			p.greet(false)
			p.expect("c000") // the keep alive's
			pause(100 * time.Millisecond)
			p.expect("c000")
			pause(100 * time.Millisecond)
			p.expect("c000")
			pause(100 * time.Millisecond)
			p.send("d000", "d000")
			pause(100 * time.Millisecond)
			p.send("d000", "d000") // the second answers no PINGREQ
			p.bye()
		})
		cfg.Connect.KeepAlive = 10
		c := start(t, cfg)
		idle := 9100 * time.Millisecond
		for range 2 {
			if ev, err := c.NextBy(t.Context(), time.Now().Add(idle)); err != nil || ev.Kind != Idle {
				t.Fatalf("event %d, error %v", ev.Kind, err)
			}
			send(t, c, &proto.Ping{Kind: proto.PINGREQ})
			idle = 100 * time.Millisecond
		}
		first, second := next(t, c, Pong).RTT, next(t, c, Pong).RTT
		if first != 200*time.Millisecond || second != 200*time.Millisecond {
			t.Errorf("took %v and %v", first, second)
		}
		look(t, c)
		closed(t, c)
	})
}

// TestSilentServerIsPinged checks that a server which only receives QoS 0 messages is pinged, and
// that the connection ends if it does not answer.
func TestSilentServerIsPinged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := script(t, proto.V5, func(p *peer) {
			p.greet(false)
			asked := 0
			for {
				f, err := p.r.Next()
				if err != nil {
					break
				}
				if f.Type() == proto.PINGREQ {
					if asked++; asked < 3 {
						p.send("d000")
					}
				}
			}
			if asked != 3 {
				p.t.Errorf("asked %d times", asked)
			}
		})
		cfg.Connect.KeepAlive = 10
		c := start(t, cfg)
		begin := time.Now()
		for {
			if err := c.Publish(t.Context(), msg(0, 0, "a", "x"), 0); err != nil {
				t.Fatal(err)
			}
			if _, err := c.NextBy(t.Context(), time.Now().Add(time.Second)); err != nil {
				if !errors.Is(err, ErrTimeout) {
					t.Error(err)
				}
				break
			}
			if time.Since(begin) > time.Minute {
				t.Fatal("a silent server was not noticed")
			}
		}
		if d := time.Since(begin); d < 30*time.Second || d > 40*time.Second {
			t.Errorf("noticed after %v", d)
		}
	})
}
