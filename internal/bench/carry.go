package bench

import (
	"context"
	"math"
	"time"
)

// glimpse is how often the run looks whether it is done.
const glimpse = 5 * time.Millisecond

// carryOut is the order of a run: connect, wait for each other, send, drain.
func (r *run) carryOut(ctx, inner context.Context) error {
	if r.plan.Clients > 0 {
		return r.holdIdle(ctx, inner)
	}
	p := r.plan
	r.series.say("connecting", -1)
	from := r.now()
	if p.Order != Late {
		r.launch(ctx, r.subs) // each waits for its SUBACK
	}
	r.launch(ctx, r.pubs)
	r.series.ramped(time.Duration(r.now() - from))
	if p.Order == Before && r.subs.up() == 0 && p.Subscribers > 0 || p.Publishers > 0 && r.pubs.up() == 0 {
		r.interrupted = ctx.Err() != nil
		if r.interrupted {
			return context.Cause(ctx)
		}
		return r.first()
	}
	if r.interrupted = ctx.Err() != nil; r.interrupted {
		return nil // with the connections that there are
	}
	if p.Order == Offline {
		r.keepSessions.Store(true)
		r.dismiss(r.subs)
	}
	if err := r.clocks.begin(ctx, inner); err != nil {
		return err
	}
	if !p.StartAt.IsZero() {
		r.series.say("waiting for the start", time.Until(p.StartAt))
		if !r.sleep(ctx, int64(p.StartAt.Sub(r.base.Round(0)))) {
			return context.Cause(ctx)
		}
	}
	r.begin()
	stop := r.churn(r.pubs, r.subs)
	r.await(ctx)
	stop()
	if p.Order != Before && ctx.Err() == nil {
		r.receiveFrom = r.now()
		r.series.say("subscribing", -1)
		r.subs.renew(p.Order == Offline)
		r.keepSessions.Store(false)
		r.launch(ctx, r.subs)
	}
	if p.Order == Offline && ctx.Err() != nil {
		for _, c := range r.subs.clients {
			c.sub.held = false // it never came back: nothing was expected of it
		}
	}
	r.drain(ctx)
	r.interrupted = ctx.Err() != nil && !p.Open
	return nil
}

// lead is how far ahead the schedule begins, so that no publisher is late for it.
const lead = 2 * time.Millisecond

// begin fixes the schedule and lets the publishers go.
func (r *run) begin() {
	p := r.plan
	r.warm = r.now() + int64(lead)
	r.start = r.warm + int64(p.Warmup)
	r.receiveFrom = r.start
	r.end = math.MaxInt64
	if p.Duration > 0 {
		r.end = r.start + int64(p.Duration)
	}
	r.series.begin(r.start)
	if p.Warmup > 0 {
		r.series.say("warming up", p.Warmup)
	}
	r.usage.begin(time.Duration(r.start - r.now()))
	r.phase.Store(sending)
	r.pubs.wake()
}

// planned is when the last message is due, MaxInt64 where nobody knows.
func (r *run) planned() int64 {
	last := r.end
	if p := r.plan; p.Messages > 0 && p.Rate > 0 {
		last = min(last, r.start+int64(float64(p.Messages)*1e9/p.Rate))
	}
	return last
}

// await waits until all is published and acknowledged, or given up: nothing moved for
// as long as Drain.
func (r *run) await(ctx context.Context) {
	p := r.plan
	published := make(chan struct{})
	go func() { // ends with the last publisher, which farewell dismisses at the latest
		r.publishing.Wait()
		close(published)
	}()
	precise := r.metronome()
	defer precise()
	last := r.planned()
	if p.Publishers == 0 {
		r.receive(ctx)
		return
	}
	r.series.saySending(last)
	ticker := time.NewTicker(glimpse)
	defer ticker.Stop()
	moved, seen := r.now(), uint64(0)
	for {
		select {
		case <-published:
			return
		case <-ctx.Done():
			r.enough()
			look := time.NewTimer(time.Duration(r.lookUntil() - r.now()))
			defer look.Stop()
			select {
			case <-published: // what was under way is acknowledged
			case <-look.C:
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
		patient := int64(p.Drain)
		if now-moved > patient && now-r.start > patient && (last == math.MaxInt64 || now-last > patient) {
			r.enough()
			return
		}
	}
}

// lookUntil is until when an interrupted run looks for what is under way.
func (r *run) lookUntil() int64 {
	if r.lastLook == 0 {
		r.lastLook = r.now() + int64(lastLook)
	}
	return r.lastLook
}

// enough has the publishers send no more.
func (r *run) enough() {
	r.giveUp.Store(r.now())
	r.pubs.wake()
}

// receive is a run without publishers of its own: it ends by time, by number, or with
// ctx.
func (r *run) receive(ctx context.Context) {
	p := r.plan
	r.series.saySending(r.end)
	ticker := time.NewTicker(glimpse)
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
	r.heardTo = min(r.now(), r.end)
}

// quiet is how long nothing must have come before what other processes of the run sent
// counts as complete: how much that is, nobody here knows.
const quiet = time.Second

// drain waits for every sequence that should come, or until nothing came for as long
// as Drain. An interrupt leaves it a last look.
func (r *run) drain(ctx context.Context) {
	p := r.plan
	alone := p.RunName == ""
	if p.Subscribers == 0 || p.Publishers == 0 && (alone || p.Open || p.Duration == 0) {
		r.drained = Drain{Complete: true}
		return
	}
	r.series.say("draining", p.Drain)
	from := r.now()
	expected, of := uint64(0), uint64(math.MaxUint64)
	limit, interrupt := int64(math.MaxInt64), ctx.Done()
	ticker := time.NewTicker(glimpse)
	defer ticker.Stop()
	moved, seen := from, uint64(0)
	for {
		n := sum(r.tallies)
		unique := n.unique
		if p.Carrier == Nowhere || r.headless.Load() {
			unique = n.received
		} else if p.Shared == "" {
			unique -= n.elsewhere
		}
		now := r.now()
		if p.Publishers > 0 && n.sent+n.refused != of { // publishers that gave up may be in a turn
			of, expected = n.sent+n.refused, r.expected()
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
			interrupt, limit = nil, r.lookUntil()
		case <-p.Hurry:
			limit = 0
		}
	}
	r.drained.Seconds = time.Duration(r.now() - from).Seconds()
}

// churn cuts connections at the plan's rate until stop is called, which ends its
// goroutine.
func (r *run) churn(groups ...*group) (stop func()) {
	if r.plan.Churn <= 0 {
		return func() {}
	}
	var all []*client
	for _, g := range groups {
		all = append(all, g.clients...)
	}
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() {
		defer close(over)
		from := r.now()
		for n := 0; r.sleep(ctx, from+int64(float64(n+1)*1e9/r.plan.Churn)); n++ {
			c := all[n%len(all)]
			c.cut.Store(true)
			c.wake()
		}
	}()
	return func() { cancel(); <-over }
}

// holdIdle opens connections, holds them, and ends them.
func (r *run) holdIdle(ctx, inner context.Context) error {
	p := r.plan
	r.series.say("connecting", -1)
	r.start = r.now()
	r.series.begin(r.start)
	r.usage.begin(0)
	// The first connection brings in what all of them share; the others are what a
	// connection takes.
	r.launchSome(ctx, r.idlers, r.idlers.clients[:1])
	r.usage.base = settled()
	restore := frugal()
	r.launchSome(ctx, r.idlers, r.idlers.clients[1:])
	restore()
	r.series.ramped(time.Duration(r.now() - r.start))
	if r.idlers.up() == 0 {
		if r.interrupted = ctx.Err() != nil; r.interrupted {
			return context.Cause(ctx)
		}
		return r.first()
	}
	if r.interrupted = ctx.Err() != nil; r.interrupted {
		return nil
	}
	r.usage.held = settled()
	r.series.say("holding", p.Hold)
	stop := r.churn(r.idlers)
	until := r.now() + int64(p.Hold)
	if p.Hold == 0 {
		until = math.MaxInt64
	}
	whole := r.sleep(ctx, until)
	stop()
	r.interrupted = !whole && p.Hold > 0
	if p.Wills && !r.interrupted {
		if err := r.wills(ctx, inner); err != nil {
			r.idlers.clients[0].fault(err, false)
		}
	}
	return nil
}
