package broker

import (
	"context"
	"testing"
	"time"

	"mqtt/internal/proto"
)

// roll is an authentication method whose data is the user name. It answers ? with another step.
type roll struct{}

type rolling struct{ user string }

func (roll) Start(context.Context, *Identity, string) (Exchange, proto.Reason) {
	return &rolling{}, proto.Success
}

func (r *rolling) Step(_ context.Context, data []byte) ([]byte, proto.Reason) {
	if string(data) == "?" {
		return []byte("who"), proto.ContinueAuthentication
	}
	r.user = string(data)
	return nil, proto.Success
}

func (r *rolling) User() string { return r.user }

// onlyAlice allows access to nobody but alice.
type onlyAlice struct{}

func (onlyAlice) Allow(who *Identity, _ string, _ Access) bool { return who.Username == "alice" }

func rolled(user string) func(*proto.Connect) {
	return func(c *proto.Connect) {
		c.Props = c.Props.AppendText(proto.AuthenticationMethod, "ROLL").AppendText(proto.AuthenticationData, user)
	}
}

func roller(r proto.Reason, user string) *proto.Auth {
	a := &proto.Auth{Reason: r}
	a.Props = a.Props.AppendText(proto.AuthenticationMethod, "ROLL").AppendText(proto.AuthenticationData, user)
	return a
}

// The user name that the method finds is the client's, for its rights and for those of its will. A
// user name in CONNECT must be the same, and so must that of a reauthentication [MQTT-4.12.1-1], or
// the connection ends [MQTT-4.12.1-2].
func TestTheMethodSaysWhoItIs(t *testing.T) {
	in(t, Options{Enhanced: roll{}, ACL: onlyAlice{}}, func(k *bench) {
		const in = "CONNACK 00 authentication-method=ROLL"
		watch := k.open(proto.V5, "w", rolled("alice"))
		watch.want(in)
		watch.subscribe(to("will/#", 0))
		p := k.open(proto.V5, "p", rolled("alice"), willed("will/p", "gone"))
		p.want(in)
		p.send(pub("a", "x", 1, 1))
		p.want("PUBACK 1 10") // allowed
		p.cut()
		watch.want(`PUBLISH will/p "gone"`)
		q := k.open(proto.V5, "q", rolled("bob"))
		q.want(in)
		q.send(pub("a", "x", 1, 1))
		q.want("PUBACK 1 87 why")
		named := func(c *proto.Connect) { c.HasUsername, c.Username = true, "alice" }
		r := k.open(proto.V5, "r", rolled("bob"), named)
		r.want("CONNACK 86")
		r.closed()
		r = k.open(proto.V5, "r", rolled("alice"), named)
		r.want(in)
		r.send(roller(proto.ReAuthenticate, "alice"))
		r.want("AUTH 00 authentication-method=ROLL")
		r.send(roller(proto.ReAuthenticate, "bob"))
		r.want("DISCONNECT 87 why")
		r.closed()
	})
}

// An exchange ends before CONNACK after maxAuthSteps, and after CONNACK when an answer is late.
func TestAuthenticationHasAnEnd(t *testing.T) {
	in(t, Options{Enhanced: roll{}, ConnectTimeout: 10 * time.Second}, func(k *bench) {
		const ask = "AUTH 18 authentication-method=ROLL authentication-data=who"
		p := k.open(proto.V5, "p", rolled("?"))
		for range maxAuthSteps {
			p.want(ask)
			p.send(roller(proto.ContinueAuthentication, "?"))
		}
		p.want("CONNACK 87 why")
		p.closed()
		p = k.open(proto.V5, "p", rolled("?"))
		p.want(ask)
		k.pass(11 * time.Second)
		p.want("CONNACK 80 why")
		p.closed()
		p = k.open(proto.V5, "p", rolled("alice"))
		p.want("CONNACK 00 authentication-method=ROLL")
		p.send(roller(proto.ReAuthenticate, "?"))
		p.want(ask)
		k.pass(9 * time.Second)
		p.send(roller(proto.ContinueAuthentication, "?"))
		p.want(ask)
		k.pass(2 * time.Second)
		p.send(roller(proto.ContinueAuthentication, "alice"))
		p.want("DISCONNECT 87 why")
		p.closed()
	})
}
