package sub

import (
	"context"
	"errors"

	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/conn"
	"mqtt/internal/connect"
	"mqtt/internal/proto"
)

// filterFlags say which messages to subscribe to and to print.
type filterFlags struct {
	topics, out, unsubscribe []string
	qos                      int
	noRetain                 bool
	retainAsPublished        bool
	retainHandling           string
	noLocal                  bool
	subscriptionID           int
	partialOK, requireQoS    bool
	onlySubscribe            bool
}

// register adds the flags to fs.
func (f *filterFlags) register(fs *pflag.FlagSet) {
	cli.ListVar(fs, &f.topics, "topic", "t", "subscribe to `FILTER` (repeatable)")
	fs.IntVarP(&f.qos, "qos", "q", 0, "receive messages at QoS `N` at most: 0, 1 or 2")
	cli.ListVar(fs, &f.out, "filter-out", "T", "skip messages that match `FILTER` (repeatable)")
	cli.ListVar(fs, &f.unsubscribe, "unsubscribe", "U", "unsubscribe from `FILTER` (repeatable)")
	fs.BoolVarP(&f.noRetain, "no-retain", "R", false, "skip retained messages")
	fs.BoolVarP(&f.onlySubscribe, "exit-after-subscribe", "E", false, "end when the subscription is granted")
	fs.BoolVar(&f.retainAsPublished, "retain-as-published", false, "keep the retain flag as published (MQTT 5)")
	fs.StringVar(&f.retainHandling, "retain-handling", "always", "get retained messages `WHEN`: always, new or never (MQTT 5)")
	fs.BoolVar(&f.noLocal, "no-local", false, "skip messages published by this client (MQTT 5)")
	fs.IntVar(&f.subscriptionID, "subscription-identifier", 0, "mark messages of this subscription with `N` (MQTT 5)")
	fs.BoolVar(&f.partialOK, "partial-ok", false, "continue while at least one filter is granted")
	fs.BoolVar(&f.requireQoS, "require-qos", false, "end with status 5 if less than -q is granted")
}

// asked is what the server is asked for on every connection.
type asked struct {
	subscribe   *proto.Subscribe   // nil for none
	unsubscribe *proto.Unsubscribe // nil for none
	out         []string
	dropRetain  bool // retained messages are not printed even if they arrive
	partialOK   bool
	requireQoS  bool
	only        bool

	subscribed bool // the server has granted it once
	warned     bool
}

// compile checks the flags. sets holds the properties of SUBSCRIBE and UNSUBSCRIBE.
func (f *filterFlags) compile(fs *pflag.FlagSet, p *connect.Plan, sets map[proto.Type]proto.Props) (*asked, error) {
	if err := cli.CheckQoS("-q", f.qos); err != nil {
		return nil, err
	}
	handling := map[string]byte{"always": 0, "new": 1, "never": 2, "0": 0, "1": 1, "2": 2}
	rh, ok := handling[f.retainHandling]
	if !ok {
		return nil, cli.BadValue("--retain-handling", f.retainHandling, "expected always, new or never")
	}
	for _, flag := range []string{"no-local", "retain-as-published", "retain-handling", "subscription-identifier"} {
		if v := fs.Lookup(flag); v.Changed && v.Value.String() != "false" {
			if err := p.RequireV5("--" + flag); err != nil {
				return nil, err
			}
		}
	}
	if f.noRetain {
		rh = 2
	}
	topics := f.topics
	if len(topics) == 0 && p.Topic != "" {
		topics = []string{p.Topic}
	}
	if len(topics) == 0 && len(f.unsubscribe) == 0 {
		return nil, cli.Usage("no topic filter", "name one with -t FILTER; '#' takes in all")
	}
	a := &asked{out: f.out, dropRetain: f.noRetain && !f.retainAsPublished, partialOK: f.partialOK, requireQoS: f.requireQoS,
		only: f.onlySubscribe}
	for _, t := range f.out {
		if err := connect.CheckFilter("-T", t); err != nil {
			return nil, err
		}
	}
	if len(topics) > 0 {
		ps := sets[proto.SUBSCRIBE]
		if fs.Changed("subscription-identifier") {
			if f.subscriptionID < 1 || f.subscriptionID > proto.MaxRemaining {
				return nil, cli.BadNumber("--subscription-identifier", f.subscriptionID, "expected 1 to 268435455")
			}
			if ps.Has(proto.SubscriptionIdentifier) { // one at most: 3.8.2.1.2
				return nil, cli.BadFlag("--subscription-identifier", " with -D subscribe subscription-identifier", "give one of them")
			}
			ps = ps.AppendNum(proto.SubscriptionIdentifier, uint32(f.subscriptionID))
		}
		a.subscribe = &proto.Subscribe{Props: ps}
	}
	for _, t := range topics {
		if err := connect.CheckFilter("-t", t); err != nil {
			return nil, err
		}
		if name, _ := proto.SplitShare(t); name != "" && f.noLocal { // [MQTT-3.8.3-4]
			return nil, cli.BadFlag("--no-local", " with the shared subscription "+cli.Quote(t), "leave one of them out")
		}
		a.subscribe.Filters = append(a.subscribe.Filters, proto.Subscription{Filter: t, QoS: byte(f.qos), NoLocal: f.noLocal,
			RetainAsPublished: f.retainAsPublished, RetainHandling: rh})
	}
	for _, t := range f.unsubscribe {
		if err := connect.CheckFilter("-U", t); err != nil {
			return nil, err
		}
	}
	if len(f.unsubscribe) > 0 {
		a.unsubscribe = &proto.Unsubscribe{Filters: f.unsubscribe, Props: sets[proto.UNSUBSCRIBE]}
	}
	return a, nil
}

// highest returns the highest QoS that was asked for.
func (a *asked) highest() byte {
	if a.subscribe == nil {
		return 0
	}
	return a.subscribe.Filters[0].QoS
}

// wants reports whether a message is to be printed.
func (a *asked) wants(p *proto.Publish) bool {
	if a.dropRetain && p.Retain {
		return false
	}
	for _, t := range a.out {
		if proto.Match(t, p.Topic) {
			return false
		}
	}
	return true
}

// resumed reports whether the server kept the session, and with it the subscriptions.
func (a *asked) resumed(c *conn.Conn) bool { return a.subscribed && c.Server().SessionPresent }

// request sends SUBSCRIBE and UNSUBSCRIBE.
func (a *asked) request(ctx context.Context, c *conn.Conn) error {
	if a.resumed(c) {
		return nil
	}
	if a.subscribe != nil {
		p := *a.subscribe
		if c.Version() < proto.V5 {
			p.Props = nil
		}
		if err := c.Send(ctx, &p); err != nil {
			return connect.SubscribeError(err)
		}
	}
	if a.unsubscribe != nil {
		p := *a.unsubscribe
		if err := c.Send(ctx, &p); err != nil {
			return connect.SubscribeError(err)
		}
	}
	return nil
}

// answer handles a SUBACK or UNSUBACK. done reports that the run has what it wants.
func (a *asked) answer(s *subscriber, p *proto.Suback) (done bool, err error) {
	if p.Kind == proto.UNSUBACK {
		for i, r := range p.Reasons {
			if r.Failed() && i < len(a.unsubscribe.Filters) {
				s.e.Warn("unsubscribe %s: %s", a.unsubscribe.Filters[i], r.Explain(proto.UNSUBACK, p.Props))
			}
		}
		if a.subscribe == nil {
			a.subscribed = true
			s.away.end()
			s.plan.Status.Again("")
		}
		return a.only, nil
	}
	holds := 0
	var refusal error
	for _, verdict := range conn.Granted(a.subscribe.Filters, p) {
		var refused *conn.SubscribeError
		var lower *conn.LowerQoS
		switch {
		case errors.As(verdict, &refused):
			err := cli.Fail(cli.ExitSubscribe, cli.RefusedFilterHint(refused.Reason), "%w", refused)
			if !a.partialOK {
				return true, err
			}
			s.e.Warn("%v", err)
			refusal = err
			continue
		case errors.As(verdict, &lower) && a.requireQoS:
			return true, cli.Fail(cli.ExitSubscribe, "leave out --require-qos, or ask for less", "%w", lower)
		case lower != nil && !a.warned:
			s.e.Warn("%v", lower)
		}
		holds++
	}
	if holds == 0 {
		return true, refusal
	}
	s.granted(a, holds)
	a.subscribed, a.warned = true, true
	s.away.end()
	return a.only && a.unsubscribe == nil, nil
}
