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

// TestPublish checks the first bytes and identifiers of published messages, PUBREL in the order of
// PUBREC, and that nothing is sent twice on a connection, however slow the server is
// [MQTT-2.2.1-2], [MQTT-2.2.1-3], [MQTT-3.3.1-2], [MQTT-3.3.2-1], [MQTT-3.6.1-1], [MQTT-3.6.2-1],
// [MQTT-4.3.1-1], [MQTT-4.3.2-1], [MQTT-4.3.2-2], [MQTT-4.3.2-3], [MQTT-4.3.3-1], [MQTT-4.3.3-2],
// [MQTT-4.3.3-3], [MQTT-4.3.3-4], [MQTT-4.3.3-5], [MQTT-4.3.3-7], [MQTT-4.4.0-1], [MQTT-4.4.0-2],
// [MQTT-4.6.0-4]; 3.1.1 [MQTT-2.2.2-1], [MQTT-2.3.1-1], [MQTT-2.3.1-2], [MQTT-2.3.1-5],
// [MQTT-3.3.1-2], [MQTT-3.3.2-1], [MQTT-3.6.1-1], [MQTT-4.3.1-1], [MQTT-4.3.2-1], [MQTT-4.3.3-1],
// [MQTT-4.6.0-4].
func TestPublish(t *testing.T) {
	for _, v := range versions {
		none := ""
		if v == proto.V5 {
			none = "00"
		}
		synctest.Test(t, func(t *testing.T) {
			c := start(t, script(t, v, func(p *peer) {
				p.greet(false)
				for _, hex := range []string{"30 %s 0001 74 %s 61", "31 %s 0001 74 %s 61", "32 %s 0001 74 0001 %s 61", "34 %s 0001 74 0002 %s 61",
					"35 %s 0001 74 0003 %s 61", "34 %s 0001 74 0004 %s 61"} {
					hex = strings.Replace(hex, " %s 61", none+" 61", 1)
					body := wire(t, v, strings.Replace(hex[2:], "%s", "", 1))
					p.expect(append([]byte{wire(t, v, hex[:2])[0], byte(len(body))}, body...))
				}
				<-time.After(time.Hour)
				p.send(ack(proto.PUBREC, 4), ack(proto.PUBREC, 2))
				p.expect("62020004", "62020002")
				p.send(ack(proto.PUBREC, 3))
				p.expect("62020003")
				<-time.After(time.Hour)
				p.send(ack(proto.PUBCOMP, 2), ack(proto.PUBCOMP, 3), ack(proto.PUBCOMP, 4), ack(proto.PUBACK, 1))
				p.bye()
			}))
			for i, k := range []struct {
				qos    byte
				retain bool
			}{{0, false}, {0, true}, {1, false}, {2, false}, {2, true}, {2, false}} {
				m := msg(k.qos, 99, "t", "a")
				m.Retain = k.retain
				m.Dup = k.qos > 0 // is not the owner's to say
				publish(t, c, m, uint64(i))
			}
			for _, tag := range []uint64{3, 4, 5, 2} {
				nextDelivered(t, c, tag, proto.Success)
			}
			if c.Pending() != 0 {
				t.Errorf("%d pending", c.Pending())
			}
			closed(t, c)
		})
	}
}

// TestPublishInvalid checks that an invalid message is refused, and that no part of it is sent
// [MQTT-1.5.4-1], [MQTT-1.5.4-2], [MQTT-1.5.7-1], [MQTT-3.3.1-4], [MQTT-3.3.2-2], [MQTT-3.3.2-8],
// [MQTT-3.3.2-13], [MQTT-3.3.2-14], [MQTT-3.3.2-19], [MQTT-3.3.4-6], [MQTT-4.7.0-1],
// [MQTT-4.7.3-1], [MQTT-4.7.3-2], [MQTT-4.7.3-3]; 3.1.1 [MQTT-1.5.3-1], [MQTT-1.5.3-2],
// [MQTT-3.3.1-4], [MQTT-3.3.2-2], [MQTT-4.7.1-1], [MQTT-4.7.3-1], [MQTT-4.7.3-2], [MQTT-4.7.3-3].
func TestPublishInvalid(t *testing.T) {
	for _, v := range versions {
		synctest.Test(t, func(t *testing.T) {
			c := start(t, script(t, v, func(p *peer) {
				p.greet(false)
				p.bye()
			}))
			bad := []*proto.Publish{
				msg(0, 0, "", "x"), msg(1, 0, "", "x"), msg(0, 0, "a/+", "x"), msg(1, 0, "#", "x"), msg(0, 0, "\xff", "x"),
				msg(0, 0, "\xed\xa0\x80", "x"), msg(2, 0, "a\x00", "x"), msg(0, 0, strings.Repeat("x", 65536), "x"),
				msg(3, 0, "a", "x"), dup(msg(0, 0, "a", "x")),
				msg(0, 0, "a", "x", proto.ContentType, "\xff"), msg(1, 0, "a", "x", proto.ResponseTopic, "\xff"),
				msg(0, 0, "a", "x", proto.ResponseTopic, "a/#"), msg(0, 0, "a", "x", proto.UserProperty, [2]string{"k", "\xff"}),
				msg(0, 0, "a", "x", proto.UserProperty, [2]string{"k\x00", "v"}), msg(1, 0, "a", "x", proto.TopicAlias, 0),
				msg(0, 0, "a", "x", proto.ReceiveMaximum, 1),
				msg(1, 0, "a", "x", proto.SubscriptionIdentifier, 1),
			}
			for i, m := range bad {
				var e *proto.Error
				var l *Limit
				if err := c.Publish(t.Context(), m, 0); !errors.As(err, &e) && !errors.As(err, &l) || Lost(err) {
					t.Errorf("%d: error %v", i, err)
				}
			}
			if len(c.out) != 0 || c.Pending() != 0 || c.Free() != DefaultWindow {
				t.Errorf("%d bytes queued, %d pending, %d free", len(c.out), c.Pending(), c.Free())
			}
			closed(t, c)
		})
	}
}

// TestPublishSizes checks the largest topic, and the limits of each length of the Remaining Length
// [MQTT-4.7.3-3], [MQTT-1.5.5-1]; 3.1.1 [MQTT-4.7.3-3].
func TestPublishSizes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		topic := strings.Repeat("x", 65535)
		sizes := []int{127, 128, 16383, 16384, 2097151, 2097152}
		c := start(t, script(t, proto.V311, func(p *peer) {
			p.greet(false)
			p.expect(msg(0, 0, topic, ""))
			for i, n := range sizes { // the Reader refuses a length that is longer than need be
				if f := p.frame(); len(f.Body) != n || f.Size() != 1+[]int{1, 2, 2, 3, 3, 4}[i]+n {
					t.Errorf("%d bytes, want %d", len(f.Body), n)
				}
			}
			p.bye()
		}))
		publish(t, c, msg(0, 0, topic, ""), 0)
		for _, n := range sizes {
			publish(t, c, msg(0, 0, "t", strings.Repeat("x", n-3)), 0)
		}
		closed(t, c)
	})
}

// TestIdentifiersWrap checks that packet identifiers continue after 65535 without 0 and without
// those in use [MQTT-2.2.1-3], [MQTT-4.3.2-1]; 3.1.1 [MQTT-2.3.1-1], [MQTT-2.3.1-2],
// [MQTT-2.3.1-3].
func TestIdentifiersWrap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 70_000
		cfg := script(t, proto.V311, func(p *peer) {
			p.greet(false)
			p.expect(msg(1, 1, "t", "stays"))
			for range n {
				var m proto.Publish
				if err := m.Decode(p.frame(), p.v); err != nil || m.PacketID < 2 || m.PacketID > 11 {
					p.fatalf("identifier %d, error %v", m.PacketID, err)
				}
				p.send(ack(proto.PUBACK, m.PacketID))
			}
			p.bye()
		})
		cfg.Window = 11
		c := start(t, cfg)
		publish(t, c, msg(1, 0, "t", "stays"), 0)
		for i := range n {
			publish(t, c, msg(1, 0, "t", ""), uint64(i))
			nextDelivered(t, c, uint64(i), proto.Success)
		}
		closed(t, c)
	})
}

// TestSubscribe checks the bytes and identifiers of SUBSCRIBE and UNSUBSCRIBE, with answers in any
// order [MQTT-2.2.1-3], [MQTT-3.8.1-1], [MQTT-3.8.3-5], [MQTT-3.10.1-1], [MQTT-4.8.2-1]; 3.1.1
// [MQTT-2.3.1-1], [MQTT-2.3.1-2], [MQTT-3.8.1-1], [MQTT-3.8.3-4 of 3.1.1], [MQTT-3.10.1-1], [MQTT-3.9.3-2].
func TestSubscribe(t *testing.T) {
	for v, hex := range map[proto.Version][]string{
		proto.V311: {"820c 0001 0001 23 00 0003 612f2b 02", "a205 0003 0001 62", "b0020003", "900400010280"},
		proto.V5: {"8216 0001 00 0001 23 2c 000c 2473686172652f672f612f2b 12", "a206 0003 00 0001 62", "b0040003 00 11",
			"9005000100 0287"},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := start(t, script(t, v, func(p *peer) {
				p.greet(false)
				p.expect(hex[0], msg(1, 2, "t", "x"), hex[1])
				p.send(hex[2], ack(proto.PUBACK, 2), hex[3])
				p.bye()
			}))
			filters := []proto.Subscription{{Filter: "#"}, {Filter: "a/+", QoS: 2}}
			if v == proto.V5 {
				filters = []proto.Subscription{{Filter: "#", NoLocal: true, RetainAsPublished: true, RetainHandling: 2}, {Filter: "$share/g/a/+", QoS: 2, RetainHandling: 1}}
			}
			send(t, c, &proto.Subscribe{Filters: filters})
			publish(t, c, msg(1, 0, "t", "x"), 5)
			send(t, c, &proto.Unsubscribe{Filters: []string{"b"}})
			if c.Pending() != 1 || c.Free() != DefaultWindow-1 {
				t.Errorf("%d pending, %d free", c.Pending(), c.Free())
			}
			if a := next(t, c, Answer).Answer.(*proto.Suback); a.Kind != proto.UNSUBACK || a.PacketID != 3 {
				t.Errorf("answer %+v", a)
			}
			nextDelivered(t, c, 5, proto.Success)
			a := next(t, c, Answer).Answer.(*proto.Suback)
			if a.Kind != proto.SUBACK || a.PacketID != 1 || len(a.Reasons) != 2 || a.Reasons[0] != proto.GrantedQoS2 || !a.Reasons[1].Failed() {
				t.Errorf("answer %+v", a)
			}
			closed(t, c)
		})
	}
}

// TestSubscribeInvalid checks that an invalid request is not sent, and that it uses no identifier
// [MQTT-3.8.3-1], [MQTT-3.8.3-2], [MQTT-3.8.3-4], [MQTT-3.10.3-1], [MQTT-3.10.3-2], [MQTT-4.7.1-1],
// [MQTT-4.7.1-2], [MQTT-4.8.2-1], [MQTT-4.8.2-2]; 3.1.1 [MQTT-3.8.3-1], [MQTT-3.8.3-3],
// [MQTT-3.8.3-4 of 3.1.1], [MQTT-3.10.3-1], [MQTT-3.10.3-2], [MQTT-4.7.1-2], [MQTT-4.7.1-3].
func TestSubscribeInvalid(t *testing.T) {
	for _, v := range versions {
		synctest.Test(t, func(t *testing.T) {
			c := start(t, script(t, v, func(p *peer) {
				p.greet(false)
				p.expect(&proto.Subscribe{PacketID: 1, Filters: []proto.Subscription{{Filter: "+/a"}}})
				p.bye()
			}))
			bad := []proto.Packet{&proto.Subscribe{}, &proto.Unsubscribe{}, &proto.Subscribe{Filters: []proto.Subscription{{Filter: "a", QoS: 3}}}}
			for _, f := range []string{"", "\xff", "a\x00", "a#", "a/#/b", "#/a", "a+", "+a", "a/+b", "$share//x", "$share/g", "$share/g/", "$share/g+/x", strings.Repeat("x", 65536)} {
				bad = append(bad, &proto.Subscribe{Filters: []proto.Subscription{{Filter: "good"}, {Filter: f}}}, &proto.Unsubscribe{Filters: []string{f}})
			}
			if v == proto.V5 {
				bad = append(bad, &proto.Subscribe{Filters: []proto.Subscription{{Filter: "$share/g/x", NoLocal: true}}})
			}
			for i, p := range bad {
				var e *proto.Error
				if err := c.Send(t.Context(), p); !errors.As(err, &e) {
					t.Errorf("%d: error %v", i, err)
				}
			}
			// Identifiers of canceled requests are used again, one after the other.
			var s session.Session
			s.Sender, c.sess.Sender = c.sess.Sender, s.Sender
			send(t, c, &proto.Subscribe{Filters: []proto.Subscription{{Filter: "+/a"}}})
			closed(t, c)
		})
	}
}

// TestClose checks the bytes of DISCONNECT, with reason and properties, and that nothing follows it
// [MQTT-3.14.1-1], [MQTT-3.14.2-1], [MQTT-3.14.4-1], [MQTT-3.14.4-2]; 3.1.1 [MQTT-3.14.1-1],
// [MQTT-3.14.4-1], [MQTT-3.14.4-2].
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, k := range []struct {
			v    proto.Version
			p    *proto.Disconnect
			want string
		}{
			{proto.V31, nil, "e000"},
			{proto.V311, nil, "e000"},
			{proto.V311, &proto.Disconnect{Reason: proto.DisconnectWithWill}, "e000"},
			{proto.V5, nil, "e000"},
			{proto.V5, &proto.Disconnect{Reason: proto.DisconnectWithWill}, "e00104"},
			{proto.V5, &proto.Disconnect{Props: props(proto.SessionExpiryInterval, 1)}, "e007 00 05 11 00000001"},
		} {
			cfg := script(t, k.v, func(p *peer) {
				p.greet(false)
				p.expect(k.want)
				p.end()
			})
			if k.v >= proto.V5 {
				cfg.Connect.Props = props(proto.SessionExpiryInterval, 2) // with 0, DISCONNECT must not have another one
			}
			c := start(t, cfg)
			if err := c.Close(t.Context(), k.p); err != nil {
				t.Errorf("error %v", err)
			}
			if err := c.Close(t.Context(), nil); err != ErrClosed {
				t.Errorf("then %v", err)
			}
		}
	})
}

// TestCloseFails checks that Close returns an error if not everything was written, and closes the
// stream anyway.
func TestCloseFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, script(t, proto.V5, func(p *peer) { p.greet(false) }))
		if err := c.Close(t.Context(), nil); err == nil || err == ErrClosed {
			t.Errorf("error %v", err)
		}
		c = start(t, script(t, proto.V5, func(p *peer) { p.greet(false); p.end() }))
		if err := c.Close(t.Context(), &proto.Disconnect{Reason: proto.Banned}); err == nil {
			t.Error("a reason that is not a client's was sent")
		}
	})
}
