package bench

import (
	"context"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"mqtt/internal/session"
)

// Phases of a run.
const (
	connecting int32 = iota
	sending
	closing
)

// run executes a Plan. Its times are in nanoseconds since base.
type run struct {
	plan  *Plan
	base  time.Time
	epoch int64 // base on the wall clock, in nanoseconds since 1970
	id    uint32
	pace  pace

	tallies  []tally
	registry *registry
	series   *sampler
	clocks   *clocks

	closeCtx    context.Context // ends when clients no longer wait for the server while they disconnect
	cancelClose func()
	dialCtx     context.Context // of connections that open: ends when the clients must disconnect
	cancelDial  func()

	phase  atomic.Int32
	warm   int64        // start of sending; this and the next two are set before phase is sending
	start  int64        // of the measured part
	end    int64        // messages due later are not sent
	giveUp atomic.Int64 // messages that have not been sent by then are never sent

	withoutHeader atomic.Bool // the server does not speak MQTT 5, so messages have no header
	keepSessions  atomic.Bool // subscribers leave their sessions on the server
	publishing    sync.WaitGroup

	pubs, subs, idlers *group
	lowered            atomic.Int32 // number of filters granted with a lower QoS
	loweredBy          atomic.Int32 // largest difference of these
	drained            Drain
	receiveFrom        int64
	subscribedAt       int64
	rampNext           int64 // when the ramp allows the next connection
	awaited            int64 // when the messages were sent and acknowledged, and their schedule was over
	listenedTo         int64 // end of a run without publishers; 0 if a number of messages ended it
	finished           int64
	usage              usage
	interrupted        bool  // before the work was done; a Plan that is Open is never interrupted
	graceEnd           int64 // of the grace period after an interrupt
	willsSent          uint64
}

// group is the clients of one role.
type group struct {
	clients []*client
	working sync.WaitGroup // clients that have not ended
	arrived sync.WaitGroup // clients that are not ready yet
}

// Run executes p and returns what was measured. If ctx ended the run early, or the run did
// not recover from an error, it returns both a Result and an error. The Result is nil if
// nothing was measured.
func Run(ctx context.Context, p *Plan) (*Result, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	return newRun(p).do(ctx)
}

// do executes the run.
func (r *run) do(ctx context.Context) (*Result, error) {
	// Connections outlive ctx, so that the clients can disconnect. Dials do not.
	inner, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	r.closeCtx, r.cancelClose = context.WithCancel(ctx)
	defer r.cancelClose()
	r.dialCtx, r.cancelDial = context.WithCancel(r.closeCtx)
	defer r.cancelDial()
	r.series = r.startSampler()
	err := r.execute(ctx, inner)
	r.usage.end()
	r.finished = r.now()
	r.closeAll(ctx, inner, stop)
	r.series.end()
	if err != nil {
		return nil, err
	}
	res := r.result()
	if r.interrupted {
		return res, context.Cause(ctx)
	}
	return res, r.failure(res)
}

// newRun returns a run of p with all of its clients.
func newRun(p *Plan) *run {
	now := time.Now()
	r := &run{
		plan: p, base: now, epoch: now.UnixNano(), id: rand.Uint32(), registry: newRegistry(),
		tallies: newTallies(p.Publishers + p.Subscribers + p.Clients),
		pace:    pace{rate: p.Rate, burst: uint64(max(p.Burst, 1)), publishers: uint64(max(p.Publishers, 1))},
	}
	if p.RunName != "" {
		h := fnv.New32a()
		h.Write([]byte(p.RunName))
		r.id = h.Sum32()
	}
	r.giveUp.Store(math.MaxInt64)
	r.clocks = newClocks(r)
	r.pubs, r.subs, r.idlers = r.group(Publisher, p.Publishers), r.group(Subscriber, p.Subscribers), r.group(Idler, p.Clients)
	shared := map[string]*receipts{} // by filter
	m := newMemory(trackMemory)
	for _, c := range r.subs.clients {
		c.sub = &subscriber{filter: p.filter(c.number), shared: p.Shared != "", arrivals: arrivals{memory: m}}
		if p.NewCheck != nil {
			c.sub.check = p.NewCheck()
		}
		if c.sub.shared {
			if shared[c.sub.filter] == nil {
				shared[c.sub.filter] = &receipts{memory: m}
			}
			c.sub.receipts = shared[c.sub.filter]
		} else {
			c.sub.receipts = &receipts{memory: m}
		}
	}
	for i, c := range r.pubs.clients {
		c.pub = newPublisher(r, i)
	}
	r.publishing.Add(p.Publishers)
	return r
}

// group returns n new clients.
func (r *run) group(role Role, n int) *group {
	g := &group{clients: make([]*client, n)}
	all := make([]client, n)
	for i := range all {
		c := &all[i]
		c.run, c.role, c.number, c.tally, c.group = r, role, r.plan.Offset+i, &r.tallies[i%len(r.tallies)], g
		g.clients[i] = c
	}
	return g
}

// now returns the current time of the run.
func (r *run) now() int64 { return int64(time.Since(r.base)) }

// at returns a time of the run as a time of the clock, zero for math.MaxInt64.
func (r *run) at(t int64) time.Time {
	if t == math.MaxInt64 {
		return time.Time{}
	}
	return r.base.Add(time.Duration(t))
}

// ours reports whether a publisher belongs to this process.
func (r *run) ours(publisher uint32) bool {
	n := int(publisher) - r.plan.Offset
	return n >= 0 && n < r.plan.Publishers
}

// maxOpening is how many connections open at the same time if there is no ramp.
const maxOpening = 128

// launch starts the clients of a group at the rate of the ramp, and returns when all are
// connected or never will be. Their goroutines end when the clients must disconnect, or when
// their server is lost permanently; those that still connect also end with ctx.
func (r *run) launch(ctx context.Context, g *group) { r.launchSome(ctx, g, g.clients) }

// launchSome is launch for some clients of a group.
func (r *run) launchSome(ctx context.Context, g *group, some []*client) {
	g.working.Add(len(some))
	g.arrived.Add(len(some))
	slots := make(chan struct{}, maxOpening)
	for _, c := range some {
		c.ready = false
		c.leaving.Store(false)
		if r.plan.Ramp > 0 {
			r.awaitRamp(ctx)
		} else {
			slots <- struct{}{}
			c.slots = slots
		}
		if ctx.Err() != nil {
			c.leaving.Store(true)
		}
		go c.keepConnected(r.dialCtx)
	}
	g.arrived.Wait()
}

// rampSlack is how late a connection may be for the ramp to make up for it.
const rampSlack = int64(20 * time.Millisecond)

// awaitRamp waits until the ramp allows another connection. It spaces the connections of all
// groups.
func (r *run) awaitRamp(ctx context.Context) {
	if now := r.now(); now > r.rampNext+rampSlack {
		r.rampNext = now
	}
	r.sleep(ctx, r.rampNext)
	r.rampNext += int64(1e9 / r.plan.Ramp)
}

// sleep waits until a time of the run and returns true, or false if ctx ends before.
func (r *run) sleep(ctx context.Context, until int64) bool {
	d := time.Duration(until - r.now())
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// disconnect makes the clients of a group disconnect, and waits for them.
func (r *run) disconnect(g *group) {
	for _, c := range g.clients {
		c.leaving.Store(true)
		c.wake()
	}
	g.working.Wait()
}

// wake wakes all clients.
func (g *group) wake() {
	for _, c := range g.clients {
		c.wake()
	}
}

// up returns how many clients of the group are connected.
func (g *group) up() int {
	n := 0
	for _, c := range g.clients {
		if c.conn.Load() != nil {
			n++
		}
	}
	return n
}

// first returns the first error, for a run that cannot continue.
func (r *run) first() error {
	r.registry.mu.Lock()
	defer r.registry.mu.Unlock()
	if r.registry.first == nil {
		return errNoConnection
	}
	return r.registry.first
}

// An interrupted run ends within a second, even if the server does not read.
const (
	closeTimeout     = 5 * time.Second        // for all clients to disconnect
	interruptTimeout = 600 * time.Millisecond // the same after an interrupt
	gracePeriod      = 300 * time.Millisecond // after an interrupt, for messages in flight
)

// closeAll disconnects all clients, waits for them and ends their sessions. It stops the
// clients that are too slow. stop ends inner.
func (r *run) closeAll(ctx, inner context.Context, stop func()) {
	r.phase.Store(closing)
	r.series.setClosing()
	r.cancelDial() // no client must connect again
	all := []*group{r.pubs, r.subs, r.idlers}
	gone := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() { // ends before closeAll returns
		timeout, interrupt := time.NewTimer(closeTimeout), ctx.Done()
		defer timeout.Stop()
		for {
			select {
			case <-gone:
				return
			case <-interrupt:
				interrupt = nil
				timeout.Reset(interruptTimeout)
				continue
			case <-timeout.C:
			case <-r.plan.Hurry:
			}
			break
		}
		stop()
		r.cancelClose()
		for _, g := range all {
			for _, c := range g.clients {
				c.closeStream()
			}
		}
	})
	for _, g := range all {
		for _, c := range g.clients {
			c.leaving.Store(true)
			c.wake()
		}
	}
	for _, g := range all {
		g.working.Wait()
	}
	r.endSessions(inner)
	close(gone)
	watch.Wait()
	r.clocks.end()
}

// resetSessions prepares clients that have disconnected for launch. It discards their
// sessions unless keep is set.
func (g *group) resetSessions(keep bool) {
	for _, c := range g.clients {
		if !keep {
			c.session = session.Session{}
		}
	}
}
