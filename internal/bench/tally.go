package bench

import (
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"
)

// tally is where many clients count. There are a few of them, so that clients seldom
// wait for each other and an idle connection costs nothing here.
type tally struct {
	mu sync.Mutex
	counts
	latency, service, lag, ack *Histogram
	second                     *Histogram // latency since the sampler last looked, in two digits
	_                          [64]byte   // no two in a cache line
}

// counts are plain numbers, all of the measured part.
type counts struct {
	sent, acked, refused      uint64
	received, unique          uint64
	duplicated, late, blurred uint64
	foreign, untimed          uint64
	elsewhere                 uint64 // of unique: sent by other processes of the run
	bytesSent, bytesReceived  uint64
	lastSent, lastAnswered    int64 // times of the run
	lastReceived              int64
	behind                    uint64 // left late
	away, blocked             uint64 // of behind: there was no connection, or the server took no more
	opened, reopened, lost    uint64
	failed, cut, errors       uint64
	warmReceived, warmSent    uint64
	_                         struct{}
}

// add adds o.
func (c *counts) add(o *counts) {
	c.sent += o.sent
	c.acked += o.acked
	c.refused += o.refused
	c.received += o.received
	c.unique += o.unique
	c.duplicated += o.duplicated
	c.late += o.late
	c.blurred += o.blurred
	c.foreign += o.foreign
	c.untimed += o.untimed
	c.elsewhere += o.elsewhere
	c.bytesSent += o.bytesSent
	c.bytesReceived += o.bytesReceived
	c.lastSent = max(c.lastSent, o.lastSent)
	c.lastAnswered = max(c.lastAnswered, o.lastAnswered)
	c.lastReceived = max(c.lastReceived, o.lastReceived)
	c.behind += o.behind
	c.away += o.away
	c.blocked += o.blocked
	c.opened += o.opened
	c.reopened += o.reopened
	c.lost += o.lost
	c.failed += o.failed
	c.cut += o.cut
	c.errors += o.errors
	c.warmReceived += o.warmReceived
	c.warmSent += o.warmSent
}

// tallies returns as many as can be busy at once, and some more.
func tallies(clients int) []tally {
	n := min(max(clients, 1), 4*runtime.GOMAXPROCS(0), 64)
	all := make([]tally, n)
	for i := range all {
		all[i].latency, all[i].service, all[i].lag, all[i].ack = NewHistogram(), NewHistogram(), NewHistogram(), NewHistogram()
		all[i].second = newHistogram(coarse)
	}
	return all
}

// sum adds up the counts of all.
func sum(all []tally) counts {
	var c counts
	for i := range all {
		t := &all[i]
		t.mu.Lock()
		c.add(&t.counts)
		t.mu.Unlock()
	}
	return c
}

// Names of phases, in their order.
const (
	phaseResolve = iota
	phaseConnect
	phaseUnix
	phaseProxy
	phaseTLS
	phaseWebSocket
	phaseConnack
	phaseSubscribe
	phases
)

var phaseNames = [phases]string{"dns", "tcp", "unix", "proxy", "tls", "websocket", "connack", "subscribe"}

// registry is what is counted seldom: how connections opened, and errors by kind.
type registry struct {
	mu      sync.Mutex
	connect *Histogram
	phase   [phases]*Histogram
	kinds   []ErrorKind
	first   error
	lasting error // the first that nothing mended
	open    int
	peak    int
	version string
}

func newRegistry() *registry {
	g := &registry{connect: NewHistogram()}
	for i := range g.phase {
		g.phase[i] = NewHistogram()
	}
	return g
}

// opened notes a connection that came up, which mends what ended the one before.
func (g *registry) opened(c *client, total time.Duration, version string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	c.broken = nil
	took, before := &c.took, time.Duration(0)
	for i, d := range [...]time.Duration{took.Resolve, took.Connect, took.Unix, took.Proxy, took.TLS, took.WebSocket} {
		if d > 0 {
			g.phase[i].Record(d)
			before += d
		}
	}
	g.phase[phaseConnack].Record(total - before)
	g.connect.Record(total)
	g.version = version
	g.open++
	g.peak = max(g.peak, g.open)
}

// closed notes that one is gone.
func (g *registry) closed() {
	g.mu.Lock()
	g.open--
	g.mu.Unlock()
}

// held tells how many connections are open.
func (g *registry) held() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open
}

func (g *registry) subscribed(took time.Duration) {
	g.mu.Lock()
	g.phase[phaseSubscribe].Record(took)
	g.mu.Unlock()
}

// maxKinds bounds how many kinds of errors are kept apart.
const maxKinds = 32

// failed notes an error.
func (g *registry) failed(kind string, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.first == nil {
		g.first = err
	}
	i := slices.IndexFunc(g.kinds, func(k ErrorKind) bool { return k.Kind == kind })
	if i < 0 {
		if len(g.kinds) == maxKinds {
			kind = g.kinds[maxKinds-1].Kind
			i = maxKinds - 1
		} else {
			g.kinds = append(g.kinds, ErrorKind{Kind: kind, Text: err.Error()})
			i = len(g.kinds) - 1
		}
	}
	g.kinds[i].Count++
}

// stays notes an error that nothing mends.
func (g *registry) stays(err error) {
	g.mu.Lock()
	if g.lasting == nil {
		g.lasting = err
	}
	g.mu.Unlock()
}

// broke notes what ended a connection that is to come back.
func (g *registry) broke(c *client, err error) {
	g.mu.Lock()
	c.broken = err
	g.mu.Unlock()
}

// errAlone is the error of a run in which no connection came up and none said why.
var errAlone = errors.New("no connection came up")
