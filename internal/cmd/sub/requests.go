package sub

import (
	"context"
	"errors"

	"mqtt/internal/cli"
	"mqtt/internal/conn"
	"mqtt/internal/connect"
	"mqtt/internal/proto"
)

// filtersAtOnce is the most topic filters in one packet. Some cloud services close the connection
// for more than eight.
const filtersAtOnce = 8

// requests are the SUBSCRIBE and UNSUBSCRIBE packets of one connection that have no answer yet, by
// packet identifier, and what the answers so far say.
type requests struct {
	subscribe   map[uint16][]proto.Subscription
	unsubscribe map[uint16][]string
	granted     int   // number of filters
	refusal     error // of the last filter that was refused
}

// resumed reports whether the server kept the session, and with it the subscriptions.
func (a *asked) resumed(c *conn.Conn) bool { return a.subscribed && c.Server().SessionPresent }

// request sends SUBSCRIBE and UNSUBSCRIBE, in several packets if there are many filters, or if the
// server takes no packet that is large enough for all.
func (a *asked) request(ctx context.Context, c *conn.Conn) error {
	a.open = requests{subscribe: make(map[uint16][]proto.Subscription), unsubscribe: make(map[uint16][]string)}
	if a.resumed(c) {
		return nil
	}
	if a.subscribe != nil {
		packet := func(filters []proto.Subscription) *proto.Subscribe {
			return &proto.Subscribe{PacketID: 1, Filters: filters, Props: propsAt(c.Version(), a.subscribe.Props)}
		}
		fits := func(filters []proto.Subscription) bool { return a.fits(c, packet(filters), len(filters)) }
		for _, filters := range split(a.subscribe.Filters, fits) {
			p := packet(filters)
			if err := c.Send(ctx, p); err != nil {
				return connect.SubscribeError(err)
			}
			a.open.subscribe[p.PacketID] = filters
		}
	}
	if a.unsubscribe != nil {
		packet := func(filters []string) *proto.Unsubscribe {
			return &proto.Unsubscribe{PacketID: 1, Filters: filters, Props: propsAt(c.Version(), a.unsubscribe.Props)}
		}
		fits := func(filters []string) bool { return a.fits(c, packet(filters), len(filters)) }
		for _, filters := range split(a.unsubscribe.Filters, fits) {
			p := packet(filters)
			if err := c.Send(ctx, p); err != nil {
				return connect.SubscribeError(err)
			}
			a.open.unsubscribe[p.PacketID] = filters
		}
	}
	return nil
}

// propsAt returns ps, or nil before version 5, which has none.
func propsAt(v proto.Version, ps proto.Props) proto.Props {
	if v < proto.V5 {
		return nil
	}
	return ps
}

// fits reports whether p, which has n filters, may be sent as one packet.
func (a *asked) fits(c *conn.Conn, p proto.Packet, n int) bool {
	if a.whole {
		return true
	}
	limit := c.Server().MaximumPacketSize
	if n > filtersAtOnce || limit == 0 {
		return n <= filtersAtOnce
	}
	b, err := p.Append(nil, c.Version())
	return err != nil || len(b) <= limit
}

// split divides filters, in their order, into as few parts as fits allows. A single filter is a part
// whether it fits or not.
func split[F any](filters []F, fits func([]F) bool) (parts [][]F) {
	for len(filters) > 0 {
		n := 1
		for n < len(filters) && fits(filters[:n+1]) {
			n++
		}
		parts = append(parts, filters[:n])
		filters = filters[n:]
	}
	return parts
}

// subscribing reports whether a SUBSCRIBE has no answer yet.
func (a *asked) subscribing() bool { return len(a.open.subscribe) > 0 }

// over reports that the run was to subscribe only, and everything is answered.
func (a *asked) over() bool { return a.only && !a.subscribing() && len(a.open.unsubscribe) == 0 }

// answer handles a SUBACK or UNSUBACK. done reports that the run has what it wants.
func (a *asked) answer(s *subscriber, p *proto.Suback) (done bool, err error) {
	if p.Kind == proto.UNSUBACK {
		filters := a.open.unsubscribe[p.PacketID]
		delete(a.open.unsubscribe, p.PacketID)
		for i, r := range p.Reasons {
			if r.Failed() && i < len(filters) {
				s.e.Warn("unsubscribe %s: %s", filters[i], r.Explain(proto.UNSUBACK, p.Props))
			}
		}
		if a.subscribe == nil && len(a.open.unsubscribe) == 0 {
			a.subscribed = true
			s.away.end()
			s.plan.Status.Again("")
		}
		return a.over(), nil
	}
	filters := a.open.subscribe[p.PacketID]
	delete(a.open.subscribe, p.PacketID)
	for _, verdict := range conn.Granted(filters, p) {
		var refused *conn.SubscribeError
		var lower *conn.LowerQoS
		switch {
		case errors.As(verdict, &refused):
			err := cli.Fail(cli.ExitSubscribe, cli.RefusedFilterHint(refused.Reason), "%w", refused)
			if !a.partialOK {
				return true, err
			}
			s.e.Warn("%v", err)
			a.open.refusal = err
			continue
		case errors.As(verdict, &lower) && a.requireQoS:
			return true, cli.Fail(cli.ExitSubscribe, "leave out --require-qos, or ask for less", "%w", lower)
		case lower != nil && !a.warned:
			s.e.Warn("%v", lower)
		}
		a.open.granted++
	}
	if a.subscribing() {
		return false, nil
	}
	if a.open.granted == 0 {
		return true, a.open.refusal
	}
	s.granted(a, a.open.granted)
	a.subscribed, a.warned = true, true
	s.away.end()
	return a.over(), nil
}
