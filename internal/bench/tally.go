package bench

import (
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"
)

// tally has the counts and histograms of many clients. There are several tallies, so that
// clients seldom wait for each other, but fewer than clients, so that an idle client uses
// no memory for them.
type tally struct {
	mu sync.Mutex
	counts
	latency, service, lag, ack *Histogram
	recent                     *Histogram // latency since the last sample, with two digits
	_                          [64]byte   // separates tallies into different cache lines
}

// counts has counts of the measured part.
type counts struct {
	sent, acked, refused      uint64
	received, unique          uint64
	duplicated, late, unknown uint64 // unknown: received for the first time or again
	foreign, untimed          uint64
	elsewhere                 uint64 // of unique, sent by other processes of the run
	missing                   int64  // not received so far, although a later one was; one tally may be negative
	bytesSent, bytesReceived  uint64
	lastSent, lastAnswered    int64 // times of the run
	lastReceived              int64
	lateSends                 uint64 // sent later than due
	lateOffline, lateBlocked  uint64 // of lateSends: there was no connection; or the window or the socket was full
	opened, reconnected, lost uint64
	failed, cut, errors       uint64
	warmReceived, warmSent    uint64 // in the warm-up
}

// add adds the counts of o.
func (c *counts) add(o *counts) {
	c.sent += o.sent
	c.acked += o.acked
	c.refused += o.refused
	c.received += o.received
	c.unique += o.unique
	c.duplicated += o.duplicated
	c.late += o.late
	c.unknown += o.unknown
	c.foreign += o.foreign
	c.untimed += o.untimed
	c.elsewhere += o.elsewhere
	c.missing += o.missing
	c.bytesSent += o.bytesSent
	c.bytesReceived += o.bytesReceived
	c.lastSent = max(c.lastSent, o.lastSent)
	c.lastAnswered = max(c.lastAnswered, o.lastAnswered)
	c.lastReceived = max(c.lastReceived, o.lastReceived)
	c.lateSends += o.lateSends
	c.lateOffline += o.lateOffline
	c.lateBlocked += o.lateBlocked
	c.opened += o.opened
	c.reconnected += o.reconnected
	c.lost += o.lost
	c.failed += o.failed
	c.cut += o.cut
	c.errors += o.errors
	c.warmReceived += o.warmReceived
	c.warmSent += o.warmSent
}

// newTallies returns more tallies than clients can run at once.
func newTallies(clients int) []tally {
	n := min(max(clients, 1), 4*runtime.GOMAXPROCS(0), 64)
	all := make([]tally, n)
	for i := range all {
		all[i].latency, all[i].service, all[i].lag, all[i].ack = NewHistogram(), NewHistogram(), NewHistogram(), NewHistogram()
		all[i].recent = newHistogram(coarse)
	}
	return all
}

// sum returns the sum of all counts.
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

// The phases of a connection, in their order.
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

// registry has what is counted seldom: connections, and errors by kind.
type registry struct {
	mu        sync.Mutex
	connect   *Histogram
	phase     [phases]*Histogram
	kinds     []ErrorKind
	first     error // of all errors
	permanent error // the first from which no client recovered
	sessions  sessionLoss
	open      int // connections
	peak      int // highest open
	version   string
}

func newRegistry() *registry {
	g := &registry{connect: NewHistogram()}
	for i := range g.phase {
		g.phase[i] = NewHistogram()
	}
	return g
}

// opened records a connection that opened. The client has recovered from its last error.
func (g *registry) opened(c *client, total time.Duration, version string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	c.broken = nil
	p, before := &c.phases, time.Duration(0)
	for i, d := range [...]time.Duration{p.Resolve, p.Connect, p.Unix, p.Proxy, p.TLS, p.WebSocket} {
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

// closed records a connection that closed.
func (g *registry) closed() {
	g.mu.Lock()
	g.open--
	g.mu.Unlock()
}

// connections returns the number of open connections.
func (g *registry) connections() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open
}

// subscribed records the time until a SUBACK.
func (g *registry) subscribed(took time.Duration) {
	g.mu.Lock()
	g.phase[phaseSubscribe].Record(took)
	g.mu.Unlock()
}

// maxKinds is the maximum number of kinds of errors. All further ones count as the last.
const maxKinds = 32

// failed counts an error of a connection or a client.
func (g *registry) failed(kind string, err error) {
	g.mu.Lock()
	if g.first == nil {
		g.first = err
	}
	g.mu.Unlock()
	g.count(kind, err)
}

// count counts an error.
func (g *registry) count(kind string, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
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

// setPermanent records an error from which no client recovers.
func (g *registry) setPermanent(err error) {
	g.mu.Lock()
	if g.permanent == nil {
		g.permanent = err
	}
	g.mu.Unlock()
}

// setBroken records why a client lost its connection, from which it may recover.
func (g *registry) setBroken(c *client, err error) {
	g.mu.Lock()
	c.broken = err
	g.mu.Unlock()
}

// errNoConnection is the error of a run without connections and without any other error.
var errNoConnection = errors.New("no connection came up")
