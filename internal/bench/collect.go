package bench

import (
	"slices"
	"time"
)

// result returns what was measured. All clients must have ended.
func (r *run) result() *Result {
	n := sum(r.tallies)
	p := r.plan
	res := &Result{
		Schema: Schema, Kind: KindMessages, Title: p.Title, Tool: p.Tool, ServerVersion: p.ServerVersion, Started: r.base.Add(time.Duration(r.start)).Round(0), Config: r.config(),
		Sent: n.sent, Acknowledged: n.acked, Received: n.received, Duplicated: n.duplicated, Reordered: n.late, Foreign: n.foreign, Unknown: n.unknown, SessionsLost: r.registry.sessions.count,
		Errors: n.errors, Legal: r.legal(), BytesSent: n.bytesSent, BytesReceived: n.bytesReceived,
		Accounted: p.Carrier != NoHeader && !r.withoutHeader.Load() && n.unknown == 0, Drained: r.drained,
		Latency: NewHistogram(), Service: NewHistogram(), Lag: NewHistogram(), Ack: NewHistogram(), Connect: r.registry.connect,
		Series: Series{Interval: time.Duration(r.series.width).Seconds(), Points: r.series.points},
		Connections: Connections{
			Wanted: uint64(p.Publishers + p.Subscribers + p.Clients), Opened: n.opened, Failed: n.failed, Lost: n.lost, Cut: n.cut,
			Reconnected: n.reconnected, Peak: uint64(r.registry.peak), RampSeconds: r.series.ramp,
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
	mostFirst(res.ErrorKinds)
	if p.Clients > 0 {
		res.Kind = KindConnections
	}
	r.measureTime(res, &n)
	if p.Order == Before && p.Subscribers > 0 {
		res.Subscribed = r.base.Add(time.Duration(r.subscribedAt)).Round(0)
	}
	r.account(res)
	r.setLossOverTime(res)
	if p.Wills {
		res.Expected, res.Lost, res.Accounted = r.willsSent, r.willsSent-n.unique, true
	}
	res.Clock = r.clocks.result(n.untimed, n.elsewhere)
	res.Unsent = r.unsent()
	res.Notes = r.notes(res, &n)
	return res
}

// measureTime sets the times and the rates of res.
func (r *run) measureTime(res *Result, n *counts) {
	seconds := func(to, from int64) float64 { return time.Duration(max(to-from, 0)).Seconds() }
	sent, received := r.sentTo(n), n.lastReceived
	switch {
	case r.plan.countsAll():
		received = max(received, r.listenedTo) // the time after the last message counts, too
	case r.plan.Order == Before && r.plan.Publishers > 0 && received > 0:
		received = max(received, sent)
	}
	res.SendSeconds = seconds(sent, r.start)
	res.ReceiveSeconds = seconds(received, r.receiveFrom)
	res.Seconds = max(res.SendSeconds, seconds(received, r.start), seconds(r.listenedTo, r.start))
	if res.Kind == KindConnections {
		res.Seconds = seconds(r.finished, r.start)
	}
	res.rates()
}

// sentTo returns when sending ended. In an open loop that is when the next message would have
// been due, because n messages take n steps. In a closed loop it is the end of the duration, or
// when the last message was acknowledged and left the window.
func (r *run) sentTo(n *counts) int64 {
	switch {
	case r.plan.Publishers == 0:
		return n.lastSent
	case r.plan.Rate > 0:
		return max(n.lastSent, min(r.lastDue(), r.awaited))
	}
	to := max(n.lastSent, n.lastAnswered)
	if r.plan.Duration > 0 {
		to = max(to, min(r.end, r.awaited))
	}
	return to
}

// rates computes the rates from counts and times.
func (res *Result) rates() {
	if res.SendSeconds > 0 {
		res.SendRate = float64(res.Sent) / res.SendSeconds
	}
	if res.ReceiveSeconds > 0 {
		res.ReceiveRate = float64(res.Received) / res.ReceiveSeconds
	}
}

// config returns the configuration for the result.
func (r *run) config() Config {
	p := r.plan
	c := p.Config
	c.Version, c.Run, c.Offset = r.registry.version, p.RunName, p.Offset
	c.Publishers, c.Subscribers, c.Clients = p.Publishers, p.Subscribers, p.Clients
	c.Shared, c.QoS, c.Retain = p.Shared, int(p.QoS), p.Retain
	c.Rate, c.Window, c.Messages, c.Ramp, c.Churn = p.Rate, p.Window, p.Messages, p.Ramp, p.Churn
	if p.Burst > 1 {
		c.Burst = p.Burst
	}
	if p.Topic != nil {
		c.Topic = p.Topic.text
	}
	if p.Filter != nil {
		c.Filter = p.Filter.text
	}
	switch {
	case p.Publishers == 0, p.Text != nil:
		c.PayloadSize = -1
	case p.Payload != nil:
		c.PayloadSize = len(p.Payload)
	default:
		c.PayloadSize = p.Size
	}
	c.Duration, c.Warmup, c.Offline = p.Duration.Seconds(), p.Warmup.Seconds(), p.Order == Offline
	return c
}

// topics returns the counts of published messages by topic.
func (r *run) topics() []TopicCount {
	var all []TopicCount
	place := map[string]int{}
	for _, c := range r.pubs.clients {
		topic := r.plan.Topic.forClient(c.number)
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

// account sets the topics and filters of res, and computes what was expected and lost. Both
// are of the messages of this process, unless it has no publishers. The filters count the
// messages of other processes too, for Merge.
func (r *run) account(res *Result) {
	res.Topics, res.Filters = r.topics(), r.filters(len(r.pubs.clients) > 0)
	res.accountFor()
	res.Filters = r.filters(false)
	if r.plan.RunName == "" || r.plan.Shared == "" {
		return
	}
	for i := range res.Filters {
		f := &res.Filters[i]
		for _, c := range r.subs.clients {
			if c.sub.filter == f.Filter {
				f.Receipts = c.sub.receipts.export()
				break
			}
		}
	}
	if res.Lost > 0 { // members in other processes may have received it
		res.Lost, res.Accounted = 0, false
	}
}

// filters returns the counts of received messages by filter. It omits subscribers whose
// filter was never granted, so that no messages are expected for them. own leaves out the
// messages of other processes.
func (r *run) filters(own bool) []FilterCount {
	var all []FilterCount
	place := map[string]int{}
	for _, c := range r.subs.clients {
		if !c.sub.granted {
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
			f.Unique += c.unique(own)
		}
	}
	return all
}

// unique returns how many messages without duplicates the subscriber, or its group, received.
// own leaves out the messages of other processes.
func (c *client) unique(own bool) uint64 {
	l := c.sub.receipts
	guard := &c.tally.mu
	if c.sub.shared {
		guard = &l.mu
	}
	guard.Lock()
	defer guard.Unlock()
	if own {
		return l.unique - l.elsewhere
	}
	return l.unique
}

// unsent returns how many messages of the schedule, or without a rate of the number wanted,
// were never sent.
func (r *run) unsent() (n uint64) {
	p := r.plan
	if r.interrupted || p.Rate <= 0 && (p.Messages == 0 || p.Duration > 0) {
		return 0
	}
	for _, c := range r.pubs.clients {
		planned := c.pub.quota
		if p.Rate > 0 {
			planned = r.pace.before(c.pub.index, r.end-r.start, c.pub.quota)
		}
		n += planned - min(c.pub.sent, planned)
	}
	return n
}

// legal returns what the lowest QoS granted allows.
func (r *run) legal() Legal {
	p := r.plan
	offline := p.Churn > 0 && p.Subscribers > 0 && !p.Config.Persistent
	granted := int32(p.QoS) - r.loweredBy.Load()
	severalTopics := p.Topic != nil && p.Topic.Varies() // order is guaranteed within a topic [MQTT-4.6.0-5]
	return Legal{Loss: granted == 0 || offline, Duplicate: p.QoS == 1 || granted == 1, Reorder: p.Shared != "" || severalTopics}
}
