package sub

import (
	"github.com/spf13/pflag"

	"mqtt/internal/cli"
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

	whole      bool     // all filters go into one packet, as mosquitto_sub sends them
	open       requests // of the current connection
	subscribed bool     // the server has granted it once
	warned     bool
}

// compile checks the flags. sets holds the properties of SUBSCRIBE and UNSUBSCRIBE. Under
// mosquitto's name packets are those of mosquitto_sub.
func (f *filterFlags) compile(e *cli.Env, fs *pflag.FlagSet, p *connect.Plan, sets map[proto.Type]proto.Props) (*asked, error) {
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
		return nil, cli.Usage("no topic filter", "name one with -t FILTER, such as -t 'sensors/#'; '#' matches all topics")
	}
	a := &asked{out: f.out, dropRetain: f.noRetain && !f.retainAsPublished, partialOK: f.partialOK, requireQoS: f.requireQoS,
		only: f.onlySubscribe, whole: e.Mosquitto()}
	for _, t := range f.out {
		if err := connect.CheckFilter("-T", t); err != nil {
			return nil, err
		}
		connect.WarnCarriageReturn(e.Warn, "-T", t)
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
		connect.WarnCarriageReturn(e.Warn, "-t", t)
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
		connect.WarnCarriageReturn(e.Warn, "-U", t)
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
