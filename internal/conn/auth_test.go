package conn

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"mqtt/internal/proto"
	"mqtt/internal/session"
)

// fakeAuth answers each challenge with its own echo. It is shared by the exchanges that it begins.
type fakeAuth struct {
	begins, starts, nexts, finishes int
	bad                             string // the challenge or final data that it does not like
}

func (a *fakeAuth) Method() string { return "ECHO" }

func (a *fakeAuth) Begin() (Exchange, error) {
	if a.bad == "start" {
		return nil, errors.New("nothing to start with")
	}
	a.begins++
	return &fakeExchange{a}, nil
}

type fakeExchange struct{ a *fakeAuth }

func (x *fakeExchange) Start() []byte {
	x.a.starts++
	return fmt.Append(nil, "hello ", x.a.starts)
}

func (x *fakeExchange) Next(challenge []byte) ([]byte, error) {
	x.a.nexts++
	if x.a.bad != "" && string(challenge) == x.a.bad {
		return nil, errors.New("a bad challenge")
	}
	return append([]byte("echo "), challenge...), nil
}

func (x *fakeExchange) Finish(data []byte) error {
	x.a.finishes++
	if x.a.bad != "" && string(data) == x.a.bad {
		return errors.New("a bad signature")
	}
	return nil
}

// step is an AUTH packet's properties with the method.
func step(data string) []any {
	return []any{proto.AuthenticationMethod, "ECHO", proto.AuthenticationData, data}
}

func auth(r proto.Reason, ps ...any) *proto.Auth { return &proto.Auth{Reason: r, Props: props(ps...)} }

// TestAuth checks the exchange at CONNECT and a re-authentication: AUTH is answered by AUTH with
// reason 0x18 and the same method, and no other packet is sent before CONNACK [MQTT-3.1.2-30],
// [MQTT-3.15.1-1], [MQTT-3.15.2-1], [MQTT-3.15.2-2], [MQTT-3.15.2-3], [MQTT-4.12.0-3],
// [MQTT-4.12.0-5], [MQTT-4.12.1-1].
func TestAuth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a fakeAuth
		cfg := script(t, proto.V5, func(p *peer) {
			p.expect(&proto.Connect{Version: proto.V5, CleanStart: true, ClientID: "me", Props: props(step("hello 1")...)})
			p.send(auth(proto.ContinueAuthentication, step("one")...))
			p.expect(auth(proto.ContinueAuthentication, step("echo one")...))
			p.send(auth(proto.ContinueAuthentication, step("two")...))
			p.expect(auth(proto.ContinueAuthentication, step("echo two")...))
			p.send(&proto.Connack{Props: props(step("signed")...)})

			p.expect(auth(proto.ReAuthenticate, step("hello 2")...))
			p.send(msg(0, 0, "a", "between"), auth(proto.ContinueAuthentication, step("three")...))
			p.expect(auth(proto.ContinueAuthentication, step("echo three")...))
			p.send(auth(proto.Success, step("signed")...))

			p.expect(auth(proto.ReAuthenticate, step("by hand")...))
			p.send("f000")
			p.bye()
		})
		cfg.Auth = &a
		c := start(t, cfg)
		if err := c.Reauthenticate(); err != nil {
			t.Fatal(err)
		}
		nextMessage(t, c, "between")
		if ev := next(t, c, Answer); ev.Answer.(*proto.Auth).Reason != proto.Success {
			t.Errorf("answer %+v", ev.Answer)
		}
		send(t, c, auth(proto.ReAuthenticate, step("by hand")...))
		next(t, c, Answer)
		if a.begins != 3 || a.starts != 2 || a.nexts != 3 || a.finishes != 3 {
			t.Errorf("%+v", a)
		}
		closed(t, c)
		if c.Reauthenticate() != ErrClosed {
			t.Error("re-authentication on a connection that is closed")
		}
	})
}

// TestAuthFails checks what ends an exchange at CONNECT: another method, a reason of a client, a
// bad challenge or a bad signature [MQTT-4.12.0-5].
func TestAuthFails(t *testing.T) {
	for _, k := range []struct {
		name, bad string
		answer    proto.Packet
		code      byte // 0: no DISCONNECT
	}{
		{"no data to start", "start", nil, 0},
		{"another method", "", auth(proto.ContinueAuthentication, proto.AuthenticationMethod, "OTHER"), 0x82},
		{"no method", "", auth(proto.ContinueAuthentication), 0x82},
		{"success instead of CONNACK", "", auth(proto.Success, step("x")...), 0x82},
		{"reason of a client", "", auth(proto.ReAuthenticate, step("x")...), 0x82},
		{"bad challenge", "x", auth(proto.ContinueAuthentication, step("x")...), 0},
		{"CONNACK with another method", "", &proto.Connack{Props: props(proto.AuthenticationMethod, "OTHER")}, 0x82},
		{"CONNACK with a bad signature", "x", &proto.Connack{Props: props(step("x")...)}, 0x82},
	} {
		t.Run(k.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := script(t, proto.V5, func(p *peer) {
					if k.answer != nil {
						p.hello()
						p.send(k.answer)
					}
					if k.code != 0 {
						p.expect([]byte{0xE0, 1, k.code})
					}
					p.end()
				})
				cfg.Auth = &fakeAuth{bad: k.bad}
				var wrong *Violation
				if _, err := Dial(t.Context(), cfg, new(session.Session)); err == nil || Lost(err) || errors.As(err, &wrong) != (k.code != 0) {
					t.Errorf("error %v", err)
				}
			})
		})
	}
}

// TestReauthenticateFails checks that a failed re-authentication, or an unexpected AUTH, ends the
// connection [MQTT-4.12.1-2], [MQTT-4.12.0-7].
func TestReauthenticateFails(t *testing.T) {
	for _, k := range []struct {
		name, bad string
		begin     bool
		answer    *proto.Auth
	}{
		{"nothing was begun", "", false, auth(proto.ContinueAuthentication, step("x")...)},
		{"success of nothing", "", false, auth(proto.Success, step("x")...)},
		{"another method", "", true, auth(proto.ContinueAuthentication, proto.AuthenticationMethod, "OTHER")},
		{"success of another method", "", true, auth(proto.Success, proto.AuthenticationMethod, "OTHER")},
		{"bad challenge", "x", true, auth(proto.ContinueAuthentication, step("x")...)},
		{"bad signature", "x", true, auth(proto.Success, step("x")...)},
	} {
		t.Run(k.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := script(t, proto.V5, func(p *peer) {
					p.greet(false)
					if k.begin {
						p.expect(auth(proto.ReAuthenticate, step("hello 2")...))
					}
					p.send(k.answer)
					p.expect("e00182")
					p.end()
				})
				cfg.Auth = &fakeAuth{bad: k.bad}
				c := start(t, cfg)
				if k.begin {
					if err := c.Reauthenticate(); err != nil {
						t.Fatal(err)
					}
				}
				if err := nextError(t, c); Lost(err) {
					t.Errorf("error %v", err)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) { // the server's own end of it
		cfg := script(t, proto.V5, func(p *peer) {
			p.greet(false)
			p.expect(auth(proto.ReAuthenticate, step("hello 2")...))
			p.send(&proto.Disconnect{Reason: proto.NotAuthorized})
			p.end()
		})
		cfg.Auth = &fakeAuth{}
		c := start(t, cfg)
		if err := c.Reauthenticate(); err != nil {
			t.Fatal(err)
		}
		if err := nextError(t, c); Lost(err) {
			t.Errorf("error %v", err)
		}
	})
}

// TestAuthWithoutMethod checks that no AUTH is sent without a method, or before version 5
// [MQTT-4.12.0-7].
func TestAuthWithoutMethod(t *testing.T) {
	for _, v := range versions {
		synctest.Test(t, func(t *testing.T) {
			cfg := script(t, v, func(p *peer) { p.greet(false); p.bye() })
			if v < proto.V5 {
				cfg.Auth = &fakeAuth{}
			}
			c := start(t, cfg)
			if c.Reauthenticate() == nil || c.Send(t.Context(), auth(proto.ReAuthenticate, step("x")...)) == nil {
				t.Error("no error")
			}
			closed(t, c)
		})
	}
}

// TestAuthenticationUnasked checks that a server breaks the protocol if it names an authentication
// method, or sends its data, although CONNECT had none [MQTT-4.12.0-6]. Nothing is sent but the
// DISCONNECT that says so.
func TestAuthenticationUnasked(t *testing.T) {
	for _, connack := range []any{
		&proto.Connack{Props: props(proto.AuthenticationMethod, "SCRAM-SHA-512")},
		"2007 00 00 04 16 0001 78", // data alone
		&proto.Connack{Props: props(proto.AuthenticationMethod, "SCRAM-SHA-512", proto.AuthenticationData, "x")},
	} {
		synctest.Test(t, func(t *testing.T) {
			cfg := script(t, proto.V5, func(p *peer) {
				p.hello()
				p.send(connack)
				p.expect(&proto.Disconnect{Reason: proto.ProtocolError})
				p.end()
			})
			cfg.Connect.HasUsername, cfg.Connect.Username = true, "u"
			cfg.Connect.HasPassword, cfg.Connect.Password = true, []byte("p")
			var s session.Session
			if _, err := Dial(t.Context(), cfg, &s); Class(err) != ClassProtocol || s.Established {
				t.Errorf("error %v", err)
			}
		})
	}
}
