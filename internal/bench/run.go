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

// Parts of a run.
const (
	connecting int32 = iota
	sending
	closing
)

// run is a Plan being carried out.
type run struct {
	plan  *Plan
	base  time.Time // of all times of the run, which are nanoseconds since
	epoch int64     // base on the wall clock, nanoseconds since 1970
	id    uint32
	pace  pace

	tallies  []tally
	registry *registry
	series   *sampler
	clocks   *clocks

	patient     context.Context // ends when nobody waits for goodbyes any more
	hurry       func()
	dialing     context.Context // of connections that open: patient, up to the goodbye
	stopDialing func()

	phase  atomic.Int32
	warm   int64        // when sending begins; these three are written before phase says so
	start  int64        // of the measured part
	end    int64        // what is due later is not sent
	giveUp atomic.Int64 // what is not sent by then never will be

	headless     atomic.Bool // a publisher could not send the header
	keepSessions atomic.Bool // subscribers leave their sessions at the server
	publishing   sync.WaitGroup

	pubs, subs, idlers *group
	granted            atomic.Int32 // filters granted at a lower QoS
	lowest             atomic.Int32 // by how much at most
	drained            Drain
	receiveFrom        int64
	heardTo            int64 // until when a run without publishers listened; 0 where a number of messages ended it
	finished           int64
	usage              usage
	interrupted        bool  // before its work was done; an open run has no end of its own
	lastLook           int64 // of an interrupted run: until when
	willsSent          uint64
}

// group is clients of one role.
type group struct {
	clients []*client
	working sync.WaitGroup // until they are done
	arrived sync.WaitGroup // until they are up, or will never be
}

// Run carries out p. The Result is of what was measured, also where an error came
// with it: ctx's, where ctx ended the run early, or the first of those that Result
// counts and that the run did not get over. Without a Result nothing was measured.
func Run(ctx context.Context, p *Plan) (*Result, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	return newRun(p).do(ctx)
}

func (r *run) do(ctx context.Context) (*Result, error) {
	// What is connected goes on when ctx ends, to say goodbye; what is connecting does not.
	inner, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	r.patient, r.hurry = context.WithCancel(ctx)
	defer r.hurry()
	r.dialing, r.stopDialing = context.WithCancel(r.patient)
	defer r.stopDialing()
	r.series = r.sample()
	err := r.carryOut(ctx, inner)
	r.usage.end()
	r.finished = r.now()
	r.farewell(ctx, stop)
	r.series.end()
	if err != nil {
		return nil, err
	}
	res := r.result()
	if r.interrupted {
		return res, context.Cause(ctx)
	}
	return res, r.unhealed(res)
}

func newRun(p *Plan) *run {
	now := time.Now()
	r := &run{
		plan: p, base: now, epoch: now.UnixNano(), id: rand.Uint32(), registry: newRegistry(),
		tallies: tallies(p.Publishers + p.Subscribers + p.Clients),
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
	shared := map[string]*ledger{}
	for _, c := range r.subs.clients {
		c.sub = &subscriber{filter: p.filter(c.number), shared: p.Shared != ""}
		if c.sub.shared {
			if shared[c.sub.filter] == nil {
				shared[c.sub.filter] = new(ledger)
			}
			c.sub.ledger = shared[c.sub.filter]
		} else {
			c.sub.ledger = new(ledger)
		}
	}
	for i, c := range r.pubs.clients {
		c.pub = newPublisher(r, i)
	}
	r.publishing.Add(p.Publishers)
	return r
}

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

// now is the time of the run, by the one clock of this process.
func (r *run) now() int64 { return int64(time.Since(r.base)) }

// at is a time of the run as one of the clock; zero for one that never comes.
func (r *run) at(t int64) time.Time {
	if t == math.MaxInt64 {
		return time.Time{}
	}
	return r.base.Add(time.Duration(t))
}

// ours tells whether a publisher belongs to this process.
func (r *run) ours(publisher uint32) bool {
	n := int(publisher) - r.plan.Offset
	return n >= 0 && n < r.plan.Publishers
}

// atOnce is how many connections may be opening where there is no ramp.
const atOnce = 128

// launch starts the clients of a group at the pace of the ramp, and returns when all
// are up or will never be. Their goroutines end when they are dismissed, when their
// server is lost for good; while they connect, with ctx.
func (r *run) launch(ctx context.Context, g *group) { r.launchSome(ctx, g, g.clients) }

// launchSome is launch for some of a group.
func (r *run) launchSome(ctx context.Context, g *group, some []*client) {
	g.working.Add(len(some))
	g.arrived.Add(len(some))
	slots := make(chan struct{}, atOnce)
	from := r.now()
	for i, c := range some {
		c.ready = false
		c.away.Store(false)
		if r.plan.Ramp > 0 {
			due := from + int64(float64(i)*1e9/r.plan.Ramp)
			r.sleep(ctx, due)
		} else {
			slots <- struct{}{}
			c.slots = slots
		}
		if ctx.Err() != nil {
			c.away.Store(true)
		}
		go c.hold(r.dialing)
	}
	g.arrived.Wait()
}

// sleep waits until a time of the run, or the end of ctx.
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

// dismiss has the clients of a group close in order, and waits for them.
func (r *run) dismiss(g *group) {
	for _, c := range g.clients {
		c.away.Store(true)
		c.wake()
	}
	g.working.Wait()
}

func (g *group) wake() {
	for _, c := range g.clients {
		c.wake()
	}
}

// up tells how many clients of the group are connected.
func (g *group) up() int {
	n := 0
	for _, c := range g.clients {
		if c.live.Load() != nil {
			n++
		}
	}
	return n
}

// first is the first error, for a run that cannot go on.
func (r *run) first() error {
	r.registry.mu.Lock()
	defer r.registry.mu.Unlock()
	if r.registry.first == nil {
		return errAlone
	}
	return r.registry.first
}

// How long goodbyes may take in all, and where the run was interrupted: an interrupt
// ends within a second, also where the server takes no more.
const (
	patience = 5 * time.Second
	haste    = 600 * time.Millisecond
	lastLook = 300 * time.Millisecond // for what was under way when the interrupt came
)

// farewell ends all clients, in order if they are quick. stop ends the others.
func (r *run) farewell(ctx context.Context, stop func()) {
	r.phase.Store(closing)
	r.series.sayClosing()
	r.stopDialing() // no client is to connect anew
	all := []*group{r.pubs, r.subs, r.idlers}
	gone := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() { // ends with farewell
		hurry, interrupt := time.NewTimer(patience), ctx.Done()
		defer hurry.Stop()
		for {
			select {
			case <-gone:
				return
			case <-interrupt:
				interrupt = nil
				hurry.Reset(haste)
				continue
			case <-hurry.C:
			case <-r.plan.Hurry:
			}
			break
		}
		stop()
		r.hurry()
		for _, g := range all {
			for _, c := range g.clients {
				c.breakOff()
			}
		}
	})
	for _, g := range all {
		for _, c := range g.clients {
			c.away.Store(true)
			c.wake()
		}
	}
	for _, g := range all {
		g.working.Wait()
	}
	close(gone)
	watch.Wait()
	r.clocks.end()
}

// renew makes clients that were dismissed ready to come back. Their sessions stay
// where the server keeps them.
func (g *group) renew(keep bool) {
	for _, c := range g.clients {
		if !keep {
			c.sess = session.Session{}
		}
	}
}
