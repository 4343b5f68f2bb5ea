package bench

import (
	"sync"
	"time"
)

const (
	beat      = int64(time.Second) // of the live view, and of a point at first
	maxPoints = 1800               // then two become one
)

// sampler makes the series and tells the live view. Its goroutine ends with end.
type sampler struct {
	r     *run
	mu    sync.Mutex
	phase string
	since int64 // when the phase began
	lasts int64 // how long it takes; negative where nobody knows
	held  int   // connections when the goodbye began, for the point that has its beginning; -1 for none
	ramp  float64

	begun  chan int64
	done   chan struct{}
	ended  chan struct{}
	points []Point
	width  int64 // of a point
	latest *Histogram
	empty  *Histogram // of all points in which nothing came
	lag    *Histogram // of all, for the live view
	last   counts
	at     int64
}

// none is the histogram of a point in which nothing was received.
func none() *Histogram { return newHistogram(coarse) }

func (r *run) sample() *sampler {
	s := &sampler{r: r, begun: make(chan int64, 1), done: make(chan struct{}), ended: make(chan struct{}), width: beat, latest: none(), empty: none(), held: -1}
	go s.loop()
	return s
}

// say names the part of the run that begins. lasts is negative where nobody knows.
func (s *sampler) say(phase string, lasts time.Duration) {
	s.mu.Lock()
	s.phase, s.since, s.lasts = phase, s.r.now(), int64(lasts)
	s.mu.Unlock()
}

// saySending says that sending begins; it lasts until a time of the run.
func (s *sampler) saySending(until int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.phase, s.since, s.lasts = "sending", s.r.start, -1
	if until < 1<<62 {
		s.lasts = until - s.r.start
	}
}

// sayClosing says that the goodbye begins.
func (s *sampler) sayClosing() {
	s.say("closing", -1)
	open := s.r.registry.held()
	s.mu.Lock()
	s.held = open
	s.mu.Unlock()
}

// ramped notes how long all connections took to come up.
func (s *sampler) ramped(took time.Duration) { s.ramp = took.Seconds() }

// begin says when the measured part starts: the first point begins there.
func (s *sampler) begin(start int64) { s.begun <- start }

// end takes the last point.
func (s *sampler) end() {
	close(s.done)
	<-s.ended
}

func (s *sampler) loop() {
	defer close(s.ended)
	next, start := s.r.now()+beat, int64(-1)
	timer := time.NewTimer(time.Duration(beat))
	defer timer.Stop()
	for {
		select {
		case start = <-s.begun:
			next = start
			if start <= s.r.now() {
				next = start + beat
			}
		case <-timer.C:
			measured := start >= 0 && next > start
			s.look(measured)
			next += beat
		case <-s.done:
			if start >= 0 && s.r.now() > start {
				s.look(true)
			}
			s.trim()
			return
		}
		timer.Reset(time.Duration(max(next-s.r.now(), 0)))
	}
}

// look reads the counts, adds a point if that is wanted, and tells the live view.
func (s *sampler) look(measured bool) {
	r := s.r
	now := r.now()
	n := sum(r.tallies)
	s.latest.Reset()
	for i := range r.tallies {
		t := &r.tallies[i]
		t.mu.Lock()
		if measured && t.second.Count() > 0 {
			s.latest.Merge(t.second)
			t.second.Reset()
		}
		t.mu.Unlock()
	}
	open := r.registry.held()
	p := Point{
		Sent: n.sent - s.last.sent, Acknowledged: n.acked - s.last.acked, Received: n.received - s.last.received,
		Errors: n.errors - s.last.errors, Opened: n.opened - s.last.opened, Connections: uint64(max(open, 0)),
	}
	if measured {
		if p.Latency = s.empty; s.latest.Count() > 0 {
			p.Latency = s.latest.Clone()
		}
		s.points = append(s.points, s.withHeld(p))
		if len(s.points) == maxPoints {
			s.points = coarser(s.points)
			s.width *= 2
		}
	}
	if r.plan.Watch != nil {
		r.plan.Watch(s.progress(now, &n, &p))
	}
	if !measured { // what the first point may have already stays for it
		n.sent, n.acked, n.received = s.last.sent, s.last.acked, s.last.received
	}
	s.last, s.at = n, now
}

// withHeld is p with the connections that were held, where the goodbye began in it.
func (s *sampler) withHeld(p Point) Point {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held >= 0 {
		p.Connections, s.held = uint64(s.held), -1
	}
	return p
}

// coarser makes one of every two points.
func coarser(points []Point) []Point {
	half := points[:0]
	for i := 0; i < len(points); i += 2 {
		p := points[i]
		if i+1 < len(points) {
			p = p.plus(&points[i+1])
		}
		half = append(half, p)
	}
	return half
}

// plus is p and the point that follows it.
func (p Point) plus(o *Point) Point {
	p.Sent += o.Sent
	p.Acknowledged += o.Acknowledged
	p.Received += o.Received
	p.Errors += o.Errors
	p.Opened += o.Opened
	p.Connections = o.Connections
	l := p.Latency.Clone()
	l.Merge(o.Latency)
	p.Latency = l
	return p
}

// trim drops points at the end in which nothing happened: the goodbye.
func (s *sampler) trim() {
	for n := len(s.points); n > 1; n-- {
		if p := &s.points[n-1]; p.Sent+p.Acknowledged+p.Received+p.Errors+p.Opened > 0 || s.r.plan.Clients > 0 {
			return
		}
		s.points = s.points[:n-1]
	}
}

func (s *sampler) progress(now int64, n *counts, p *Point) *Progress {
	s.mu.Lock()
	phase, since, lasts := s.phase, s.since, s.lasts
	s.mu.Unlock()
	took := time.Duration(max(now-s.at, 1)).Seconds()
	per := func(x uint64) float64 { return float64(x) / took }
	plan := s.r.plan
	g := &Progress{
		Phase: phase, Elapsed: time.Duration(max(now-since, 0)), Remaining: -1, Done: -1, Step: time.Duration(now - s.at),
		Wanted: plan.Publishers + plan.Subscribers + plan.Clients, Connections: int(p.Connections),
		Sent: n.sent, Received: n.received, Errors: n.errors,
		SendRate: per(p.Sent), ReceiveRate: per(p.Received), AckRate: per(p.Acknowledged), OpenRate: per(p.Opened), Latency: s.latest,
	}
	switch {
	case lasts > 0:
		g.Done = min(float64(g.Elapsed)/float64(lasts), 1)
		g.Remaining = time.Duration(max(lasts-int64(g.Elapsed), 0))
	case phase == "sending" && plan.Messages > 0:
		done := n.sent
		if plan.Publishers == 0 {
			done = n.received
		}
		g.Done = min(float64(done)/float64(plan.Messages), 1)
		if g.Done > 0 {
			g.Remaining = time.Duration(float64(g.Elapsed) * (1 - g.Done) / g.Done)
		}
	case phase == "connecting" && g.Wanted > 0:
		g.Done = float64(g.Connections) / float64(g.Wanted)
	}
	if plan.Rate > 0 {
		if s.lag == nil {
			s.lag = NewHistogram()
		}
		s.lag.Reset()
		for i := range s.r.tallies {
			t := &s.r.tallies[i]
			t.mu.Lock()
			if t.lag.Count() > 0 {
				s.lag.Merge(t.lag)
			}
			t.mu.Unlock()
		}
		g.LagP99 = s.lag.At(99)
	}
	return g
}
