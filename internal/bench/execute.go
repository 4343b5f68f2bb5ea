package bench

import (
	"context"
	"math"
	"time"
)

// pollInterval is how often the run checks whether it is done.
const pollInterval = 5 * time.Millisecond

// execute connects the clients, sends all messages and waits until they are received.
func (r *run) execute(ctx, inner context.Context) error {
	if r.plan.Clients > 0 {
		return r.holdIdle(ctx, inner)
	}
	p := r.plan
	r.series.setPhase("connecting", -1)
	from := r.now()
	if p.Order != Late {
		r.launch(ctx, r.subs) // each waits for its SUBACK
		r.subscribedAt = r.now()
	}
	r.launch(ctx, r.pubs)
	r.series.setRamp(time.Duration(r.now() - from))
	if p.Order == Before && r.subs.up() == 0 && p.Subscribers > 0 || p.Publishers > 0 && r.pubs.up() == 0 {
		r.interrupted = ctx.Err() != nil
		if r.interrupted {
			return context.Cause(ctx)
		}
		return r.first()
	}
	if r.interrupted = ctx.Err() != nil; r.interrupted {
		return nil // the result has the connections that opened
	}
	if p.Order == Offline {
		r.keepSessions.Store(true)
		r.disconnect(r.subs)
	}
	if err := r.clocks.begin(ctx, inner); err != nil {
		return err
	}
	if !p.StartAt.IsZero() {
		r.series.setPhase("waiting for the start", time.Until(p.StartAt))
		if !r.sleep(ctx, int64(p.StartAt.Sub(r.base.Round(0)))) {
			return context.Cause(ctx)
		}
	}
	r.begin()
	stop := r.churn(r.pubs, r.subs)
	r.await(ctx)
	r.awaitEnd(ctx)
	stop()
	if p.Order != Before && ctx.Err() == nil {
		r.receiveFrom = r.now()
		r.series.setPhase("subscribing", -1)
		r.subs.resetSessions(p.Order == Offline)
		r.keepSessions.Store(false)
		r.launch(ctx, r.subs)
	}
	if p.Order == Offline && ctx.Err() != nil {
		for _, c := range r.subs.clients {
			c.sub.granted = false // it did not reconnect, so nothing was expected of it
		}
	}
	r.drain(ctx)
	r.interrupted = ctx.Err() != nil && !p.Open
	return nil
}

// startDelay is the time until the schedule starts. It lets all publishers wake in time.
const startDelay = 2 * time.Millisecond

// begin sets the schedule and wakes the publishers.
func (r *run) begin() {
	p := r.plan
	r.warm = r.now() + int64(startDelay)
	r.start = r.warm + int64(p.Warmup)
	r.receiveFrom = r.start
	r.end = math.MaxInt64
	if p.Duration > 0 {
		r.end = r.start + int64(p.Duration)
	}
	r.series.begin(r.start)
	if p.Warmup > 0 {
		r.series.setPhase("warming up", p.Warmup)
	}
	r.usage.begin(time.Duration(r.start - r.now()))
	r.phase.Store(sending)
	r.pubs.wake()
}

// lastDue returns when the last message is due, math.MaxInt64 if that is not known.
func (r *run) lastDue() int64 {
	last := r.end
	if p := r.plan; p.Messages > 0 && p.Rate > 0 {
		last = min(last, r.start+int64(float64(p.Messages)*1e9/p.Rate))
	}
	return last
}

// patience is how long a run without a duration lasts after its last message, until another
// one would be due.
const patience = time.Second

// awaitEnd waits until the end of the schedule, after all messages were sent: a run lasts as
// long as its duration. A run with a number of messages lasts until another one would be due.
func (r *run) awaitEnd(ctx context.Context) {
	p := r.plan
	if p.Publishers > 0 && p.Rate > 0 && ctx.Err() == nil && r.unsent() == 0 {
		until := r.lastDue()
		if until != r.end {
			until = min(until, r.now()+int64(patience))
		}
		r.sleep(ctx, until)
	}
	r.awaited = r.now()
}

// await waits until all messages are sent and acknowledged, or until there was no progress
// for as long as Drain.
func (r *run) await(ctx context.Context) {
	p := r.plan
	published := make(chan struct{})
	go func() { // ends with the last publisher, at the latest in closeAll
		r.publishing.Wait()
		close(published)
	}()
	stopMetronome := r.metronome()
	defer stopMetronome()
	last := r.lastDue()
	if p.Publishers == 0 {
		r.receive(ctx)
		return
	}
	r.series.setSending(last)
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	moved, seen := r.now(), uint64(0)
	for {
		select {
		case <-published:
			return
		case <-ctx.Done():
			r.stopSending()
			grace := time.NewTimer(time.Duration(r.endOfGrace() - r.now()))
			defer grace.Stop()
			select {
			case <-published: // the messages in flight have been acknowledged
			case <-grace.C:
			case <-p.Hurry:
			}
			return
		case <-ticker.C:
		}
		now := r.now()
		n := sum(r.tallies)
		if all := n.sent + n.acked + n.refused + n.received + n.warmSent + n.opened; all != seen {
			seen, moved = all, now
		}
		limit := int64(p.Drain)
		if now-moved > limit && now-r.start > limit && (last == math.MaxInt64 || now-last > limit) {
			r.stopSending()
			return
		}
	}
}

// endOfGrace returns until when an interrupted run waits for messages in flight.
func (r *run) endOfGrace() int64 {
	if r.graceEnd == 0 {
		r.graceEnd = r.now() + int64(gracePeriod)
	}
	return r.graceEnd
}

// stopSending makes the publishers send nothing more.
func (r *run) stopSending() {
	r.giveUp.Store(r.now())
	r.pubs.wake()
}

// receive waits in a run without publishers until its time is over, until the number of
// messages is received, or until ctx ends.
func (r *run) receive(ctx context.Context) {
	p := r.plan
	r.series.setSending(r.end)
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for over := false; !over && r.now() < r.end; {
		if p.Messages > 0 && sum(r.tallies).received >= p.Messages {
			return
		}
		select {
		case <-ctx.Done():
			over = true
		case <-ticker.C:
		}
	}
	r.listenedTo = min(r.now(), r.end)
}

// quiet is the time without any message after which all messages of other processes of the
// run count as received. Their number is not known here.
const quiet = time.Second

// drain waits until all expected messages are received, or until nothing was received for as
// long as Drain. After an interrupt it waits for the grace period only.
func (r *run) drain(ctx context.Context) {
	p := r.plan
	alone := p.RunName == ""
	if p.Subscribers == 0 || p.Publishers == 0 && (alone || p.Open || p.Duration == 0) {
		r.drained = Drain{Complete: true}
		return
	}
	r.series.setPhase("draining", p.Drain)
	from := r.now()
	expected, expectedOf := uint64(0), uint64(math.MaxUint64)
	limit, interrupt := int64(math.MaxInt64), ctx.Done()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	moved, seen := from, uint64(0)
	for {
		n := sum(r.tallies)
		unique := n.unique
		if p.Carrier == NoHeader || r.withoutHeader.Load() {
			unique = n.received
		} else if p.Shared == "" {
			unique -= n.elsewhere
		}
		now := r.now()
		if p.Publishers > 0 && n.sent+n.refused != expectedOf { // a publisher may still end its turn
			expectedOf, expected = n.sent+n.refused, r.expected()
		}
		if n.received+n.opened != seen {
			seen, moved = n.received+n.opened, now
		}
		if unique >= expected && (alone || n.elsewhere == 0 || now-moved > min(int64(quiet), int64(p.Drain))) {
			r.drained.Complete = true
			break
		}
		if now-moved > int64(p.Drain) || now > limit {
			break
		}
		select {
		case <-ticker.C:
		case <-interrupt:
			interrupt, limit = nil, r.endOfGrace()
		case <-p.Hurry:
			limit = 0
		}
	}
	r.drained.Seconds = time.Duration(r.now() - from).Seconds()
}

// churn cuts connections at the rate of the plan until stop is called, which also waits for
// its goroutine.
func (r *run) churn(groups ...*group) (stop func()) {
	if r.plan.Churn <= 0 {
		return func() {}
	}
	var all []*client
	for _, g := range groups {
		all = append(all, g.clients...)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		from := r.now()
		for n := 0; r.sleep(ctx, from+int64(float64(n+1)*1e9/r.plan.Churn)); n++ {
			c := all[n%len(all)]
			c.cut.Store(true)
			c.wake()
		}
	}()
	return func() { cancel(); <-ended }
}

// holdIdle opens connections and keeps them open for the time of the plan.
func (r *run) holdIdle(ctx, inner context.Context) error {
	p := r.plan
	r.series.setPhase("connecting", -1)
	r.start = r.now()
	r.series.begin(r.start)
	r.usage.begin(0)
	// The first connection also allocates what all connections share. The memory of the
	// others is the memory that a connection uses.
	r.launchSome(ctx, r.idlers, r.idlers.clients[:1])
	r.usage.base = settledMemory()
	restore := compactMemory()
	r.launchSome(ctx, r.idlers, r.idlers.clients[1:])
	restore()
	r.series.setRamp(time.Duration(r.now() - r.start))
	if r.idlers.up() == 0 {
		if r.interrupted = ctx.Err() != nil; r.interrupted {
			return context.Cause(ctx)
		}
		return r.first()
	}
	if r.interrupted = ctx.Err() != nil; r.interrupted {
		return nil
	}
	r.usage.held = settledMemory()
	r.series.setPhase("holding", p.Hold)
	stop := r.churn(r.idlers)
	until := r.now() + int64(p.Hold)
	if p.Hold == 0 {
		until = math.MaxInt64
	}
	complete := r.sleep(ctx, until)
	stop()
	r.interrupted = !complete && p.Hold > 0
	if p.Wills && !r.interrupted {
		if err := r.wills(ctx, inner); err != nil {
			r.idlers.clients[0].recordError(err, false)
		}
	}
	return nil
}
