package conn

import (
	"errors"
	"mqtt/internal/proto"
	"mqtt/internal/session"
	"testing"
	"testing/synctest"
)

// TestFallback checks that version 5 falls back to 3.1.1 on 0x84, on return code 1, on a CONNACK in
// the form of 3.1.1, and if the server hangs up twice; not on other refusals, and only if that is
// allowed and the session is new. Later connections keep the version, but for a server that hung
// up: it is asked for version 5 again. Properties are left out, and each fallback is reported with
// its cause.
func TestFallback(t *testing.T) {
	hangUp := func(p *peer) { p.hello() }
	says := func(hex string) func(*peer) {
		return func(p *peer) { p.hello(); p.send(hex); p.end() }
	}
	old := func(hex string) func(*peer) {
		return func(p *peer) { p.hello(); p.send(hex); p.bye() }
	}
	older := func(p *peer) {
		if p.v != proto.V311 {
			t.Errorf("version %v", p.v)
		}
		if hello := p.greet(false); hello.Version != proto.V311 || !hello.CleanStart || hello.Will == nil {
			t.Errorf("%+v", hello)
		}
		p.bye()
	}
	for _, k := range []struct {
		name    string
		first   func(*peer)
		falls   int // connections with version 5 before the fallback
		refused proto.Reason
	}{
		{"0x84", says("2003008400"), 1, 0},
		{"return code 1", says("20020001"), 1, 0},
		{"form of 3.1.1", old("20020000"), 1, 0},
		{"form of 3.1.1, session present", old("20020100"), 1, 0},
		{"hang-up", hangUp, 2, 0},
		{"0x87", says("2003008700"), 0, proto.NotAuthorized},
		{"return code 5", says("20020005"), 0, proto.NotAuthorized},
		{"return code 2", says("20020002"), 0, proto.ClientIdentifierNotValid},
	} {
		t.Run(k.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				scripts := []func(*peer){k.first}
				switch k.falls {
				case 1:
					scripts = append(scripts, older, older)
				case 2:
					scripts = append(scripts, k.first, older, k.first, older, func(p *peer) { p.greet(false); p.bye() })
				}
				var why []error
				cfg := script(t, proto.V5, scripts...)
				cfg.Fallback = true
				cfg.FellBack = func(err error) { why = append(why, err) }
				cfg.Connect.Props = props(proto.SessionExpiryInterval, 100)
				cfg.Connect.Will = &proto.Will{Topic: "will", Props: props(proto.WillDelayInterval, 1)}
				var s session.Session
				c, err := Dial(t.Context(), cfg, &s)
				if k.falls == 0 {
					var r *Refused
					if !errors.As(err, &r) || r.Reason != k.refused || s.Established || s.Version != 0 {
						t.Errorf("error %v, version %v", err, s.Version)
					}
					return
				}
				if err != nil || c.Version() != proto.V311 || s.Version != proto.V311 || cfg.Connect.Props == nil || cfg.Connect.Will.Props == nil {
					t.Fatalf("error %v, version %v", err, s.Version)
				}
				closed(t, c)
				closed(t, resumed(t, cfg, &s))
				if k.falls == 2 {
					if s.Version != proto.V311 || len(why) != 2 || !errors.Is(why[1], ErrHungUp) {
						t.Errorf("version %v, fallbacks %v", s.Version, why)
					}
					closed(t, resumed(t, cfg, &s))
					if s.Version != proto.V5 || s.Guessed {
						t.Errorf("version %v at last", s.Version)
					}
				}
				if len(why) != k.falls || why[0] == nil {
					t.Errorf("fallbacks %v", why)
				}
			})
			synctest.Test(t, func(t *testing.T) { // not allowed
				if _, err := Dial(t.Context(), script(t, proto.V5, k.first), new(session.Session)); err == nil {
					t.Error("no error")
				}
			})
			synctest.Test(t, func(t *testing.T) { // version 5 was settled on before
				cfg := script(t, proto.V5, func(p *peer) { p.greet(false); p.bye() }, k.first)
				cfg.Fallback = true
				var s session.Session
				closed(t, resumed(t, cfg, &s))
				if _, err := Dial(t.Context(), cfg, &s); err == nil || s.Version != proto.V5 {
					t.Errorf("error %v, version %v", err, s.Version)
				}
			})
		})
	}
}

// TestFallbackEnds checks that messages in flight on a connection of version 3.1.1 are sent in the
// form of version 5 after it.
func TestFallbackEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangUp := func(p *peer) { p.hello() }
		cfg := script(t, proto.V5, hangUp, hangUp, func(p *peer) {
			p.greet(false)
			p.expect(msg(1, 1, "a", "one"), msg(2, 2, "a", "two"))
		}, func(p *peer) {
			p.greet(false)
			p.expect("3209 0001 61 0001 00 6f6e65", "3409 0001 61 0002 00 74776f")
			p.bye()
		})
		cfg.Fallback = true
		var s session.Session
		c, err := Dial(t.Context(), cfg, &s)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []*proto.Publish{msg(1, 0, "a", "one"), msg(2, 0, "a", "two")} {
			if err := c.Publish(t.Context(), m, 0); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.Next(t.Context()); err == nil {
			t.Error("no error")
		}
		c.Abort()
		closed(t, resumed(t, cfg, &s))
	})
}
