package check

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"mqtt/internal/proto"
)

// Found is what a server was found to be capable of, in one version.
type Found struct {
	Version proto.Version
	Facts   []Fact

	MaximumQoS        byte
	ReceiveMaximum    uint32
	MaximumPacketSize uint32 // 0 means that there is none
	TopicAliasMaximum uint32
	ServerKeepAlive   int // -1 means that the server takes the client's
	Retain            bool
	Wildcard          bool
	SubscriptionID    bool
	Shared            bool
	Sessions          bool // a session outlives its connection

	// refusesQoS2 says how the server answers a PUBLISH at QoS 2 that it has not ruled out; "" if by PUBREC.
	refusesQoS2 string

	why map[Needs]string // why a capability is missing
}

// lacks returns why the server does not have the capabilities n, or "".
func (f *Found) lacks(n Needs) string {
	for bit := Needs(1); bit <= n; bit <<= 1 {
		if n&bit != 0 && f.why[bit] != "" {
			return f.why[bit]
		}
	}
	return ""
}

func (f *Found) fact(name, value, how string) {
	f.Facts = append(f.Facts, Fact{VersionName(f.Version), name, value, how})
}

func (f *Found) missing(n Needs, name, how string) {
	f.why[n] = "the server has no " + name + ": " + how
	f.fact(name, "no", how)
}

// inherit notes what the server said of itself in MQTT 5, which earlier versions have no words for.
func (f *Found) inherit(newer *Found) {
	if newer.Version != proto.V5 {
		return
	}
	const how = " of MQTT 5"
	if !newer.Retain && f.Retain {
		f.Retain = false
		f.missing(NeedRetain, "retained messages", "Retain Available is 0 in CONNACK"+how)
	}
	if !newer.Wildcard && f.Wildcard {
		f.Wildcard = false
		f.missing(NeedWildcard, "wildcard subscriptions", "Wildcard Subscription Available is 0 in CONNACK"+how)
	}
	if newer.MaximumQoS < f.MaximumQoS {
		f.MaximumQoS = newer.MaximumQoS
		f.limitQoS(how)
	}
}

// limitQoS notes which QoS the server does not have.
func (f *Found) limitQoS(how string) {
	for q, n := range map[byte]Needs{1: NeedQoS1, 2: NeedQoS2} {
		if f.MaximumQoS < q {
			f.why[n] = fmt.Sprintf("the server's Maximum QoS%s is %d", how, f.MaximumQoS)
		}
	}
}

// discover finds the versions that the server speaks, and its capabilities in each.
func (r *runner) discover(ctx context.Context) (found []*Found, err error) {
	wanted := r.opt.Versions
	if len(wanted) == 0 {
		wanted = []proto.Version{proto.V5, proto.V311, proto.V31}
	}
	var why RefusedError
	for _, v := range wanted {
		f, reason, err := r.probe(ctx, v)
		if err != nil {
			return nil, err
		}
		if f == nil {
			if !why.Answered {
				why = reason
			}
			continue
		}
		if len(found) > 0 {
			f.inherit(found[0])
		}
		found = append(found, f)
	}
	if len(found) == 0 {
		return nil, &why
	}
	return found, nil
}

// RefusedError says that the server accepted no connection in any of the versions.
type RefusedError struct {
	Why      string
	Answered bool // with a CONNACK: it did not just hang up or say nothing
}

func (e *RefusedError) Error() string { return "the server accepted no connection: " + e.Why }

// probe finds what the server is capable of in version v. It returns nil and the reason if the server
// refuses that version.
func (r *runner) probe(ctx context.Context, v proto.Version) (*Found, RefusedError, error) {
	f := &Found{
		Version: v, MaximumQoS: 2, ReceiveMaximum: 65535, ServerKeepAlive: -1,
		Retain: true, Wildcard: true, SubscriptionID: v == proto.V5, Shared: v == proto.V5, Sessions: true, why: make(map[Needs]string),
	}
	// The first connection has no second chance: if it cannot be opened, there is nothing to check.
	first, cancel := context.WithTimeout(ctx, 2*r.opt.Limit)
	defer cancel()
	conn, err := r.opt.Dial(first, v)
	if err != nil {
		return nil, RefusedError{}, err
	}
	conn.Close() //nolint:errcheck // it was opened to see the error
	var refused RefusedError
	c := r.newC(ctx, &job{k: &Case{Name: "discover"}, v: v, found: f})
	c.script(0, func(c *C) {
		p := c.Open()
		hello := c.Hello()
		p.Send(hello)
		packet, err := p.read(r.opt.Limit)
		switch {
		case err == io.EOF:
			refused.Why = fmt.Sprintf("it closed the connection after a CONNECT of version %v", v)
			return
		case err != nil:
			refused.Why = fmt.Sprintf("it did not answer a CONNECT of version %v within %v", v, r.opt.Limit)
			return
		}
		ack, ok := packet.(*proto.Connack)
		if !ok {
			c.Fail("CONNACK", "%s", p.describe(packet))
		}
		if ack.Reason != proto.Success {
			refused = RefusedError{fmt.Sprintf("it answered a CONNECT of version %v with %s", v, p.describe(packet)), true}
			return
		}
		p.Connack = ack
		f.capabilities(c, p)
	})
	if refused.Why != "" {
		return nil, refused, ctx.Err()
	}
	if c.verdict != OK {
		// A CONNACK that breaks the standard is what the cases are for.
		f.fact("capabilities", "unknown", "expected "+c.expected+", but received "+c.got)
	}
	r.probeQoS2(ctx, f)
	r.probeSessions(ctx, f)
	if err := r.probeRights(ctx, f); err != nil {
		return nil, RefusedError{}, err
	}
	return f, RefusedError{}, ctx.Err()
}

// capabilities reads the properties of CONNACK, or tries what earlier versions do not tell.
func (f *Found) capabilities(c *C, p *Peer) {
	ps := p.Connack.Props
	const how = "property of CONNACK"
	if f.Version == proto.V5 {
		f.MaximumQoS = byte(ps.Num(proto.MaximumQoS, 2))
		f.ReceiveMaximum = ps.Num(proto.ReceiveMaximum, 65535)
		f.MaximumPacketSize = ps.Num(proto.MaximumPacketSize, 0)
		f.TopicAliasMaximum = ps.Num(proto.TopicAliasMaximum, 0)
		f.Retain = ps.Num(proto.RetainAvailable, 1) == 1
		f.Wildcard = ps.Num(proto.WildcardSubscriptionAvailable, 1) == 1
		f.SubscriptionID = ps.Num(proto.SubscriptionIdentifierAvailable, 1) == 1
		f.Shared = ps.Num(proto.SharedSubscriptionAvailable, 1) == 1
		if ps.Has(proto.ServerKeepAlive) {
			f.ServerKeepAlive = int(ps.Num(proto.ServerKeepAlive, 0))
			f.fact("Server Keep Alive", strconv.Itoa(f.ServerKeepAlive), how)
		}
		f.fact("Receive Maximum", strconv.Itoa(int(f.ReceiveMaximum)), how)
		f.fact("Maximum Packet Size", strconv.Itoa(int(f.MaximumPacketSize)), how)
		f.fact("Topic Alias Maximum", strconv.Itoa(int(f.TopicAliasMaximum)), how)
		if !f.Retain {
			f.missing(NeedRetain, "retained messages", "Retain Available is 0 in CONNACK")
		}
		if !f.Wildcard {
			f.missing(NeedWildcard, "wildcard subscriptions", "Wildcard Subscription Available is 0 in CONNACK")
		}
		if !f.SubscriptionID {
			f.missing(NeedSubscriptionID, "subscription identifiers", "Subscription Identifier Available is 0 in CONNACK")
		}
		if !f.Shared {
			f.missing(NeedShared, "shared subscriptions", "Shared Subscription Available is 0 in CONNACK")
		}
		if f.TopicAliasMaximum == 0 {
			f.missing(NeedTopicAlias, "topic aliases", "Topic Alias Maximum is 0 in CONNACK, or absent")
		}
	} else {
		f.why[NeedSubscriptionID] = "subscription identifiers are a part of MQTT 5"
		f.why[NeedShared] = "shared subscriptions are a part of MQTT 5"
		f.why[NeedTopicAlias] = "topic aliases are a part of MQTT 5"
		p.Send(&proto.Subscribe{PacketID: 1, Filters: []proto.Subscription{{Filter: c.Topic("q"), QoS: 2}}})
		if ack := p.Suback(1); len(ack.Reasons) == 1 && ack.Reasons[0] < 2 {
			f.MaximumQoS = byte(ack.Reasons[0])
		}
	}
	f.fact("Maximum QoS", strconv.Itoa(int(f.MaximumQoS)), map[bool]string{true: how, false: "SUBACK of a subscription at QoS 2"}[f.Version == proto.V5])
	f.limitQoS("")
}

// probeQoS2 finds whether the server answers a PUBLISH at QoS 2 by PUBREC. If it does not, that is one failure, of
// pubrec-pubcomp, and the cases that need an exchange at QoS 2 are skipped.
func (r *runner) probeQoS2(ctx context.Context, f *Found) {
	if f.Version == proto.V5 && f.MaximumQoS < 2 {
		return // which only CONNACK of MQTT 5 can say
	}
	c := r.newC(ctx, &job{k: &Case{Name: "discover"}, v: f.Version, found: f})
	c.script(0, func(c *C) {
		p := c.Connect()
		m := message(c.Topic("p"), "x", 2)
		m.PacketID = 1
		p.Send(&m)
		packet, err := p.read(r.opt.Limit)
		switch ack, _ := packet.(*proto.Ack); {
		case err == io.EOF:
			f.refusesQoS2 = "the server closes the connection after a PUBLISH at QoS 2"
		case err != nil:
			f.refusesQoS2 = fmt.Sprintf("the server does not answer a PUBLISH at QoS 2 within %v", r.opt.Limit)
		case ack == nil || ack.Kind != proto.PUBREC:
			f.refusesQoS2 = fmt.Sprintf("the server answers a PUBLISH at QoS 2 by %v", packet.Type())
		default:
			return
		}
		f.why[NeedQoS2] = f.refusesQoS2 + " (see pubrec-pubcomp)"
		f.fact("QoS 2", "no", f.refusesQoS2)
	})
}

// highestQoS returns the highest QoS at which messages can be published and subscribed to.
func (f *Found) highestQoS() byte {
	if f.refusesQoS2 != "" {
		return min(1, f.MaximumQoS)
	}
	return f.MaximumQoS
}

// probeSessions finds whether the server says that it keeps no session. One that says nothing must keep it.
func (r *runner) probeSessions(ctx context.Context, f *Found) {
	j := &job{k: &Case{Name: "discover"}, v: f.Version, found: f}
	c := r.newC(ctx, j)
	if f.Version != proto.V5 {
		return // its CONNACK does not tell
	}
	c.script(0, func(c *C) {
		id := c.ID("s")
		p := c.Connect(Lasting(id))
		if p.Connack.Props.Num(proto.SessionExpiryInterval, 1) == 0 {
			f.Sessions = false
			f.missing(NeedSessions, "sessions that outlive their connection", "Session Expiry Interval is 0 in CONNACK")
		}
	})
	c.tidy(context.WithoutCancel(ctx), j)
}
