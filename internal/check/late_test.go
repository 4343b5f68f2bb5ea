package check

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mqtt/internal/broker"
	"mqtt/internal/proto"
)

// TestLateServers checks the verdicts on servers that do late what the standard demands: at a time that it leaves
// open, within the slack, or at a time that it forbids.
func TestLateServers(t *testing.T) {
	plain, strict := broker.Options{}, broker.Options{KeepAliveMaximum: 1}
	for _, test := range []struct {
		mutant  mutant
		options broker.Options
		cases   string
		version string
		verdict Verdict
		got     string
	}{
		{sendsAgainLate, plain, "resend-on-reconnect-qos-1 resend-on-reconnect-qos-2 resend-order", "3.1.1", Choice, "the standard names no time"},
		{sendsAgainLate, plain, "resend-on-reconnect-qos-1", "5.0", Choice, "the standard names no time"},
		{mutant{name: "sends nothing again", out: neverAgain}, plain, "resend-on-reconnect-qos-1", "3.1.1", Fail, "although a PINGREQ after that was answered"},
		{mutant{name: "sends nothing again", out: neverAgain}, plain, "resend-on-reconnect-qos-1", "3.1", Warn, "although a PINGREQ after that was answered"},
		{doublesKeepAlive, plain, "keep-alive-ends-silence", "3.1.1", Unsure, "times the Keep Alive: too late"},
		{mutant{name: "has a Keep Alive of its own"}, strict, "server-keep-alive", "5.0", OK, ""},
		{keepsSession, plain, "will-delay-and-session-end", "5.0", Fail, "as its delay"},
	} {
		t.Run(test.mutant.name+" "+test.version, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRunner(Options{Dial: dialMutant(test.mutant, startBroker(t, test.options)), Limit: 600 * time.Millisecond, Selectors: strings.Fields(test.cases)})
				r.slack, r.resend, r.repeats = 3*time.Second, time.Minute, 0
				if test.verdict != Choice {
					r.resend = r.opt.Limit
				}
				report, err := r.run(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				n := 0
				for _, k := range report.Cases {
					if k.Version != test.version {
						continue
					}
					n++
					if k.Verdict != test.verdict || !strings.Contains(k.Got, test.got) {
						t.Errorf("%s: %s, expected %s with %q\nexpected: %s\ngot: %s\n%v", k.ID, k.Verdict, test.verdict, test.got, k.Expected, k.Got, k.Packets)
					}
				}
				if n < len(strings.Fields(test.cases)) {
					t.Errorf("%d cases of version %s", n, test.version)
				}
			})
		})
	}
}

// sendsAgainLate is a server that goes by a timer when it sends messages again, as nats-server does.
var sendsAgainLate = mutant{name: "sends again late", out: func(m *link, p proto.Packet) []proto.Packet {
	if pub, ok := p.(*proto.Publish); ok && pub.Dup {
		later := *pub
		later.Topic, later.Payload = slices.Clone(pub.Topic), slices.Clone(pub.Payload)
		m.mu.Lock()
		defer m.mu.Unlock()
		m.held = append(m.held, &later)
		if len(m.held) == 1 {
			time.AfterFunc(time.Second, func() {
				m.mu.Lock()
				held := m.held
				m.held = nil
				m.mu.Unlock()
				m.write(m.client, held...)
			})
		}
		return nil
	}
	if pub, ok := p.(*proto.Publish); ok {
		m.mu.Lock()
		defer m.mu.Unlock()
		if len(m.held) > 0 { // what comes after it waits, too
			later := *pub
			later.Topic, later.Payload = slices.Clone(pub.Topic), slices.Clone(pub.Payload)
			m.held = append(m.held, &later)
			return nil
		}
	}
	return []proto.Packet{p}
}}

// neverAgain loses messages that are sent again.
func neverAgain(_ *link, p proto.Packet) []proto.Packet {
	if pub, ok := p.(*proto.Publish); ok && pub.Dup {
		return nil
	}
	return []proto.Packet{p}
}

// doublesKeepAlive is a server that waits for twice the time.
var doublesKeepAlive = mutant{name: "doubles the Keep Alive", in: change(func(p *proto.Connect) { p.KeepAlive *= 2 })}

// keepsSession is a server that keeps the will for its delay although the session ends with the connection, as
// mosquitto does.
var keepsSession = mutant{name: "keeps the will for its delay", in: change(func(p *proto.Connect) {
	if p.Will != nil && p.Version == proto.V5 {
		p.Props = p.Props.Without(proto.SessionExpiryInterval).AppendNum(proto.SessionExpiryInterval, 60)
	}
})}
