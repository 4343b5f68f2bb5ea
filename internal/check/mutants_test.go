package check

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mqtt/internal/broker"
	"mqtt/internal/proto"
)

// mutant is a server with one planted fault: our broker behind a relay that changes packets.
type mutant struct {
	name string
	in   func(m *link, p proto.Packet) []proto.Packet // of the client; nil: unchanged
	out  func(m *link, p proto.Packet) []proto.Packet // of the server; nil: unchanged

	// raw changes the bytes of a packet of one direction, before the others look at it; nil: unchanged
	raw func(m *link, b []byte, in bool) []byte

	// The rules that the fault breaks, in 5.0 and in 3.1.1, which must be among those of the failures.
	v5, v311 string
	also     string // further cases that are needed to see it

	open   bool // the end of the server's connection is hidden from the client, and PINGREQ answered
	abrupt bool // DISCONNECT of the client becomes a lost connection

	farewell bool // the server sends DISCONNECT before it closes
}

// link is one connection of a mutant.
type link struct {
	mu     sync.Mutex
	v      proto.Version
	client net.Conn
	server net.Conn
	seen   map[string]int // what a fault counts
	held   []proto.Packet
}

// count returns how often it was called with that name, from 1.
func (m *link) count(name string) int { return m.add(name, 1) }

// add adds n to what is counted under that name, and returns the sum.
func (m *link) add(name string, n int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.seen == nil {
		m.seen = make(map[string]int)
	}
	m.seen[name] += n
	return m.seen[name]
}

// drop returns a fault that loses the packets of a type.
func drop(t proto.Type) func(*link, proto.Packet) []proto.Packet {
	return func(_ *link, p proto.Packet) []proto.Packet {
		if p.Type() == t {
			return nil
		}
		return []proto.Packet{p}
	}
}

// change returns a fault that changes packets of one kind.
func change[T proto.Packet](f func(T)) func(*link, proto.Packet) []proto.Packet {
	return func(_ *link, p proto.Packet) []proto.Packet {
		if t, ok := p.(T); ok {
			f(t)
		}
		return []proto.Packet{p}
	}
}

// cut returns a fault that shortens a property away.
func without(id proto.PropID) func(*link, proto.Packet) []proto.Packet {
	return func(_ *link, p proto.Packet) []proto.Packet {
		switch a := p.(type) {
		case *proto.Publish:
			a.Props = a.Props.Without(id)
		case *proto.Connect:
			a.Props = a.Props.Without(id)
			if a.Will != nil {
				a.Will.Props = a.Will.Props.Without(id)
			}
		case *proto.Subscribe:
			a.Props = a.Props.Without(id)
		case *proto.Disconnect:
			a.Props = a.Props.Without(id)
		}
		return []proto.Packet{p}
	}
}

// mutants are the planted faults.
var mutants = []mutant{
	{name: "stays open after an error", open: true},
	{name: "loses messages to clients", out: drop(proto.PUBLISH)},
	{name: "loses messages to the server", in: drop(proto.PUBLISH)},
	{name: "loses PUBACK", out: drop(proto.PUBACK)},
	{name: "loses PUBREC", out: drop(proto.PUBREC)},
	{name: "loses PUBREL", out: drop(proto.PUBREL)},
	{name: "loses PUBCOMP", out: drop(proto.PUBCOMP)},
	{name: "loses SUBACK", out: drop(proto.SUBACK)},
	{name: "loses UNSUBACK", out: drop(proto.UNSUBACK)},
	{name: "ignores UNSUBSCRIBE", in: func(m *link, p proto.Packet) []proto.Packet {
		u, ok := p.(*proto.Unsubscribe)
		if !ok {
			return []proto.Packet{p}
		}
		return []proto.Packet{&proto.Unsubscribe{PacketID: u.PacketID, Filters: []string{"mqtt-check-none"}}}
	}},
	{name: "loses PINGRESP", out: drop(proto.PINGRESP)},
	{name: "loses CONNACK", out: drop(proto.CONNACK)},
	{name: "sends messages twice", out: func(_ *link, p proto.Packet) []proto.Packet {
		if m, ok := p.(*proto.Publish); ok && m.QoS == 0 {
			return []proto.Packet{p, p}
		}
		return []proto.Packet{p}
	}},
	{name: "sends messages at QoS 1 twice", out: func(_ *link, p proto.Packet) []proto.Packet {
		if m, ok := p.(*proto.Publish); ok && m.QoS == 1 {
			again := *m
			again.QoS, again.PacketID = 0, 0
			return []proto.Packet{p, &again}
		}
		return []proto.Packet{p}
	}},
	{name: "takes messages at QoS 2 twice", in: func(_ *link, p proto.Packet) []proto.Packet {
		if m, ok := p.(*proto.Publish); ok && m.QoS == 2 {
			again := *m
			again.QoS, again.PacketID, again.Dup = 0, 0, false
			return []proto.Packet{&again, p}
		}
		return []proto.Packet{p}
	}},
	{name: "sends unacknowledged messages again on the same connection", out: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Publish); ok && a.QoS > 0 {
			again := *a
			again.Dup = true
			time.AfterFunc(300*time.Millisecond, func() { m.write(m.client, &again) })
		}
		return []proto.Packet{p}
	}},
	{name: "delivers to everybody", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters {
			if !strings.HasPrefix(p.Filters[i].Filter, "$") && proto.CheckFilter(p.Filters[i].Filter) == nil {
				p.Filters[i].Filter = "#"
			}
		}
	})},
	{name: "grants every filter", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters {
			if proto.CheckFilter(p.Filters[i].Filter) != nil {
				p.Filters[i].Filter = "mqtt-check-granted"
			}
		}
	})},
	{name: "ignores wildcards", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters {
			p.Filters[i].Filter = strings.NewReplacer("+", "plus", "#", "hash").Replace(p.Filters[i].Filter)
		}
	})},
	{name: "delivers topics with $ for wildcards", in: change(func(p *proto.Publish) {
		if len(p.Topic) > 0 && p.Topic[0] == '$' {
			p.Topic = p.Topic[1:]
		}
	}), out: change(func(p *proto.Publish) {
		if strings.HasPrefix(string(p.Payload), "hidden") {
			p.Topic = append([]byte("$"), p.Topic...)
		}
	})},
	{name: "changes topics to lower case", in: change(func(p *proto.Publish) { p.Topic = []byte(strings.ToLower(string(p.Topic))) }),
		out: change(func(*proto.Subscribe) {})},
	{name: "normalizes topics", in: func(_ *link, p proto.Packet) []proto.Packet {
		clean := func(s string) string {
			s = strings.NewReplacer("//", "/", "e\u0301", "\u00e9", "\ufeff", "", "  ", " ").Replace(s)
			return strings.ToLower(strings.TrimPrefix(s, "/"))
		}
		switch a := p.(type) {
		case *proto.Publish:
			a.Topic = []byte(clean(string(a.Topic)))
		case *proto.Subscribe:
			for i := range a.Filters {
				a.Filters[i].Filter = clean(a.Filters[i].Filter)
			}
		}
		return []proto.Packet{p}
	}},
	{name: "acknowledges with another identifier", out: change(func(p *proto.Ack) { p.PacketID ^= 0x100 })},
	{name: "answers subscriptions with another identifier", out: change(func(p *proto.Suback) { p.PacketID ^= 0x100 })},
	{name: "answers with one reason code for all filters", out: change(func(p *proto.Suback) { p.Reasons = p.Reasons[:min(1, len(p.Reasons))] })},
	{name: "reverses reason codes", out: change(func(p *proto.Suback) { slices.Reverse(p.Reasons) })},
	{name: "subscribes to the first filter only", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters[1:] {
			p.Filters[i+1].Filter = "mqtt-check-none"
		}
	})},
	{name: "ends the first filter only", in: change(func(p *proto.Unsubscribe) {
		for i := range p.Filters[1:] {
			p.Filters[i+1] = "mqtt-check-none"
		}
	})},
	{name: "ends the subscription of a similar filter", in: change(func(p *proto.Unsubscribe) {
		for i := range p.Filters {
			p.Filters[i] = strings.ReplaceAll(p.Filters[i], "+", "b")
		}
	})},
	{name: "sets DUP", out: change(func(p *proto.Publish) { p.Dup = p.QoS > 0 })},
	{name: "clears DUP", out: change(func(p *proto.Publish) { p.Dup = false })},
	{name: "sets RETAIN", out: change(func(p *proto.Publish) { p.Retain = true })},
	{name: "clears RETAIN", out: change(func(p *proto.Publish) { p.Retain = false })},
	{name: "retains everything", in: change(func(p *proto.Publish) { p.Retain = true })},
	{name: "retains nothing", in: change(func(p *proto.Publish) { p.Retain = false })},
	{name: "keeps retained messages for ever", in: func(_ *link, p proto.Packet) []proto.Packet {
		if m, ok := p.(*proto.Publish); ok && m.Retain && len(m.Payload) == 0 {
			m.Retain = false
		}
		return []proto.Packet{p}
	}},
	{name: "keeps the first retained message", in: func() func(*link, proto.Packet) []proto.Packet {
		var mu sync.Mutex
		seen := map[string]bool{}
		return func(_ *link, p proto.Packet) []proto.Packet {
			mu.Lock()
			defer mu.Unlock()
			if m, ok := p.(*proto.Publish); ok && m.Retain && len(m.Payload) > 0 {
				if seen[string(m.Topic)] {
					m.Retain = false
				}
				seen[string(m.Topic)] = true
			}
			return []proto.Packet{p}
		}
	}()},
	{name: "stores empty retained messages", in: change(func(p *proto.Publish) {
		if p.Retain && len(p.Payload) == 0 {
			p.Payload = []byte(" ")
		}
	})},
	{name: "ignores Retain Handling", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters {
			p.Filters[i].RetainHandling = 0
		}
	})},
	{name: "treats Retain Handling 0 as 2", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters {
			p.Filters[i].RetainHandling = 2
		}
	})},
	{name: "ignores Retain As Published", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters {
			p.Filters[i].RetainAsPublished = false
		}
	})},
	{name: "ignores No Local", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters {
			p.Filters[i].NoLocal = false
		}
	})},
	{name: "takes every subscription as No Local", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters {
			p.Filters[i].NoLocal = !strings.HasPrefix(p.Filters[i].Filter, "$share")
		}
	})},
	{name: "ignores shared subscriptions", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters {
			if name, filter := proto.SplitShare(p.Filters[i].Filter); name != "" {
				p.Filters[i].Filter = filter
			}
		}
	})},
	{name: "one group for all share names", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters {
			if name, filter := proto.SplitShare(p.Filters[i].Filter); name != "" {
				p.Filters[i].Filter = "$share/all/" + filter
			}
		}
	})},
	{name: "delivers at QoS 0", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters {
			p.Filters[i].QoS = 0
		}
	})},
	{name: "grants QoS 2 to all", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters {
			p.Filters[i].QoS = 2
		}
	})},
	{name: "publishes at QoS 0 and acknowledges", out: change(func(p *proto.Publish) { p.QoS, p.PacketID, p.Dup = 0, 0, false })},
	{name: "reorders messages", out: func(m *link, p proto.Packet) []proto.Packet {
		a, ok := p.(*proto.Publish)
		if !ok || string(a.Payload) != "3" {
			if ok && len(m.held) > 0 {
				all := append([]proto.Packet{p}, m.held...)
				m.held = nil
				return all
			}
			return []proto.Packet{p}
		}
		m.held = append(m.held, p)
		return nil
	}},
	{name: "loses the session", in: change(func(p *proto.Connect) { p.CleanStart = true })},
	{name: "never starts a clean session", in: change(func(p *proto.Connect) {
		if p.ClientID == "" {
			return
		}
		p.CleanStart = false
		if p.Version == proto.V5 {
			p.Props = p.Props.Without(proto.SessionExpiryInterval).AppendNum(proto.SessionExpiryInterval, 60)
		}
	})},
	{name: "says no session present", out: change(func(p *proto.Connack) { p.SessionPresent = false })},
	{name: "says a session is present", out: change(func(p *proto.Connack) { p.SessionPresent = p.Reason == proto.Success })},
	{name: "keeps sessions for ever", in: func(_ *link, p proto.Packet) []proto.Packet {
		switch a := p.(type) {
		case *proto.Connect:
			if a.Props.Has(proto.SessionExpiryInterval) {
				a.Props = a.Props.Without(proto.SessionExpiryInterval).AppendNum(proto.SessionExpiryInterval, 600)
			}
		case *proto.Disconnect:
			a.Props = a.Props.Without(proto.SessionExpiryInterval)
		}
		return []proto.Packet{p}
	}},
	{name: "lets two clients have one identifier", in: func() func(m *link, p proto.Packet) []proto.Packet {
		var mu sync.Mutex
		n := 0
		return change(func(p *proto.Connect) {
			mu.Lock()
			defer mu.Unlock()
			n++
			p.ClientID += strings.Repeat("x", n%7)
		})
	}()},
	{name: "has no wills", in: change(func(p *proto.Connect) { p.Will = nil })},
	{name: "publishes the will always", abrupt: true},
	{name: "publishes wills at QoS 0", in: change(func(p *proto.Connect) {
		if p.Will != nil {
			p.Will.QoS = 0
		}
	})},
	{name: "retains no will", in: change(func(p *proto.Connect) {
		if p.Will != nil {
			p.Will.Retain = false
		}
	})},
	{name: "retains every will", in: change(func(p *proto.Connect) {
		if p.Will != nil {
			p.Will.Retain = true
		}
	})},
	{name: "publishes wills without delay", in: without(proto.WillDelayInterval)},
	{name: "delays wills", in: change(func(p *proto.Connect) {
		if p.Will != nil && p.Version == proto.V5 {
			p.Will.Props = p.Will.Props.Without(proto.WillDelayInterval).AppendNum(proto.WillDelayInterval, 60)
			p.Props = p.Props.Without(proto.SessionExpiryInterval).AppendNum(proto.SessionExpiryInterval, 60)
		}
	})},
	{name: "has no keep alive", in: change(func(p *proto.Connect) { p.KeepAlive = 0 })},
	{name: "ends idle connections after a second", in: change(func(p *proto.Connect) { p.KeepAlive = 1 })},
	{name: "has no message expiry", in: without(proto.MessageExpiryInterval)},
	{name: "does not count message expiry down", out: change(func(p *proto.Publish) {
		if n := p.Props.Num(proto.MessageExpiryInterval, 0); n > 50 {
			p.Props = p.Props.Without(proto.MessageExpiryInterval).AppendNum(proto.MessageExpiryInterval, 100)
		}
	})},
	{name: "loses user properties", in: without(proto.UserProperty)},
	{name: "reverses user properties", out: change(func(p *proto.Publish) {
		var pairs []proto.Prop
		for q := range p.Props.All() {
			if q.ID == proto.UserProperty {
				pairs = append(pairs, q)
			}
		}
		slices.Reverse(pairs)
		p.Props = p.Props.Without(proto.UserProperty)
		for _, q := range pairs {
			p.Props = p.Props.Append(q)
		}
	})},
	{name: "loses Content Type", in: without(proto.ContentType)},
	{name: "loses Response Topic", in: without(proto.ResponseTopic)},
	{name: "loses Correlation Data", in: without(proto.CorrelationData)},
	{name: "loses Payload Format Indicator", in: without(proto.PayloadFormatIndicator)},
	{name: "adds a property", out: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Publish); ok && m.v == proto.V5 && len(a.Props) == 0 {
			a.Props = a.Props.AppendText(proto.ContentType, "added")
		}
		return []proto.Packet{p}
	}},
	{name: "loses subscription identifiers", in: without(proto.SubscriptionIdentifier)},
	{name: "has the first subscription identifier only", out: change(func(p *proto.Publish) {
		if first, ok := p.Props.Get(proto.SubscriptionIdentifier); ok {
			p.Props = p.Props.Without(proto.SubscriptionIdentifier).Append(first)
		}
	})},
	{name: "adds a subscription identifier", out: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Publish); ok && m.v == proto.V5 && !a.Props.Has(proto.SubscriptionIdentifier) {
			a.Props = a.Props.AppendNum(proto.SubscriptionIdentifier, 9)
		}
		return []proto.Packet{p}
	}},
	{name: "ignores the client's Receive Maximum", in: without(proto.ReceiveMaximum)},
	{name: "holds messages at QoS 0 up", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters {
			p.Filters[i].QoS = max(p.Filters[i].QoS, 1)
		}
	}), out: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Publish); ok && a.QoS == 0 && m.count("zero") == 1 {
			return nil
		}
		return []proto.Packet{p}
	}},
	{name: "ignores the client's Maximum Packet Size", in: without(proto.MaximumPacketSize)},
	{name: "sends topic aliases to all", in: func(_ *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Connect); ok && a.Version == proto.V5 {
			a.Props = a.Props.Without(proto.TopicAliasMaximum).AppendNum(proto.TopicAliasMaximum, 50)
		}
		return []proto.Packet{p}
	}},
	{name: "loses topic aliases", in: func(_ *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Publish); ok && len(a.Topic) == 0 {
			return nil
		}
		return []proto.Packet{p}
	}},
	{name: "has response information for all", out: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Connack); ok && m.v == proto.V5 {
			a.Props = a.Props.AppendText(proto.ResponseInformation, "r")
		}
		return []proto.Packet{p}
	}},
	{name: "has an authentication method for all", out: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Connack); ok && m.v == proto.V5 {
			a.Props = a.Props.AppendText(proto.AuthenticationMethod, "m")
		}
		return []proto.Packet{p}
	}},
	{name: "has reason strings for all", out: func(m *link, p proto.Packet) []proto.Packet {
		if m.v == proto.V5 {
			switch a := p.(type) {
			case *proto.Suback:
				a.Props = a.Props.AppendText(proto.ReasonString, "because")
			case *proto.Ack:
				a.Props = a.Props.AppendText(proto.ReasonString, "because")
			}
		}
		return []proto.Packet{p}
	}},
	{name: "assigns the same identifier to all", in: change(func(p *proto.Connect) {
		if p.ClientID == "" && p.Version >= proto.V311 {
			p.ClientID = "mqtt-check-assigned"
		}
	}), out: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Connack); ok && m.v == proto.V5 && m.count("connack") == 1 {
			a.Props = a.Props.Without(proto.AssignedClientIdentifier).AppendText(proto.AssignedClientIdentifier, "mqtt-check-assigned")
		}
		return []proto.Packet{p}
	}},
	{name: "sends PUBREL after a refusal", in: change(func(p *proto.Ack) {
		if p.Kind == proto.PUBREC || p.Kind == proto.PUBACK {
			p.Reason = proto.Success
		}
	})},
	{name: "does not let QoS 1 refusals end", in: func(_ *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Ack); ok && a.Reason >= 0x80 {
			return nil
		}
		return []proto.Packet{p}
	}},
	{name: "sends CONNACK twice", out: func(_ *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Connack); ok && a.Reason == proto.Success {
			return []proto.Packet{p, p}
		}
		return []proto.Packet{p}
	}},
	{name: "refuses long identifiers", in: func(m *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Connect); ok && len(a.ClientID) > 18 {
			m.write(m.client, &proto.Connack{Reason: proto.ClientIdentifierNotValid})
			m.client.Close() //nolint:errcheck // the fault
			return nil
		}
		return []proto.Packet{p}
	}},
	{name: "reads only the first packet of a write", in: func(m *link, p proto.Packet) []proto.Packet {
		if m.count("in") > 40 {
			return nil
		}
		return []proto.Packet{p}
	}},
	{name: "loses the middle of large payloads", out: change(func(p *proto.Publish) {
		if len(p.Payload) > 1000 {
			p.Payload = p.Payload[:1000]
		}
	})},
	{name: "changes payloads", out: change(func(p *proto.Publish) { p.Payload = []byte(strings.ToValidUTF8(string(p.Payload), "?")) })},
	{name: "loses empty messages", in: func(_ *link, p proto.Packet) []proto.Packet {
		if a, ok := p.(*proto.Publish); ok && len(a.Payload) == 0 && !a.Retain {
			return nil
		}
		return []proto.Packet{p}
	}},
	{name: "delivers nothing that waited", in: change(func(p *proto.Subscribe) {
		for i := range p.Filters {
			p.Filters[i].QoS = 0
		}
	}), out: change(func(p *proto.Suback) {
		for i := range p.Reasons {
			if p.Reasons[i] == 0 {
				p.Reasons[i] = 2
			}
		}
	})},
}

// write sends packets to one side of the link.
func (m *link) write(to net.Conn, packets ...proto.Packet) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var b []byte
	for _, p := range packets {
		c, err := p.Append(b, m.v)
		if err == nil {
			b = c
		}
	}
	to.Write(b) //nolint:errcheck // the reader sees the end
}

// dialMutant returns a dialer of the mutant of the broker that l serves.
func dialMutant(mu mutant, l *pipes) func(context.Context, proto.Version) (net.Conn, error) {
	return func(ctx context.Context, v proto.Version) (net.Conn, error) {
		server, err := l.dial(ctx, v)
		if err != nil {
			return nil, err
		}
		ours, theirs := net.Pipe()
		near, far := &buffered{Conn: ours}, &buffered{Conn: theirs} // link.mu is held during writes
		m := &link{v: v, client: far, server: server}
		go mu.relay(m, far, server, mu.in, true)   // ends with the client's connection
		go mu.relay(m, server, far, mu.out, false) // ends with the server's
		return near, nil
	}
}

// relay passes packets on, changed by the fault. It closes from when nothing more comes from it.
func (mu *mutant) relay(m *link, from, to net.Conn, fault func(*link, proto.Packet) []proto.Packet, in bool) {
	defer from.Close() //nolint:errcheck // one end of a test's connection
	r := proto.NewReader(from, 0)
	closing := func() { to.Close() } //nolint:errcheck // one end of a test's connection
	for {
		f, err := r.Next()
		var wrong *proto.Error
		if errors.As(err, &wrong) {
			// Not a packet: the rest goes to the other side as it is.
			m.mu.Lock()
			to.Write(slices.Clone(r.Bytes())) //nolint:errcheck // the reader sees the end
			m.mu.Unlock()
			buf := make([]byte, 4096)
			for {
				n, err := from.Read(buf)
				if err != nil {
					break
				}
				m.mu.Lock()
				to.Write(buf[:n]) //nolint:errcheck // the reader sees the end
				m.mu.Unlock()
			}
		}
		if err != nil {
			if mu.open && !in {
				mu.pretend(m)
				return
			}
			if mu.farewell && !in {
				m.mu.Lock()
				to.Write([]byte{0xE0, 0}) //nolint:errcheck // the client may be gone
				m.mu.Unlock()
			}
			closing()
			return
		}
		raw := appendFrame(nil, f)
		if mu.raw != nil {
			if raw = mu.raw(m, raw, in); raw == nil {
				continue
			}
		}
		f, _, _ = proto.Split(raw, 0)
		if mu.abrupt && in && f.Type() == proto.DISCONNECT {
			closing()
			continue
		}
		if mu.open && in && m.count("gone") < 0 {
			continue
		}
		p, err := proto.Decode(f, m.v)
		if c, ok := p.(*proto.Connect); ok && err == nil {
			m.v = c.Version
		}
		if mu.open && !in {
			if d, ok := p.(*proto.Disconnect); ok && err == nil && d.Reason >= 0x80 {
				continue
			}
			if ack, ok := p.(*proto.Connack); ok && err == nil && ack.Reason != proto.Success {
				*ack = proto.Connack{}
			}
			if s, ok := p.(*proto.Suback); ok && err == nil && s.Kind == proto.SUBACK {
				for i := range s.Reasons {
					s.Reasons[i] &= 2
				}
			}
		}
		if fault == nil && !mu.open || err != nil {
			m.mu.Lock()
			to.Write(raw) //nolint:errcheck // the reader sees the end
			m.mu.Unlock()
			continue
		}
		packets := []proto.Packet{p}
		if fault != nil {
			packets = fault(m, p)
		}
		m.write(to, packets...)
	}
}

// pretend serves the client after the server has closed: it accepts it, and answers PINGREQ.
func (mu *mutant) pretend(m *link) {
	m.write(m.client, &proto.Connack{}, &proto.Ping{Kind: proto.PINGRESP})
}

// onlyChoices are cases that find out what a server does where the standard leaves it open.
var onlyChoices = map[string]bool{"protocol-name-311": true, "client-id-long": true, "nothing-after-disconnect": true, "will-delay-and-clean-start": true}

var long = flag.Bool("long", false, "run all cases against all planted faults")

// allMutants returns all planted faults, with the rules that they break.
func allMutants() []mutant {
	all := slices.Concat(mutants, moreMutants, stateMutants, reconnectMutants)
	for i := range all {
		if rules, ok := broken[all[i].name]; ok {
			all[i].v5, all[i].v311 = rules[0], rules[1]
		}
	}
	return all
}

// runMutant checks a server with a planted fault. Limits are short: an answer that comes at all comes without delay
// in a synctest bubble.
func runMutant(t *testing.T, m mutant, l *pipes, found func() []*Found, selectors ...string) *Report {
	t.Helper()
	r := newRunner(Options{
		Dial: dialMutant(m, l), Limit: 400 * time.Millisecond, User: &User{Name: "someone", Password: "secret", HasPassword: true}, Selectors: selectors,
	})
	r.slack, r.resend, r.repeats, r.found = 500*time.Millisecond, r.opt.Limit, 0, found
	report, err := r.run(t.Context())
	if err != nil && !errors.Is(err, ErrGone) {
		t.Errorf("%s: %v", m.name, err)
		return &Report{}
	}
	return report
}

// parallel calls all functions, several at a time.
func parallel(n int, all []func()) {
	jobs := make(chan func())
	var wait sync.WaitGroup
	for range n {
		wait.Go(func() { // ends when jobs is closed
			for f := range jobs {
				f()
			}
		})
	}
	for _, f := range all {
		jobs <- f
	}
	close(jobs)
	wait.Wait()
}

// failing returns the rules of the failures of r in a version.
func failing(r *Report, version string) (rules, cases []string) {
	for i := range r.Cases {
		if k := &r.Cases[i]; k.Verdict == Fail && k.Version == version {
			rules, cases = append(rules, k.Rules...), append(cases, k.ID)
		}
	}
	return rules, cases
}

// TestFaultsAreNamed checks that the failures that a planted fault causes name the rules that it breaks. The server's
// capabilities are found as always: a fault must not hide behind them.
func TestFaultsAreNamed(t *testing.T) { synctest.Test(t, faultsAreNamed) }

func faultsAreNamed(t *testing.T) {
	l := startBroker(t, broker.Options{})
	shown := map[string]bool{}
	for _, k := range Cases() {
		for _, s := range []string{k.V5, k.V311} {
			for _, word := range strings.Fields(s) {
				shown[word] = true
			}
		}
	}
	var all []func()
	for _, m := range allMutants() {
		if m.v5 == "" && m.v311 == "" || isState(m) {
			continue // TestStatesAreJudged has those of states
		}
		selectors := strings.Fields(m.also + " " + noticed)
		for _, rule := range strings.Fields(m.v5 + " " + m.v311) {
			if shown[rule] {
				selectors = append(selectors, rule)
			}
		}
		if m.open {
			selectors = append(selectors, "3.1")
		}
		all = append(all, func() {
			for _, text := range unnamed(runMutant(t, m, l, nil, selectors...), m) {
				t.Errorf("%s: %s", m.name, text)
			}
		})
	}
	parallel(10, all)
}

// unnamed returns a text for each rule that m breaks and that no failure names.
func unnamed(r *Report, m mutant) (missing []string) {
	for version, want := range map[string]string{"5.0": m.v5, "3.1.1": m.v311} {
		rules, cases := failing(r, version)
		for _, rule := range strings.Fields(want) {
			if !slices.Contains(rules, rule) {
				missing = append(missing, fmt.Sprintf("%s: no failure names %s; failures: %q of %q", version, rule, rules, cases))
			}
		}
	}
	return missing
}

// TestMutants runs all cases against our broker with one planted fault after the other. Each case that shows a
// MUST must fail for at least one of them, or it could not find anything.
func TestMutants(t *testing.T) {
	if !*long {
		t.Skip("runs all cases many times; -long does")
	}
	synctest.Test(t, runMutants)
}

func runMutants(t *testing.T) {
	l := startBroker(t, broker.Options{})
	var mu sync.Mutex
	caught := map[string]bool{} // by the ID of a case
	check := func(m mutant, found func() []*Found, selectors ...string) {
		report := runMutant(t, m, l, found, selectors...)
		mu.Lock()
		defer mu.Unlock()
		n := 0
		for _, k := range report.Cases {
			if k.Verdict == Fail {
				caught[k.ID] = true
				n++
			}
		}
		if n == 0 && m.v5+m.v311 != "" {
			t.Errorf("%s: no case fails", m.name)
		}
	}
	var all []func()
	for _, m := range allMutants() {
		var selectors []string // all
		if isState(m) {
			selectors = strings.Fields(m.also)
		}
		all = append(all, func() { check(m, everything, selectors...) })
	}
	// A server that says it lacks something, and yet does it.
	all = append(all, func() { check(mutant{name: "does what it says it cannot"}, nothing) },
		func() { check(mutant{name: "loses SUBACK and lacks QoS 2", out: drop(proto.SUBACK)}, nothing) },
		func() { check(mutant{name: "takes packets above the Maximum Packet Size that it said"}, small) })
	parallel(8, all)
	for _, k := range Cases() {
		if k.Should || k.Harsh || onlyChoices[k.Name] || k.Needs&(NeedRestart|NeedSecondUser|NeedDeniedTopic) != 0 {
			continue
		}
		for _, id := range k.ids() {
			if !caught[id] {
				t.Errorf("%s fails for no planted fault: %s", id, k.Title)
			}
		}
	}
}

// small is a server that says that it takes small packets only.
func small() []*Found {
	all := everything()
	for _, f := range all {
		f.MaximumPacketSize = 1000
	}
	return all
}

// nothing is a server that lacks all that it may lack.
func nothing() []*Found {
	all := everything()
	for _, f := range all {
		f.MaximumQoS, f.Retain, f.Wildcard, f.Shared, f.SubscriptionID, f.TopicAliasMaximum = 0, false, false, false, false, 0
		f.MaximumPacketSize = 4096
	}
	return all
}

// everything is what our broker is capable of, so that a planted fault does not make cases skip.
func everything() []*Found {
	var all []*Found
	for _, v := range versions {
		all = append(all, &Found{Version: v, MaximumQoS: 2, ReceiveMaximum: 65535, TopicAliasMaximum: 16, ServerKeepAlive: -1, Retain: true,
			Wildcard: true, SubscriptionID: v == proto.V5, Shared: v == proto.V5, Sessions: true, why: map[Needs]string{}})
	}
	return all
}
