package conn

import (
	"testing"
	"testing/synctest"
	"time"

	"mqtt/internal/proto"
	"mqtt/internal/session"
)

// TestReadyIsExact checks that Next does not wait if Ready reports true: not for a repeated packet,
// or one that answers nothing.
func TestReadyIsExact(t *testing.T) {
	for name, k := range map[string]struct {
		packets []any
		kinds   []Kind // of the events that are ready, in order
	}{
		"PUBACK":              {[]any{ack(proto.PUBACK, 1)}, []Kind{Delivered}},
		"PUBACK twice":        {[]any{ack(proto.PUBACK, 1), ack(proto.PUBACK, 1)}, []Kind{Delivered}},
		"PUBACK of nothing":   {[]any{ack(proto.PUBACK, 9)}, nil},
		"PUBCOMP of nothing":  {[]any{ack(proto.PUBCOMP, 9)}, nil},
		"PUBREC":              {[]any{ack(proto.PUBREC, 2)}, nil},
		"PUBLISH":             {[]any{msg(0, 0, "a", ""), msg(1, 1, "a", ""), msg(2, 2, "a", "")}, []Kind{Message, Message, Message}},
		"PUBLISH twice, 2":    {[]any{msg(2, 2, "a", ""), msg(2, 2, "a", "")}, []Kind{Message}},
		"PUBLISH twice, DUP":  {[]any{msg(2, 2, "a", ""), dup(msg(2, 2, "a", ""))}, []Kind{Message}},
		"PINGRESP of nothing": {[]any{"d000"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sent := make(chan bool)
				c := start(t, script(t, proto.V311, func(p *peer) {
					p.greet(false)
					p.expect(msg(1, 1, "t", ""), msg(2, 2, "t", ""))
					<-sent
					p.send(k.packets...)
					for { // until the connection ends
						if _, err := p.r.Next(); err != nil {
							return
						}
					}
				}))
				publish(t, c, msg(1, 1, "t", ""), 1)
				publish(t, c, msg(2, 2, "t", ""), 2)
				look(t, c)
				close(sent)
				c.src.invalidate()
				c.nc.SetReadDeadline(time.Time{})
				if err := c.r.Fill(); err != nil {
					t.Fatal(err)
				}
				for _, kind := range k.kinds {
					if !c.Ready() {
						t.Fatalf("not ready for %d", kind)
					}
					before := time.Now()
					next(t, c, kind)
					if time.Since(before) > 0 {
						t.Fatal("Next waited")
					}
				}
				if c.Ready() {
					t.Error("ready for more")
				}
				c.Abort()
			})
		})
	}
}

// TestReceiveMaximumAfterResume checks that QoS 2 exchanges of earlier connections do not count
// against our Receive Maximum [MQTT-4.9.0-1].
func TestReceiveMaximumAfterResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := script(t, proto.V5, func(p *peer) {
			p.greet(false)
			p.send(msg(2, 1, "a", "1"))
			p.expect(ack(proto.PUBREC, 1))
		}, func(p *peer) {
			p.greet(true)
			p.send(msg(2, 2, "a", "2"))
			p.expect(ack(proto.PUBREC, 2))
			p.send(ack(proto.PUBREL, 1), ack(proto.PUBREL, 2))
			p.expect(ack(proto.PUBCOMP, 1), ack(proto.PUBCOMP, 2))
			p.bye()
		})
		cfg.Connect.Props = props(proto.ReceiveMaximum, 1, proto.SessionExpiryInterval, 60)
		var s session.Session
		c := resumed(t, cfg, &s)
		nextMessage(t, c, "1")
		nextError(t, c)
		c = resumed(t, cfg, &s)
		nextMessage(t, c, "2")
		closed(t, c)
	})
}
