package broker

import (
	"context"
	"strings"
	"testing"
	"time"

	"mqtt/internal/proto"
)

// slowAuth decides when its context ends or decide is closed. It refuses client identifiers that
// begin with x.
type slowAuth struct {
	asked  chan struct{}
	ended  chan error
	decide chan struct{}
}

func newSlowAuth() *slowAuth {
	return &slowAuth{asked: make(chan struct{}, 10), ended: make(chan error, 10), decide: make(chan struct{})}
}

func (a *slowAuth) Authenticate(ctx context.Context, who *Identity, _ []byte) proto.Reason {
	a.asked <- struct{}{}
	select {
	case <-ctx.Done():
		a.ended <- ctx.Err()
		return proto.ServerUnavailable
	case <-a.decide:
		if strings.HasPrefix(who.ClientID, "x") {
			return proto.NotAuthorized
		}
		return proto.Success
	}
}

// A login ends with its client, with the time for CONNECT, and with the broker.
func TestLoginEnds(t *testing.T) {
	everyVersion(t, Options{}, func(k *bench, v proto.Version) {
		k.stop()
		for name, end := range map[string]func(p *peer){
			"client":         func(p *peer) { p.cut() },
			"client, ahead":  func(p *peer) { p.send(sub(1, to("a", 0))); p.cut() },
			"time":           func(p *peer) { k.pass(11 * time.Second) },
			"broker":         func(p *peer) { k.stop() },
			"broker, ahead":  func(p *peer) { p.send(sub(1, to("a", 0))); k.stop() },
			"long and ahead": func(p *peer) { p.send(pub("a", big(watchedBytes), 0, 0)); k.stop() },
		} {
			a := newSlowAuth()
			k.start(Options{Auth: a, ConnectTimeout: 10 * time.Second})
			p := k.open(v, "c")
			<-a.asked
			began := time.Now()
			end(p)
			k.pass(time.Second)
			select {
			case <-a.ended:
			default:
				t.Errorf("%s: the login goes on", name)
			}
			if name == "time" {
				p.frame()
			}
			p.closed()
			k.stop()
			if took := time.Since(began); took > 15*time.Second {
				t.Errorf("%s: it took %s", name, took)
			}
		}
		k.start(Options{})
	})
}

// Packets that a client sends during its login are handled after it, in order.
func TestLoginKeepsWhatIsSentAhead(t *testing.T) {
	everyVersion(t, Options{}, func(k *bench, v proto.Version) {
		k.stop()
		a := newSlowAuth()
		k.start(Options{Auth: a, ConnectTimeout: 10 * time.Second})
		p := k.open(v, "c", willed("will", "gone"))
		<-a.asked
		p.send(sub(1, to("t", 0)))
		go p.bytes(p.encode(pub("t", big(3*watchedBytes), 1, 2), pub("t", "second", 1, 3))) // more than watchedBytes
		k.pass(time.Second)
		close(a.decide)
		p.want("CONNACK 00", "SUBACK 1 00")
		if m, ok := p.next().(*proto.Publish); !ok || len(m.Payload) != 3*watchedBytes {
			t.Errorf("the first message is %v", m)
		}
		p.want(`PUBLISH t "second"`, "PUBACK 2", "PUBACK 3")
		k.pass(20 * time.Second) // the time for CONNECT no longer applies
		p.send(&proto.Ping{Kind: proto.PINGREQ})
		p.want("PINGRESP")
	})
}

// recalls remembers every right password.
type recalls struct{}

func (recalls) Authenticate(_ context.Context, who *Identity, password []byte) proto.Reason {
	if string(password) != "right" {
		return proto.BadUserNameOrPassword
	}
	return proto.Success
}

func (recalls) Remembers(_ *Identity, password []byte) bool { return string(password) == "right" }

// Failed logins from an address do not use up the connect rate of users whose password was right
// before.
func TestConnectRateOfKnownUsers(t *testing.T) {
	in(t, Options{Auth: recalls{}, ConnectRate: 5}, func(k *bench) {
		for range 5 {
			k.open(proto.V5, "x", login("ann", "wrong")).want("CONNACK 86")
		}
		k.open(proto.V5, "x", login("ann", "wrong")).want("CONNACK 9F")
		for _, user := range []string{"ann", "bob"} {
			p := k.open(proto.V5, user, login(user, "right"))
			k.pass(time.Second)
			p.want("CONNACK 00")
		}
	})
}
