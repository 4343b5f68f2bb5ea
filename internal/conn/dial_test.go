package conn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mqtt/internal/proto"
	"mqtt/internal/session"
	"mqtt/internal/transport"
)

// TestConnect checks that CONNECT is the first packet and is sent once, with its fields in order
// [MQTT-3.1.0-1], [MQTT-3.1.0-2], [MQTT-3.1.2-1], [MQTT-3.1.2-9], [MQTT-3.1.2-12],
// [MQTT-3.1.2-17], [MQTT-3.1.2-19], [MQTT-3.1.3-1], [MQTT-3.1.3-3], [MQTT-2.2.2-1]; 3.1.1 [MQTT-3.1.0-1],
// [MQTT-3.1.0-2 of 3.1.1], [MQTT-3.1.2-9], [MQTT-3.1.2-14], [MQTT-3.1.2-19], [MQTT-3.1.2-21],
// [MQTT-3.1.3-1], [MQTT-3.1.3-3].
func TestConnect(t *testing.T) {
	for v, want := range map[proto.Version]string{
		proto.V31:  "1022 0006 4d5149736470 03 f6 003c 0002 6d65 0004 77696c6c 0003 62796e 0001 75 0002 00ff",
		proto.V311: "1020 0004 4d515454 04 f6 003c 0002 6d65 0004 77696c6c 0003 62796e 0001 75 0002 00ff",
		proto.V5:   "102c 0004 4d515454 05 f6 003c 05 11 00000064 0002 6d65 05 18 00000001 0004 77696c6c 0003 62796e 0001 75 0002 00ff",
	} {
		synctest.Test(t, func(t *testing.T) {
			cfg := script(t, v, func(p *peer) {
				p.expect(want)
				p.send(&proto.Connack{})
				p.bye()
			})
			// Below version 5 the properties are left out.
			cfg.Connect = proto.Connect{Version: v, CleanStart: true, KeepAlive: 60, ClientID: "me", Props: props(proto.SessionExpiryInterval, 100),
				Will:        &proto.Will{Topic: "will", Payload: []byte("byn"), QoS: 2, Retain: true, Props: props(proto.WillDelayInterval, 1)},
				HasUsername: true, Username: "u", HasPassword: true, Password: []byte{0, 0xFF}}
			closed(t, start(t, cfg))
		})
	}
}

// TestConnectBare checks a CONNECT without optional flags and fields [MQTT-3.1.2-3], [MQTT-3.1.2-11],
// [MQTT-3.1.2-13], [MQTT-3.1.2-16], [MQTT-3.1.2-18], [MQTT-2.2.2-1]; [MQTT-3.1.2-3 of 3.1.1], [MQTT-3.1.2-11],
// [MQTT-3.1.2-13], [MQTT-3.1.2-15], [MQTT-3.1.2-18], [MQTT-3.1.2-20], [MQTT-3.1.3-7],
// [MQTT-3.14.1-1].
func TestConnectBare(t *testing.T) {
	for v, want := range map[proto.Version]string{
		proto.V311: "100c 0004 4d515454 04 02 0000 0000",
		proto.V5:   "100d 0004 4d515454 05 02 0000 00 0000",
	} {
		synctest.Test(t, func(t *testing.T) {
			cfg := script(t, v, func(p *peer) {
				p.expect(want)
				p.send(&proto.Connack{})
				p.bye()
			})
			cfg.Connect = proto.Connect{Version: v, CleanStart: true}
			closed(t, start(t, cfg))
		})
	}
}

// TestConnectInvalid checks that an invalid CONNECT is not sent [MQTT-1.5.4-1], [MQTT-1.5.4-2],
// [MQTT-3.1.2-12], [MQTT-3.1.3-4], [MQTT-3.1.3-11], [MQTT-3.1.3-12], [MQTT-4.7.0-1],
// [MQTT-4.7.3-3]; 3.1.1 [MQTT-1.5.3-1], [MQTT-1.5.3-2], [MQTT-3.1.2-14], [MQTT-3.1.2-22],
// [MQTT-3.1.3-4], [MQTT-3.1.3-7], [MQTT-3.1.3-10], [MQTT-3.1.3-11], [MQTT-4.7.1-1].
func TestConnectInvalid(t *testing.T) {
	for _, v := range versions[1:] {
		for i, hello := range []proto.Connect{
			{ClientID: "\xff"},
			{ClientID: "\xed\xa0\x80"},
			{ClientID: "a\x00b"},
			{ClientID: strings.Repeat("x", 65536)},
			{ClientID: "me", HasUsername: true, Username: "\xff"},
			{ClientID: "me", HasPassword: v == proto.V311},
			{ClientID: "", CleanStart: v != proto.V311},
			{ClientID: "me", Will: &proto.Will{Topic: "a/+"}},
			{ClientID: "me", Will: &proto.Will{Topic: "\xff"}},
			{ClientID: "me", Will: &proto.Will{Topic: ""}},
			{ClientID: "me", Will: &proto.Will{Topic: strings.Repeat("x", 65536)}},
			{ClientID: "me", Will: &proto.Will{Topic: "a", QoS: 3}},
		} {
			if v == proto.V5 && (i == 5 || i == 6) {
				continue // are good there
			}
			synctest.Test(t, func(t *testing.T) {
				cfg := script(t, v, func(p *peer) { p.end() })
				hello.Version = v
				cfg.Connect = hello
				_, err := Dial(t.Context(), cfg, new(session.Session))
				var e *proto.Error
				if !errors.As(err, &e) || Lost(err) {
					t.Errorf("%d: error %v", i, err)
				}
			})
		}
	}
}

// TestRefused checks that a refusal ends the connection, and that the error has the Reason String
// [MQTT-4.13.2-1].
func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, k := range []struct {
			v      proto.Version
			hex    string
			reason proto.Reason
			text   string
		}{
			{proto.V5, "200c 00 87 09 1f 0006 686973746f72", proto.NotAuthorized, "connection refused by the server: Not authorized (0x87): histor"},
			{proto.V5, "2003 00 88 00", proto.ServerUnavailable, ""},
			{proto.V5, "2002 00 86", proto.BadUserNameOrPassword, ""},
			{proto.V311, "20020002", proto.ClientIdentifierNotValid, "connection refused by the server: Identifier rejected (return code 2)"},
			{proto.V311, "20020003", proto.ServerUnavailable, ""},
			{proto.V31, "20020004", proto.BadUserNameOrPassword, "connection refused by the server: Bad user name or password (return code 4)"},
			{proto.V311, "20020005", proto.NotAuthorized, ""},
		} {
			_, err := Dial(t.Context(), script(t, k.v, func(p *peer) {
				p.hello()
				p.send(k.hex)
				p.end()
			}), new(session.Session))
			var r *Refused
			if !errors.As(err, &r) || r.Reason != k.reason || r.Version != k.v || Lost(err) != (k.reason == proto.ServerUnavailable) ||
				k.text != "" && err.Error() != k.text {
				t.Errorf("%s: error %v", k.hex, err)
			}
		}
		_, err := Dial(t.Context(), script(t, proto.V5, func(p *peer) {
			p.hello()
			p.send(&proto.Disconnect{Reason: proto.ServerBusy})
			p.end()
		}), new(session.Session))
		var d *Disconnected
		if !errors.As(err, &d) || !Lost(err) {
			t.Errorf("error %v", err)
		}
	})
}

// TestDialFails checks the errors of a server that closes the stream, of one that does not answer,
// of Timeout and of ctx.
func TestDialFails(t *testing.T) {
	silent := func(p *peer) { p.hello(); p.bye() } // the CONNECT is taken back
	synctest.Test(t, func(t *testing.T) {
		_, err := Dial(t.Context(), script(t, proto.V5, func(p *peer) { p.hello() }), new(session.Session))
		if !errors.Is(err, ErrHungUp) || !Lost(err) {
			t.Errorf("error %v", err)
		}
		_, err = Dial(t.Context(), script(t, proto.V5, func(p *peer) {}), new(session.Session))
		if !errors.Is(err, ErrHungUp) || !Lost(err) {
			t.Errorf("error %v", err)
		}

		begin := time.Now()
		cfg := script(t, proto.V5, silent)
		cfg.Timeout = 10 * time.Second
		_, err = Dial(t.Context(), cfg, new(session.Session))
		var o *OpenError
		if !errors.As(err, &o) || !Lost(err) || time.Since(begin) != cfg.Timeout || err.Error() != "no connection within 10s: the server did not answer CONNECT" {
			t.Errorf("error %v after %v", err, time.Since(begin))
		}

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		cfg = script(t, proto.V5, silent)
		cfg.Timeout = 10 * time.Second
		if _, err = Dial(ctx, cfg, new(session.Session)); !errors.Is(err, context.DeadlineExceeded) || Lost(err) {
			t.Errorf("error %v", err)
		}
		ctx, stop := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, stop)
		if _, err = Dial(ctx, script(t, proto.V5, silent), new(session.Session)); !errors.Is(err, context.Canceled) || Lost(err) {
			t.Errorf("error %v", err)
		}

		refused := errors.New("no such host")
		cfg = &Config{Connect: proto.Connect{Version: proto.V5, CleanStart: true},
			Dial: func(context.Context, proto.Version) (net.Conn, error) { return nil, refused }}
		if _, err = Dial(t.Context(), cfg, new(session.Session)); !errors.As(err, &o) || !errors.Is(err, refused) || !Lost(err) {
			t.Errorf("error %v", err)
		}
	})
}

// TestDialContext checks that the context of Dial has no effect on the connection.
func TestDialContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cfg := script(t, proto.V5, func(p *peer) {
			p.greet(false)
			p.send(msg(0, 0, "a", "x"))
			p.expect(msg(0, 0, "t", ""))
			p.bye()
		})
		cfg.Timeout = time.Second
		var events []string
		cfg.Connected = func() { events = append(events, "connected") }
		cfg.Trace = func(sent bool, f proto.Frame, _ proto.Version) {
			way := "<"
			if sent {
				way = ">"
			}
			events = append(events, way+f.Type().String())
		}
		c, err := Dial(ctx, cfg, new(session.Session))
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if ev, err := c.NextBy(t.Context(), time.Now().Add(time.Hour)); err != nil || ev.Kind != Message {
			t.Errorf("event %d, error %v", ev.Kind, err)
		}
		publish(t, c, msg(0, 0, "t", ""), 0)
		closed(t, c)
		if got := strings.Join(events, " "); got != "connected >CONNECT <CONNACK <PUBLISH >PUBLISH >DISCONNECT" {
			t.Errorf("trace: %s", got)
		}
	})
}

// TestCleanStart checks that every connection is a clean start if the session is not to be kept,
// also in 3.1.1 [MQTT-3.1.2-4]; 3.1.1 [MQTT-3.1.2-6].
func TestCleanStart(t *testing.T) {
	for _, v := range versions {
		synctest.Test(t, func(t *testing.T) {
			clean := func(p *peer) {
				if hello := p.greet(false); !hello.CleanStart {
					t.Error("no clean start")
				}
				p.bye()
			}
			cfg := script(t, v, clean, clean)
			var s session.Session
			closed(t, resumed(t, cfg, &s))
			closed(t, resumed(t, cfg, &s))
		})
	}
}

// TestConnectInOneWrite checks that CONNECT is sent with one write.
func TestConnectInOneWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var nc *counted
		cfg := counting(script(t, proto.V5, func(p *peer) { p.greet(false); p.bye() }), &nc)
		cfg.Connect.Will = &proto.Will{Topic: "t", Payload: bytes.Repeat([]byte("x"), 65535)}
		c := start(t, cfg)
		if len(nc.writes) != 1 {
			t.Errorf("%d writes", len(nc.writes))
		}
		closed(t, c)
	})
}

// TestHangUpOnce checks that one passing hang-up does not cost version 5.
func TestHangUpOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := script(t, proto.V5, func(p *peer) { p.hello() }, func(p *peer) { p.greet(false); p.bye() })
		cfg.Fallback = true
		cfg.FellBack = func(err error) { t.Errorf("fell back: %v", err) }
		c := start(t, cfg)
		if c.Version() != proto.V5 {
			t.Errorf("version %v", c.Version())
		}
		closed(t, c)
	})
}

// TestWebSocketCloseBeforeConnack checks that the code and reason of a Close frame before CONNACK
// are part of the error, which still means that the server hung up.
func TestWebSocketCloseBeforeConnack(t *testing.T) {
	for _, code := range []uint16{1000, 1001, 1008, 1013, 4001} {
		closed := &transport.CloseError{Code: code, Reason: "policy: bad token"}
		cfg := &Config{Connect: proto.Connect{Version: proto.V5, CleanStart: true, ClientID: "me"}, Dial: func(context.Context, proto.Version) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go io.Copy(io.Discard, theirs) // ends when ours is closed
			return closing{ours, closed}, nil
		}}
		_, err := Dial(t.Context(), cfg, new(session.Session))
		want := fmt.Sprintf("the server closed the connection before it answered: the peer closed the WebSocket with status %d: \"policy: bad token\"", code)
		if err == nil || err.Error() != want || Class(err) != ClassHungUp {
			t.Errorf("%d: %v", code, err)
		}
	}
}

// closing is a connection whose reads fail.
type closing struct {
	net.Conn
	err error
}

func (c closing) Read([]byte) (int, error) { return 0, c.err }
