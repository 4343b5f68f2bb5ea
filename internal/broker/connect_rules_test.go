package broker

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"mqtt/internal/proto"
)

// raw is a CONNECT with arbitrary fields: strings get a length, bytes are copied.
func raw(name string, v proto.Version, flags byte, rest ...any) []byte {
	body := append([]byte{0, byte(len(name))}, name...)
	body = append(body, byte(v), flags, 0, 0)
	if v == proto.V5 {
		body = append(body, 0)
	}
	for _, r := range rest {
		switch r := r.(type) {
		case string:
			body = append(append(body, byte(len(r)>>8), byte(len(r))), r...)
		case []byte:
			body = append(body, r...)
		}
	}
	return append(proto.AppendUvarint([]byte{0x10}, len(body)), body...)
}

// A malformed CONNECT is refused: version 5 gets a reason, older versions a close. [MQTT-3.1.4-1],
// [MQTT-4.13.2-1], 3.1.1 [MQTT-3.1.4-1], [MQTT-3.2.2-6]
func TestConnectMustHaveItsForm(t *testing.T) {
	none := []byte{0} // the will's properties, in version 5
	for name, c := range map[string]struct {
		flags byte
		will  bool // the second field is of the will
		rest  []any
	}{
		"identifier that is not UTF-8 [MQTT-3.1.3-4], [MQTT-1.5.4-1], 3.1.1 [MQTT-3.1.3-4], [MQTT-1.5.3-1]": {2, false, []any{"\xff"}},
		"surrogates in the identifier":                                        {2, false, []any{"\xed\xa0\x80"}},
		"U+0000 in the identifier [MQTT-1.5.4-2], 3.1.1 [MQTT-1.5.3-2]":       {2, false, []any{"a\x00"}},
		"no identifier at all [MQTT-3.1.3-3], 3.1.1 [MQTT-3.1.3-3]":           {2, false, nil},
		"identifier cut short":                                                {2, false, []any{[]byte{0, 9, 'a'}}},
		"will flag without a will [MQTT-3.1.2-9], 3.1.1 [MQTT-3.1.2-9]":       {6, false, []any{"a"}},
		"will topic that is not UTF-8 [MQTT-3.1.3-11], 3.1.1 [MQTT-3.1.3-10]": {6, true, []any{"a", "\xff", "m"}},
		"will QoS without a will [MQTT-3.1.2-11], 3.1.1 [MQTT-3.1.2-13]":      {0x0A, false, []any{"a"}},
		"will QoS 3 [MQTT-3.1.2-12], 3.1.1 [MQTT-3.1.2-14]":                   {0x1E, true, []any{"a", "w", "m"}},
		"will retain without a will [MQTT-3.1.2-13], 3.1.1 [MQTT-3.1.2-15]":   {0x22, false, []any{"a"}},
		"a will without its flag, 3.1.1 [MQTT-3.1.2-11]":                      {2, false, []any{"a", "w", "m"}},
		"user flag without a user [MQTT-3.1.2-17], 3.1.1 [MQTT-3.1.2-19]":     {0x82, false, []any{"a"}},
		"user without its flag [MQTT-3.1.2-16], 3.1.1 [MQTT-3.1.2-18]":        {2, false, []any{"a", "user"}},
		"password flag without one [MQTT-3.1.2-19], 3.1.1 [MQTT-3.1.2-21]":    {0xC2, false, []any{"a", "user"}},
		"password without its flag [MQTT-3.1.2-18], 3.1.1 [MQTT-3.1.2-20]":    {0x82, false, []any{"a", "user", "pass"}},
		"user that is not UTF-8 [MQTT-3.1.3-12], 3.1.1 [MQTT-3.1.3-11]":       {0x82, false, []any{"a", "\xff"}},
		"reserved flag [MQTT-3.1.2-3], 3.1.1 [MQTT-3.1.2-3]":                  {3, false, []any{"a"}},
	} {
		for _, v := range []proto.Version{proto.V311, proto.V5} {
			t.Run(fmt.Sprint(v, " ", name), func(t *testing.T) {
				rest := c.rest
				if c.will && v == proto.V5 {
					rest = append([]any{rest[0], none}, rest[1:]...)
				}
				in(t, Options{}, func(k *bench) {
					k.misbehaves()
					p := k.dial(v)
					p.bytes(raw("MQTT", v, c.flags, rest...))
					if v == proto.V5 {
						p.want("CONNACK 81 why")
					}
					p.closed()
				})
			})
		}
	}
	for name, c := range map[string]struct {
		hex  string
		v    proto.Version
		want string
	}{
		"another protocol [MQTT-3.1.2-1], 3.1.1 [MQTT-3.1.2-1]":            {"100D 0004 4D515455 04 02 0000 0001 61", proto.V311, "CONNACK 84"},
		"level 2, 3.1.1 [MQTT-3.1.2-2]":                                    {"100D 0004 4D515454 02 02 0000 0001 61", proto.V311, "CONNACK 84"},
		"password without a user, 3.1.1 [MQTT-3.1.2-22]":                   {"1010 0004 4D515454 04 42 0000 0001 61 0001 62", proto.V311, ""},
		"header bits [MQTT-2.1.3-1], 3.1.1 [MQTT-2.2.2-1], [MQTT-2.2.2-2]": {"110D 0004 4D515454 04 02 0000 0001 61", proto.V311, ""},
		"property length in two bytes [MQTT-1.5.5-1]":                      {"100F 0004 4D515454 05 02 0000 8000 0001 61", proto.V5, "CONNACK 81 why"},
		"no property length [MQTT-2.2.2-1]":                                {"100A 0004 4D515454 05 02 0000", proto.V5, "CONNACK 81 why"},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, Options{}, func(k *bench) {
				k.misbehaves()
				p := k.dial(c.v)
				p.hex(c.hex)
				if c.want != "" {
					p.want(c.want)
				}
				p.closed()
			})
		})
	}
}

// All fields at once, in their order.
func TestConnectFieldsInTheirOrder(t *testing.T) {
	everyVersion(t, Options{Auth: passwords{"ann": "secret"}}, func(k *bench, v proto.Version) {
		login := func(c *proto.Connect) {
			c.HasUsername, c.Username, c.HasPassword, c.Password = true, "ann", true, []byte("secret")
		}
		s := k.connect(v, "s", login)
		s.subscribe(to("w", 2))
		p := k.dial(v)
		rest := []any{"p", "w", "gone", "ann", "secret"}
		name := "MQTT"
		switch v {
		case proto.V5:
			rest = append([]any{"p", []byte{0}}, rest[1:]...)
		case proto.V31:
			name = "MQIsdp"
		}
		p.bytes(raw(name, v, 0xD6, rest...)) // [MQTT-3.1.3-1], 3.1.1 [MQTT-3.1.3-1]
		p.want("CONNACK 00")
		p.cut()
		s.want(`PUBLISH w "gone" q2 id1`) // [MQTT-3.1.2-7], [MQTT-3.1.2-8], 3.1.1 [MQTT-3.1.2-8]
	})
}

func TestConnectIdentifiersOfAllLetters(t *testing.T) {
	everyVersion(t, Options{}, func(k *bench, v proto.Version) {
		const letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		for n := 1; n <= 23; n++ { // [MQTT-3.1.3-5], 3.1.1 [MQTT-3.1.3-5]
			for at := 0; at+n <= len(letters); at += 23 {
				k.connect(v, letters[at:at+n]).leave()
			}
		}
		if v > proto.V31 {
			k.connect(v, strings.Repeat("long é/# ", 100)).leave() // and more than one must
		}
	})
}

// CONNACK is the first packet and sent once. After a refusal nothing is processed.
func TestConnackIsFirstAndOnly(t *testing.T) {
	everyVersion(t, Options{Auth: passwords{"ann": "secret"}}, func(k *bench, v proto.Version) {
		k.misbehaves()
		login := func(c *proto.Connect) {
			c.HasUsername, c.Username, c.HasPassword, c.Password = true, "ann", true, []byte("secret")
		}
		refused := k.dial(v)
		refused.send(&proto.Connect{ClientID: "r", CleanStart: true}, pub("r", "kept", 0, 0, retain), sub(1, to("#", 0)))
		refused.want("CONNACK 87")
		refused.closed() // [MQTT-3.1.4-2], [MQTT-3.2.2-7], [MQTT-3.14.0-1], 3.1.1 [MQTT-3.2.2-5]
		p := k.dial(v)
		c := &proto.Connect{ClientID: "p", CleanStart: true}
		login(c)
		p.send(c, &proto.Ping{Kind: proto.PINGREQ}, sub(1, to("#", 0)))
		p.want("CONNACK 00", "PINGRESP", "SUBACK 1 00") // [MQTT-3.2.0-1], [MQTT-3.1.4-5], 3.1.1 [MQTT-3.2.0-1], [MQTT-3.1.4-4]
		p.silent()                                      // [MQTT-3.1.4-6], 3.1.1 [MQTT-3.1.4-5]: no retained message was left
		p.send(c)
		if v == proto.V5 {
			p.want("DISCONNECT 82 why") // [MQTT-3.2.0-2]: no second CONNACK
		}
		p.closed() // 3.1.1 [MQTT-3.1.0-2]
	})
}

func TestSessionPresent(t *testing.T) {
	everyVersion(t, Options{Auth: passwords{"ann": "secret"}}, func(k *bench, v proto.Version) {
		flags := func(clean bool, password string) (byte, byte) {
			p := k.dial(v)
			c := &proto.Connect{ClientID: "s", CleanStart: clean, HasUsername: true, Username: "ann", HasPassword: true, Password: []byte(password)}
			if v == proto.V5 {
				c.Props = c.Props.AppendNum(proto.SessionExpiryInterval, 1000)
			}
			p.send(c)
			f, ok := p.frame()
			if !ok {
				t.Fatal("no CONNACK")
			}
			p.cut()
			return f.Body[0], f.Body[1]
		}
		present := byte(1)
		if v == proto.V31 {
			present = 0 // 3.1 has no such flag
		}
		for _, c := range []struct {
			clean    bool
			password string
			flags    byte
			ok       bool
		}{
			{false, "secret", 0, true},       // [MQTT-3.1.2-6], [MQTT-3.2.2-3], 3.1.1 [MQTT-3.2.2-3]: there was none
			{false, "secret", present, true}, // [MQTT-3.1.2-5], [MQTT-3.1.4-4], 3.1.1 [MQTT-3.1.2-4], [MQTT-3.2.2-2], [MQTT-3.1.4-3]
			{false, "wrong", 0, false},       // [MQTT-3.2.2-6], 3.1.1 [MQTT-3.2.2-4]
			{false, "secret", present, true}, // and the session still exists
			{true, "secret", 0, true},        // [MQTT-3.1.2-4], [MQTT-3.2.2-2], 3.1.1 [MQTT-3.1.2-6], [MQTT-3.2.2-1]
		} {
			if f, code := flags(c.clean, c.password); f != c.flags || (code == 0) != c.ok { // [MQTT-3.2.2-1]: all other bits are 0
				t.Errorf("%+v: flags %x, code %x", c, f, code)
			}
		}
	})
}

// A packet that exceeds the client's Maximum Packet Size is not sent.
func TestConnackFitsTheClient(t *testing.T) {
	in(t, Options{Without: Without{QoS2: true}}, func(k *bench) {
		second := willed("w", "", func(w *proto.Will) { w.QoS = 2 })
		k.open(proto.V5, "p", second, num(proto.MaximumPacketSize, 100)).want("CONNACK 9B why") // [MQTT-3.2.2-12]
		p := k.open(proto.V5, "p", second, num(proto.MaximumPacketSize, 8))
		p.want("CONNACK 9B") // [MQTT-3.2.2-19], [MQTT-3.2.2-20], [MQTT-3.2.2-8]
		p.closed()
		p = k.open(proto.V5, "p", num(proto.MaximumPacketSize, 8))
		p.want("CONNACK 95") // a CONNACK that accepts has more than 8 bytes [MQTT-3.1.2-24]
		p.closed()
		p = k.open(proto.V5, "p", num(proto.MaximumPacketSize, 4))
		p.closed() // and so has one that refuses
		p = k.connect(proto.V5, "p", num(proto.MaximumPacketSize, 24))
		var many []proto.Subscription
		for i := range 30 {
			many = append(many, to(fmt.Sprint(i), 0))
		}
		p.send(sub(1, many...))
		p.want("DISCONNECT 95")
		p.closed()
	})
}

func TestKeepAliveIsTheClientsOwn(t *testing.T) {
	in(t, Options{KeepAliveMaximum: 100}, func(k *bench) {
		p := k.connect(proto.V5, "p", keepAlive(10)) // less than the server's: it is used [MQTT-3.2.2-22]
		k.pass(14 * time.Second)
		p.silent()
		k.pass(1100 * time.Millisecond)
		p.want("DISCONNECT 8D")
		p.closed()
		q := k.connect(proto.V311, "q", keepAlive(200)) // a client that cannot be told keeps its own, too
		k.pass(299 * time.Second)
		q.silent()
		k.pass(2 * time.Second)
		q.closed() // 3.1.1 [MQTT-3.1.2-24]
	})
}

// AUTH packets that are unexpected, malformed, or too large for the client.
func TestAuthPackets(t *testing.T) {
	method := func(c *proto.Connect) { c.Props = c.Props.AppendText(proto.AuthenticationMethod, "ECHO") }
	answer := func(data string) *proto.Auth {
		a := &proto.Auth{Reason: proto.ContinueAuthentication}
		a.Props = a.Props.AppendText(proto.AuthenticationMethod, "ECHO").AppendText(proto.AuthenticationData, data)
		return a
	}
	const ask = "AUTH 18 authentication-method=ECHO authentication-data=abc" // [MQTT-4.12.0-2], [MQTT-3.15.2-1]
	in(t, Options{Enhanced: echo{}}, func(k *bench) {
		k.misbehaves()
		p := k.open(proto.V5, "p", method)
		p.want(ask) // without reason string and user properties, whatever would fit [MQTT-3.15.2-2], [MQTT-3.15.2-3]
		p.send(answer("cba"))
		p.want("CONNACK 00 authentication-method=ECHO authentication-data=ok") // [MQTT-4.12.0-5]
		p.hex("F100")
		p.want("DISCONNECT 81 why") // [MQTT-3.15.1-1]
		p.closed()
		p = k.open(proto.V5, "p", method)
		p.want(ask)
		p.send(&proto.Auth{Reason: proto.ReAuthenticate, Props: answer("cba").Props}) // [MQTT-4.12.0-3]
		p.want("CONNACK 82 why")
		p.closed()
		p = k.open(proto.V5, "p", method)
		p.want(ask)
		p.send(answer("no"))
		p.want("CONNACK 87") // [MQTT-4.12.0-4]
		p.closed()
		p = k.open(proto.V5, "p", method, num(proto.MaximumPacketSize, 12))
		p.want("CONNACK 95")
		p.closed()
		p = k.connect(proto.V5, "plain") // no method: neither AUTH nor a method in CONNACK [MQTT-4.12.0-6]
		p.silent()
		q := k.open(proto.V5, "q", method)
		q.want(ask)
		q.send(answer("cba"))
		q.want("CONNACK 00 authentication-method=ECHO authentication-data=ok")
		q.send(&proto.Auth{Reason: proto.ReAuthenticate, Props: answer("").Props})
		q.want(ask)
		q.send(answer("no"))
		q.want("DISCONNECT 87") // [MQTT-4.12.1-2]
		q.closed()
	})
	in(t, Options{Enhanced: echo{}}, func(k *bench) {
		k.misbehaves()
		p := k.open(proto.V5, "p", func(c *proto.Connect) { c.Props = c.Props.AppendText(proto.AuthenticationMethod, "OTHER") })
		p.want("CONNACK 8C") // [MQTT-4.12.0-1]
		p.closed()
	})
}
