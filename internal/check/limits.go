package check

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"mqtt/internal/format"
	"mqtt/internal/proto"
)

// How far Limits goes without Harsh.
const (
	gentlePacket        = 1 << 20
	gentleSubscriptions = 1000
	gentleRetained      = 200
	gentleInflight      = 1000
)

// Limits measures the limits of a server in each version, by trying. If the server goes away for good, it returns
// what has been measured, and an error that is ErrGone.
func Limits(ctx context.Context, opt Options) ([]Fact, error) { return newRunner(opt).limits(ctx) }

func (r *runner) limits(parent context.Context) ([]Fact, error) {
	ctx, giveUp := context.WithCancel(parent)
	defer giveUp()
	found, err := r.discover(ctx)
	if err != nil {
		return nil, err
	}
	r.sentinel = r.watch(ctx, found[0], time.Now(), giveUp)
	defer r.sentinel.close()
	var all []Fact
	for _, f := range found {
		m := &measure{ctx: ctx, r: r, j: &job{k: &Case{Name: "limits"}, v: f.Version, found: f}}
		m.all()
		all = append(all, m.facts...)
		if parent.Err() != nil {
			return all, parent.Err()
		}
		if r.sentinel.gone() {
			return all, fmt.Errorf("%w: it went away in MQTT %s while this was measured: %s", ErrGone, VersionName(f.Version), m.name)
		}
	}
	return all, nil
}

// measure measures the limits in one version.
type measure struct {
	ctx   context.Context
	r     *runner
	j     *job
	name  string  // of what is being measured
	last  *Outage // of the last try; nil if there was none
	facts []Fact
}

// try runs a script and reports whether it ended without complaint.
func (m *measure) try(f func(c *C)) bool {
	s := m.r.sentinel
	s.await(m.ctx)
	before := s.count()
	ctx, cancel := context.WithTimeout(m.ctx, caseLimit)
	defer cancel()
	c := m.r.newC(ctx, m.j)
	c.script(0, f)
	if m.last = nil; c.verdict != OK {
		m.last = s.settle(m.ctx, before, probeTime)
	}
	if !s.gone() {
		c.tidy(context.WithoutCancel(m.ctx), m.j)
	}
	return c.verdict == OK
}

// most finds the largest n from least to most for which works is true, by bisection. ok is false if
// even least does not work.
func most(least, most int, works func(n int) bool) (n int, ok bool) {
	if !works(least) {
		return 0, false
	}
	if works(most) {
		return most, true
	}
	for most-least > 1 {
		if mid := least + (most-least)/2; works(mid) {
			least = mid
		} else {
			most = mid
		}
	}
	return least, true
}

// add adds a fact: the largest n for which a script with it succeeds, and the least at which the server went away, if
// it did. unit follows the number, with a space before it.
func (m *measure) add(name, unit, how string, least, last int, limit bool, script func(c *C, n int)) {
	if m.ctx.Err() != nil {
		return
	}
	m.name = name
	crash := 0
	n, ok := most(least, last, func(n int) bool {
		works := m.ctx.Err() == nil && m.try(func(c *C) { script(c, n) })
		if !works && m.last != nil && (crash == 0 || n < crash) {
			crash, m.last = n, nil
		}
		return works
	})
	value, away := format.Count(uint64(n))+unit, "the server goes away at "+format.Count(uint64(crash))+unit
	switch {
	case crash > 0 && !ok:
		value = away
	case crash > n+1: // it did not come back
		value = "at least " + value + "; " + away
	case crash > 0:
		value += "; " + away
	case !ok:
		value = "below " + format.Count(uint64(least)) + unit
	case n == last && limit:
		value += " (the maximum)"
	case n == last:
		value = "at least " + value
	}
	m.fact(name, value, how)
}

func (m *measure) fact(name, value, how string) {
	m.facts = append(m.facts, Fact{VersionName(m.j.v), name, value, how})
}

func (m *measure) all() {
	harsh := m.r.opt.Harsh
	within := func(gentle, all int) (int, bool) {
		if harsh {
			return all, true
		}
		return gentle, false
	}
	m.add("topic", " bytes", "a message that came back", 100, proto.MaxText, true, func(c *C, n int) {
		t := c.Topic("")
		c.echo(t+strings.Repeat("t", n-len(t)), "x")
	})
	m.add("topic levels", "", "a message that came back", 8, 32000, false, func(c *C, n int) {
		t := c.Topic("")
		c.echo(t+strings.Repeat("a/", n-5)+"a", "x")
	})
	m.add("client identifier", " bytes", "CONNECT accepted", 20, proto.MaxText, true, func(c *C, n int) {
		id := c.ID("")
		c.Connect(WithID(id + strings.Repeat("i", n-len(id)))).Barrier()
	})
	packet, all := within(gentlePacket, 268_435_455)
	if top := int(m.j.found.MaximumPacketSize); top > 0 && top < packet {
		packet, all = top, true
	}
	m.add("packet", " bytes", "a message that came back", 1000, packet, all, func(c *C, n int) {
		t := c.Topic("p")
		c.echo(t, strings.Repeat("p", n-len(t)-16))
	})
	if m.j.found.MaximumQoS == 2 {
		inflight, all := within(gentleInflight, 65535)
		m.add("messages in flight to the server", "", "PUBREC for each PUBLISH at QoS 2", 1, inflight, all, inflightScript)
	}
	subscriptions, _ := within(gentleSubscriptions, 50_000)
	m.add("subscriptions of a client", "", "SUBACK with success for each", 1, subscriptions, false, func(c *C, n int) {
		p := c.Connect()
		for i := range n {
			p.Subscribe(c.Topic(strconv.Itoa(i)), 0)
			if p.lastID == 65535 {
				p.lastID = 0
			}
		}
	})
	if m.j.found.Retain {
		retained, _ := within(gentleRetained, 10_000)
		m.add("retained messages", "", "all came back to a new subscription", 1, retained, false, retainedScript)
	}
	m.keepAlive()
}

// echo publishes a message and expects it back.
func (c *C) echo(topic, payload string) {
	p := c.Connect()
	p.Subscribe(topic, 0)
	p.Send(&proto.Publish{Topic: []byte(topic), Payload: []byte(payload)})
	if m := p.Receive("the message"); len(m.Payload) != len(payload) {
		c.Fail("the message", "%d bytes", len(m.Payload))
	}
}

func inflightScript(c *C, n int) {
	p := c.Connect()
	for i := range n {
		m := message(c.Topic("f"), "x", 2)
		m.PacketID = uint16(i + 1)
		p.Send(&m)
		if ack := p.Ack(proto.PUBREC, m.PacketID); ack.Reason >= 0x80 {
			c.Fail("PUBREC with success", "%s", p.describe(ack))
		}
	}
}

func retainedScript(c *C, n int) {
	c.After(func(c *C) {
		p := c.Connect()
		for i := range n {
			p.Send(&proto.Publish{Topic: []byte(c.Topic("r/" + strconv.Itoa(i))), Retain: true})
		}
		p.Barrier()
		p.Disconnect()
	})
	p := c.Connect()
	q := c.storedQoS()
	for i := range n {
		m := retained(c.Topic("r/"+strconv.Itoa(i)), "kept", q)
		if q > 0 {
			m.PacketID = uint16(i%65000 + 1)
		}
		p.Send(&m)
		p.Complete(&m)
	}
	p.Barrier()
	s := c.Connect()
	s.Subscribe(c.Topic("r/+"), 0)
	for range n {
		s.Message("a retained message")
	}
}

// keepAlive finds what the server makes of a short Keep Alive and of a long one.
func (m *measure) keepAlive() {
	if m.ctx.Err() != nil {
		return
	}
	m.name = "Keep Alive"
	if m.j.v == proto.V5 {
		for _, asked := range []uint16{0, 65535} {
			m.try(func(c *C) {
				p := c.Connect(WithKeepAlive(asked))
				value := "accepted"
				if p.Connack.Props.Has(proto.ServerKeepAlive) {
					value = fmt.Sprintf("changed to %d s", p.Connack.Props.Num(proto.ServerKeepAlive, 0))
				}
				m.fact(fmt.Sprintf("Keep Alive %s s", format.Count(uint64(asked))), value, "CONNACK")
			})
		}
	}
	m.try(func(c *C) {
		p := c.Connect(WithKeepAlive(1))
		began := time.Now()
		value := "connected after 10 s"
		for time.Since(began) < 10*time.Second {
			if _, err := p.read(10*time.Second - time.Since(began)); err != nil && err != errNothing {
				value = fmt.Sprintf("disconnected after %.1f s", time.Since(began).Seconds())
				break
			}
		}
		m.fact("silent client, Keep Alive 1 s", value, "measured")
	})
}
