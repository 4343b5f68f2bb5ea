package broker

import (
	"context"
	"strings"
	"testing"
	"time"

	"mqtt/internal/proto"
)

func TestConnectSaysHowWeDifferFromTheDefaults(t *testing.T) {
	opt := Options{MaxPacket: 1000, ReceiveMaximum: 7, TopicAliasMaximum: 3, KeepAliveMaximum: 60, SessionExpiryMaximum: 100,
		ResponseInformation: func(id *Identity) string { return "answers/" + id.ClientID }}
	in(t, opt, func(k *bench) {
		p := k.open(proto.V5, "a", expiry(500), num(proto.RequestResponseInformation, 1))
		c := p.next().(*proto.Connack)
		for id, want := range map[proto.PropID]uint32{proto.MaximumPacketSize: 1000, proto.ReceiveMaximum: 7,
			proto.TopicAliasMaximum: 3, proto.ServerKeepAlive: 60, proto.SessionExpiryInterval: 100} {
			if got := c.Props.Num(id, 0); got != want {
				t.Errorf("%s = %d, want %d", id, got, want) // [MQTT-3.1.2-21], [MQTT-3.2.2-21]
			}
		}
		if got := string(c.Props.Value(proto.ResponseInformation)); got != "answers/a" {
			t.Errorf("response information %q", got)
		}
		q := k.open(proto.V5, "b") // it did not ask [MQTT-3.1.2-28]
		if c := q.next().(*proto.Connack); c.Props.Has(proto.ResponseInformation) || c.Props.Has(proto.SessionExpiryInterval) {
			t.Error("response information or session expiry that nobody asked about")
		}
	})
}

func TestConnectAssignsAnIdentifier(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		p := k.open(proto.V5, "")                                                              // [MQTT-3.1.3-6], [MQTT-3.1.3-7]
		first := string(p.next().(*proto.Connack).Props.Value(proto.AssignedClientIdentifier)) // [MQTT-3.2.2-16]
		q := k.open(proto.V5, "")
		second := string(q.next().(*proto.Connack).Props.Value(proto.AssignedClientIdentifier))
		if first == "" || first == second {
			t.Errorf("assigned %q and %q", first, second)
		}
		k.open(proto.V311, "").want("CONNACK 00") // 3.1.1 [MQTT-3.1.3-6]
		r := k.open(proto.V5, first, resume)      // an assigned identifier is one like any other
		r.want("CONNACK 00")
		p.want("DISCONNECT 8E why")
	})
}

func TestConnectRefusalsByVersion(t *testing.T) {
	for name, c := range map[string]struct {
		hex  string
		v    proto.Version
		want string // "" is a close without a packet
	}{
		"no identifier, session to keep, 3.1.1 [MQTT-3.1.3-8]": {"100C 0004 4D515454 04 00 0000 0000", proto.V311, "CONNACK 85"}, // 3.1.1 [MQTT-3.1.3-9]
		"3.1 no identifier":                         {"100E 0006 4D5149736470 03 02 0000 0000", proto.V31, "CONNACK 85"},
		"level 3 with MQTT's name":                  {"100D 0004 4D515454 03 02 0000 0001 61", proto.V311, "CONNACK 84"},
		"level 6 [MQTT-3.1.2-2]":                    {"100E 0004 4D515454 06 02 0000 00 0001 61", proto.V5, "CONNACK 84 why"},
		"level 130":                                 {"100D 0004 4D515454 82 02 0000 0001 61", proto.V311, "CONNACK 84"},
		"level 131 with MQTT's name":                {"100D 0004 4D515454 83 02 0000 0001 61", proto.V311, "CONNACK 84"},
		"level 133":                                 {"100E 0004 4D515454 85 02 0000 00 0001 61", proto.V311, "CONNACK 84"},
		"level 255":                                 {"100D 0004 4D515454 FF 02 0000 0001 61", proto.V311, "CONNACK 84"},
		"reserved flag [MQTT-3.1.2-3]":              {"100D 0004 4D515454 04 03 0000 0001 61", proto.V311, ""},
		"reserved flag, 5":                          {"100E 0004 4D515454 05 03 0000 00 0001 61", proto.V5, "CONNACK 81 why"},
		"Receive Maximum 0":                         {"1011 0004 4D515454 05 02 0000 03 210000 0001 61", proto.V5, "CONNACK 82 why"},
		"Maximum Packet Size 0":                     {"1013 0004 4D515454 05 02 0000 05 2700000000 0001 61", proto.V5, "CONNACK 82 why"},
		"session expiry twice":                      {"1018 0004 4D515454 05 02 0000 0A 1100000001 1100000001 0001 61", proto.V5, "CONNACK 82 why"},
		"password without user, 3.1.1":              {"1010 0004 4D515454 04 42 0000 0001 61 0001 62", proto.V311, ""},
		"will QoS 3, 3.1.1 [MQTT-3.1.2-14]":         {"1013 0004 4D515454 04 1E 0000 0001 61 0001 62 0001 63", proto.V311, ""},
		"will to a wildcard":                        {"1015 0004 4D515454 05 06 0000 00 0001 61 00 0001 23 0001 63", proto.V5, "CONNACK 90 why"},
		"identifier with U+0000":                    {"100E 0004 4D515454 05 02 0000 00 0001 00", proto.V5, "CONNACK 81 why"},
		"something else before CONNECT":             {"C000", proto.V311, ""}, // [MQTT-3.1.0-1], 3.1.1 [MQTT-3.1.0-1]
		"authentication method that nobody offered": {"1015 0004 4D515454 05 02 0000 07 15 0004 53435241 0001 61", proto.V5, "CONNACK 8C why"},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, Options{}, func(k *bench) {
				k.misbehaves()
				p := k.dial(c.v)
				p.hex(c.hex)
				if c.want != "" {
					p.want(c.want)
				}
				p.closed() // [MQTT-3.2.2-7]
			})
		})
	}
}

func TestConnectTwiceIsAProtocolError(t *testing.T) {
	everyVersion(t, Options{}, func(k *bench, v proto.Version) {
		k.misbehaves()
		p := k.connect(v, "a")
		p.send(&proto.Connect{ClientID: "a", CleanStart: true}) // [MQTT-3.1.0-2], 3.1.1 [MQTT-3.1.0-2]
		if v == proto.V5 {
			p.want("DISCONNECT 82 why")
		}
		p.closed()
	})
}

func TestClientThatSendsNothingIsDropped(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		p := k.dial(proto.V5)
		p.bytes([]byte("GET / HTTP/1.1\r\n\r\n"))
		k.pass(11 * time.Second)
		p.closed()
	})
	in(t, Options{ConnectTimeout: 3 * time.Second}, func(k *bench) {
		p, q := k.dial(proto.V5), k.dial(proto.V5)
		q.hex("10") // nor one that trickles
		k.pass(2 * time.Second)
		p.silent()
		q.hex("0C")
		k.pass(1100 * time.Millisecond)
		p.closed()
		q.closed()
	})
}

func TestKeepAliveEndsAtOneAndAHalf(t *testing.T) {
	everyVersion(t, Options{}, func(k *bench, v proto.Version) {
		p := k.connect(v, "a", keepAlive(10))
		k.pass(9 * time.Second)
		p.send(&proto.Ping{Kind: proto.PINGREQ})
		p.want("PINGRESP") // [MQTT-3.12.4-1], 3.1.1 [MQTT-3.12.4-1]
		k.pass(14 * time.Second)
		p.silent()
		k.pass(1100 * time.Millisecond) // [MQTT-3.1.2-22], 3.1.1 [MQTT-3.1.2-24]
		if v == proto.V5 {
			p.want("DISCONNECT 8D")
		}
		p.closed()
	})
	in(t, Options{}, func(k *bench) {
		p := k.connect(proto.V311, "a") // 0 is off
		k.pass(24 * time.Hour)
		p.silent()
	})
	in(t, Options{KeepAliveMaximum: 10}, func(k *bench) {
		p := k.connect(proto.V5, "a") // the server's keep alive is used [MQTT-3.1.2-21]
		k.pass(16 * time.Second)
		p.want("DISCONNECT 8D")
		p.closed()
	})
}

func TestTakeoverSaysSo(t *testing.T) {
	everyVersion(t, Options{}, func(k *bench, v proto.Version) {
		p := k.connect(v, "a")
		q := k.connect(v, "a")
		if v == proto.V5 {
			p.want("DISCONNECT 8E why") // [MQTT-3.1.4-3]
		}
		p.closed() // 3.1.1 [MQTT-3.1.4-2]
		q.send(&proto.Ping{Kind: proto.PINGREQ})
		q.want("PINGRESP")
	})
}

func TestTakeoverOfOneThatDoesNotRead(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		p := k.connect(proto.V5, "a")
		p.subscribe(to("x", 0))
		goOn := p.pause()
		p2 := k.connect(proto.V5, "b")
		for range 50 {
			p2.send(pub("x", big(10000), 0, 0))
		}
		q := k.connect(proto.V5, "a")
		q.silent()
		k.pass(time.Minute)
		goOn()
	})
}

type passwords map[string]string

func (p passwords) Authenticate(_ context.Context, who *Identity, password []byte) proto.Reason {
	switch want, ok := p[who.Username]; {
	case !who.HasUsername:
		return proto.NotAuthorized
	case !ok || want != string(password):
		return proto.BadUserNameOrPassword
	}
	return proto.Success
}

func TestAuthIsAsked(t *testing.T) {
	login := func(user, password string) func(*proto.Connect) {
		return func(c *proto.Connect) {
			c.HasUsername, c.Username, c.HasPassword, c.Password = true, user, true, []byte(password)
		}
	}
	everyVersion(t, Options{Auth: passwords{"ann": "secret"}}, func(k *bench, v proto.Version) {
		k.connect(v, "a", login("ann", "secret"))
		p := k.open(v, "b", login("ann", "wrong"))
		p.want("CONNACK 86")
		p.closed()
		p = k.open(v, "c")
		p.want("CONNACK 87")
		p.closed()
	})
}

// echo is a method of two steps: the answer must be the reversed challenge.
type echo struct{}

type echoing struct{ asked bool }

func (echo) Start(_ context.Context, _ *Identity, method string) (Exchange, proto.Reason) {
	if method != "ECHO" {
		return nil, proto.BadAuthenticationMethod
	}
	return &echoing{}, proto.Success
}

func (e *echoing) Step(_ context.Context, data []byte) ([]byte, proto.Reason) {
	if !e.asked {
		e.asked = true
		return []byte("abc"), proto.ContinueAuthentication
	}
	if string(data) != "cba" {
		return nil, proto.NotAuthorized
	}
	return []byte("ok"), proto.Success
}

func (e *echoing) User() string { return "" }

func TestEnhancedAuthentication(t *testing.T) {
	method := func(c *proto.Connect) { c.Props = c.Props.AppendText(proto.AuthenticationMethod, "ECHO") }
	step := func(r proto.Reason, method, data string) *proto.Auth {
		a := &proto.Auth{Reason: r}
		a.Props = a.Props.AppendText(proto.AuthenticationMethod, method).AppendText(proto.AuthenticationData, data)
		return a
	}
	const ask = "AUTH 18 authentication-method=ECHO authentication-data=abc"
	in(t, Options{Enhanced: echo{}}, func(k *bench) {
		k.misbehaves()
		p := k.open(proto.V5, "a", method)
		p.want(ask)
		p.send(step(proto.ContinueAuthentication, "ECHO", "cba"))
		p.want("CONNACK 00 authentication-method=ECHO authentication-data=ok") // [MQTT-4.12.0-5]
		p.send(step(proto.ReAuthenticate, "ECHO", ""))                         // [MQTT-4.12.1-1]
		p.want(ask)
		p.send(pub("x", "meanwhile", 1, 1))
		p.want("PUBACK 1 10")
		p.send(step(proto.ContinueAuthentication, "ECHO", "cba"))
		p.want("AUTH 00 authentication-method=ECHO authentication-data=ok")
		p.send(step(proto.ReAuthenticate, "OTHER", ""))
		p.want("DISCONNECT 8C why")
		p.closed()

		p = k.open(proto.V5, "a", method)
		p.want(ask)
		p.send(step(proto.ContinueAuthentication, "ECHO", "abc"))
		p.want("CONNACK 87")
		p.closed()

		p = k.open(proto.V5, "a", method)
		p.want(ask)
		p.send(pub("x", "too early", 0, 0)) // [MQTT-3.1.2-30]
		p.want("CONNACK 82 why")
		p.closed()

		p = k.connect(proto.V5, "b")
		p.send(step(proto.ReAuthenticate, "ECHO", "")) // [MQTT-4.12.0-7]
		p.want("DISCONNECT 82 why")
		p.closed()
	})
}

func TestCloseSaysServerShuttingDown(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		five, four, half := k.connect(proto.V5, "a"), k.connect(proto.V311, "b"), k.dial(proto.V5)
		watch := k.connect(proto.V311, "w")
		watch.subscribe(to("will/#", 0))
		k.connect(proto.V311, "c", willed("will/c", "gone"))
		k.stop()
		five.want("DISCONNECT 8B")
		five.closed()
		four.closed()
		half.closed()
		watch.want(`PUBLISH will/c "gone"`)
		watch.closed()
	})
}

func TestProblemInformationNotWanted(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		k.misbehaves()
		p := k.connect(proto.V5, "a", num(proto.RequestProblemInformation, 0))
		p.asking(1, "a#", 0)
		p.want("SUBACK 1 8F")
		p.send(pub("$SYS/x", "", 1, 2))
		p.want("PUBACK 2 90")
		q := k.connect(proto.V5, "b")
		q.send(pub("$SYS/x", "", 1, 2))
		q.want("PUBACK 2 90 why") // [MQTT-3.1.2-29]
	})
}

func TestConnectionLimits(t *testing.T) {
	in(t, Options{Connections: 2}, func(k *bench) {
		k.connect(proto.V5, "a")
		b := k.connect(proto.V5, "b")
		p := k.open(proto.V5, "c")
		p.want("CONNACK 89")
		p.closed()
		k.open(proto.V311, "c").want("CONNACK 88") // 3.1.1 has only Server unavailable
		b.leave()
		k.connect(proto.V5, "c")
	})
	in(t, Options{ConnectRate: 2}, func(k *bench) {
		k.connect(proto.V5, "a")
		k.connect(proto.V5, "b")
		k.open(proto.V5, "c").want("CONNACK 9F")
		k.pass(time.Second)
		k.connect(proto.V5, "c")
	})
}

func TestReasonsAreClipped(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		k.misbehaves()
		p := k.connect(proto.V5, "a", num(proto.MaximumPacketSize, 20))
		p.asking(1, "a#", 0)
		p.want("SUBACK 1 8F") // the reason string would not fit
		p.send(pub("$"+strings.Repeat("é", 10), "", 1, 2))
		p.want("PUBACK 2 90")
	})
}

func TestAllInOnePiece(t *testing.T) {
	everyVersion(t, Options{}, func(k *bench, v proto.Version) {
		p := k.dial(v)
		p.send(&proto.Connect{ClientID: "a", CleanStart: true}, sub(1, to("t", 0)), pub("t", "m", 1, 2), &proto.Disconnect{})
		p.want("CONNACK 00", "SUBACK 1 00", `PUBLISH t "m"`, "PUBACK 2") // none is lost because of the DISCONNECT
		p.closed()
	})
}
