package bench

import (
	"cmp"
	"slices"
	"time"
)

// result puts together what was measured. All clients are done.
func (r *run) result() *Result {
	n := sum(r.tallies)
	p := r.plan
	res := &Result{
		Schema: Schema, Kind: KindMessages, Tool: p.Tool, Started: r.base.Add(time.Duration(r.start)).Round(0), Config: r.echo(),
		Sent: n.sent, Acknowledged: n.acked, Received: n.received, Duplicated: n.duplicated, Reordered: n.late, Foreign: n.foreign,
		Errors: n.errors, Legal: r.legal(), BytesSent: n.bytesSent, BytesReceived: n.bytesReceived,
		Accounted: p.Carrier != Nowhere && !r.headless.Load(), Drained: r.drained,
		Latency: NewHistogram(), Service: NewHistogram(), Lag: NewHistogram(), Ack: NewHistogram(), Connect: r.registry.connect,
		Series: Series{Interval: time.Duration(r.series.width).Seconds(), Points: r.series.points},
		Connections: Connections{
			Wanted: uint64(p.Publishers + p.Subscribers + p.Clients), Opened: n.opened, Failed: n.failed, Lost: n.lost, Cut: n.cut,
			Reconnected: n.reopened, Peak: uint64(r.registry.peak), RampSeconds: r.series.ramp,
		},
		Machines: []Machine{r.machine()},
	}
	for i := range r.tallies {
		t := &r.tallies[i]
		res.Latency.Merge(t.latency)
		res.Service.Merge(t.service)
		res.Lag.Merge(t.lag)
		res.Ack.Merge(t.ack)
	}
	for i, h := range r.registry.phase {
		if h.Count() > 0 {
			res.Phases = append(res.Phases, Phase{phaseNames[i], h})
		}
	}
	res.ErrorKinds = slices.Clone(r.registry.kinds)
	slices.SortStableFunc(res.ErrorKinds, func(a, b ErrorKind) int { return cmp.Compare(b.Count, a.Count) })
	if p.Clients > 0 {
		res.Kind = KindConnections
	}
	r.measureTime(res, &n)
	res.Topics, res.Filters = r.topics(), r.filters()
	res.settle()
	if p.Wills {
		res.Expected, res.Lost, res.Accounted = r.willsSent, r.willsSent-n.unique, true
	}
	res.Clock = r.clocks.verdict(n.untimed, n.elsewhere)
	res.Unsent = r.unsent()
	res.Notes = r.notes(res, &n)
	return res
}

// measureTime sets the times that rates are of.
func (r *run) measureTime(res *Result, n *counts) {
	seconds := func(to, from int64) float64 { return time.Duration(max(to-from, 0)).Seconds() }
	sent, received := r.sentTo(n), n.lastReceived
	switch {
	case r.plan.feed():
		received = max(received, r.heardTo) // silence belongs to what a feed is
	case r.plan.Rate > 0 && r.plan.Order == Before && received > 0:
		received = max(received, sent)
	}
	res.SendSeconds = seconds(sent, r.start)
	res.ReceiveSeconds = seconds(received, r.receiveFrom)
	res.Seconds = max(res.SendSeconds, seconds(received, r.start))
	if res.Kind == KindConnections {
		res.Seconds = seconds(r.finished, r.start)
	}
	res.rates()
}

// sentTo is when the sending was over. In an open loop that is when the next message
// would have been due: n messages take n steps. In a closed loop the last one is in the
// window until it is acknowledged.
func (r *run) sentTo(n *counts) int64 {
	to := n.lastSent
	if r.plan.Rate == 0 {
		return max(to, n.lastAnswered)
	}
	for _, c := range r.pubs.clients {
		if c.pub.sent > 0 {
			to = max(to, r.start+r.pace.after(c.pub.place, c.pub.sent-1))
		}
	}
	return to
}

func (res *Result) rates() {
	if res.SendSeconds > 0 {
		res.SendRate = float64(res.Sent) / res.SendSeconds
	}
	if res.ReceiveSeconds > 0 {
		res.ReceiveRate = float64(res.Received) / res.ReceiveSeconds
	}
}

func (r *run) echo() Echo {
	p := r.plan
	e := p.Echo
	e.Version, e.Run = r.registry.version, p.RunName
	e.Publishers, e.Subscribers, e.Clients = p.Publishers, p.Subscribers, p.Clients
	e.Shared, e.QoS, e.Retain = p.Shared, int(p.QoS), p.Retain
	e.Rate, e.Window, e.Messages, e.Ramp, e.Churn = p.Rate, p.Window, p.Messages, p.Ramp, p.Churn
	if p.Burst > 1 {
		e.Burst = p.Burst
	}
	if p.Topic != nil {
		e.Topic = p.Topic.text
	}
	if p.Filter != nil {
		e.Filter = p.Filter.text
	}
	switch {
	case p.Publishers == 0, p.Text != nil:
		e.PayloadSize = -1
	case p.Payload != nil:
		e.PayloadSize = len(p.Payload)
	default:
		e.PayloadSize = p.Size
	}
	e.Duration, e.Warmup, e.Offline = p.Duration.Seconds(), p.Warmup.Seconds(), p.Order == Offline
	return e
}

// topics is what was published, by topic.
func (r *run) topics() []TopicCount {
	var all []TopicCount
	place := map[string]int{}
	for _, c := range r.pubs.clients {
		topic := r.plan.Topic.settled(c.number)
		i, ok := place[topic]
		if !ok {
			i = len(all)
			place[topic] = i
			all = append(all, TopicCount{Topic: topic})
		}
		t := &all[i]
		t.Publishers++
		c.tally.mu.Lock()
		t.Sent += c.pub.sent - min(c.pub.refused, c.pub.sent)
		t.Refused += c.pub.refused
		c.tally.mu.Unlock()
	}
	return all
}

// filters is what was subscribed to. A subscriber whose filter was never granted is
// not in it: what it would have got is not expected.
func (r *run) filters() []FilterCount {
	var all []FilterCount
	place := map[string]int{}
	for _, c := range r.subs.clients {
		if !c.sub.held {
			continue
		}
		i, ok := place[c.sub.filter]
		if !ok {
			i = len(all)
			place[c.sub.filter] = i
			all = append(all, FilterCount{Filter: c.sub.filter, Shared: r.plan.Shared})
		}
		f := &all[i]
		f.Subscribers++
		if f.Subscribers == 1 || f.Shared == "" {
			f.Unique += c.unique()
		}
	}
	return all
}

// unique is how many deliveries without repeats the subscriber, or its group, got.
func (c *client) unique() uint64 {
	if c.sub.shared {
		c.sub.ledger.mu.Lock()
		defer c.sub.ledger.mu.Unlock()
		return c.sub.ledger.unique
	}
	c.tally.mu.Lock()
	defer c.tally.mu.Unlock()
	return c.sub.ledger.unique
}

// unsent is how many messages of the schedule, or without one of those that were asked
// for by number, were never sent.
func (r *run) unsent() (n uint64) {
	p := r.plan
	if r.interrupted || p.Rate <= 0 && (p.Messages == 0 || p.Duration > 0) {
		return 0
	}
	for _, c := range r.pubs.clients {
		planned := c.pub.quota
		if p.Rate > 0 {
			planned = r.pace.before(c.pub.place, r.end-r.start, c.pub.quota)
		}
		n += planned - min(c.pub.sent, planned)
	}
	return n
}

// legal is what the QoS allows, the lowest that was granted.
func (r *run) legal() Legal {
	p := r.plan
	away := p.Churn > 0 && p.Subscribers > 0 && !p.Echo.Persistent
	granted := int32(p.QoS) - r.lowest.Load()
	many := p.Topic != nil && p.Topic.Varies() // order is of a topic [MQTT-4.6.0-5], and a sequence is of a publisher
	return Legal{Loss: granted == 0 || away, Duplicate: p.QoS == 1 || granted == 1, Reorder: p.Shared != "" || many}
}
