package bench

import (
	"sync"
	"time"
)

const (
	sampleInterval = int64(time.Second) // of the live view, and at first of the points
	maxPoints      = 1800               // more are merged in pairs
)

// sampler produces the series of a run and the Progress for the live view. end stops its
// goroutine.
type sampler struct {
	r       *run
	started chan int64    // receives the start of the measured part
	done    chan struct{} // closed by end
	ended   chan struct{} // closed by the goroutine

	mu       sync.Mutex // guards the next four
	phase    string
	since    int64 // when the phase began
	duration int64 // of the phase; negative if not known
	open     int   // connections when the clients began to disconnect, for the next point; -1 if there is none

	ramp     float64 // seconds until all connections were open
	points   []Point
	width    int64      // of a point
	latest   *Histogram // of the current point
	empty    *Histogram // of all points in which nothing was received
	lag      *Histogram // of the run, for the live view
	last     counts     // at the time lastTime
	lastTime int64
}

// emptyHistogram returns the histogram of a point in which nothing was received.
func emptyHistogram() *Histogram { return newHistogram(coarse) }

// startSampler starts the sampler of r.
func (r *run) startSampler() *sampler {
	s := &sampler{r: r, started: make(chan int64, 1), done: make(chan struct{}), ended: make(chan struct{}), width: sampleInterval,
		latest: emptyHistogram(), empty: emptyHistogram(), open: -1}
	go s.loop()
	return s
}

// setPhase sets the phase of the run that begins. duration is negative if it is not known.
func (s *sampler) setPhase(phase string, duration time.Duration) {
	s.mu.Lock()
	s.phase, s.since, s.duration = phase, s.r.now(), int64(duration)
	s.mu.Unlock()
}

// setSending sets the phase sending, which lasts until a time of the run.
func (s *sampler) setSending(until int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.phase, s.since, s.duration = "sending", s.r.start, -1
	if until < 1<<62 {
		s.duration = until - s.r.start
	}
}

// setClosing sets the phase closing, in which the clients disconnect.
func (s *sampler) setClosing() {
	s.setPhase("closing", -1)
	open := s.r.registry.connections()
	s.mu.Lock()
	s.open = open
	s.mu.Unlock()
}

// setRamp sets the time until all connections were open.
func (s *sampler) setRamp(took time.Duration) { s.ramp = took.Seconds() }

// begin sets the start of the measured part, and with it that of the first point.
func (s *sampler) begin(start int64) { s.started <- start }

// end adds the last point and waits for the goroutine.
func (s *sampler) end() {
	close(s.done)
	<-s.ended
}

func (s *sampler) loop() {
	defer close(s.ended)
	next, start := s.r.now()+sampleInterval, int64(-1)
	timer := time.NewTimer(time.Duration(sampleInterval))
	defer timer.Stop()
	for {
		select {
		case start = <-s.started:
			next = start
			if start <= s.r.now() {
				next = start + sampleInterval
			}
		case <-timer.C:
			measured := start >= 0 && next > start
			s.sample(measured)
			next += sampleInterval
		case <-s.done:
			if start >= 0 && s.r.now() > start {
				s.sample(true)
			}
			s.trim()
			return
		}
		timer.Reset(time.Duration(max(next-s.r.now(), 0)))
	}
}

// sample reads the counts, adds a point if measured is set, and calls Watch.
func (s *sampler) sample(measured bool) {
	r := s.r
	now := r.now()
	n := sum(r.tallies)
	s.latest.Reset()
	for i := range r.tallies {
		t := &r.tallies[i]
		t.mu.Lock()
		if measured && t.recent.Count() > 0 {
			s.latest.Merge(t.recent)
			t.recent.Reset()
		}
		t.mu.Unlock()
	}
	open := r.registry.connections()
	p := Point{
		Sent: n.sent - s.last.sent, Acknowledged: n.acked - s.last.acked, Received: n.received - s.last.received,
		Errors: n.errors - s.last.errors, Opened: n.opened - s.last.opened, Connections: uint64(max(open, 0)),
	}
	if measured {
		if p.Latency = s.empty; s.latest.Count() > 0 {
			p.Latency = s.latest.Clone()
		}
		s.points = append(s.points, s.withOpen(p))
		if len(s.points) == maxPoints {
			s.points = coarser(s.points)
			s.width *= 2
		}
	}
	if r.plan.Watch != nil {
		r.plan.Watch(s.progress(now, &n, &p))
	}
	if !measured { // these counts belong to the first point
		n.sent, n.acked, n.received = s.last.sent, s.last.acked, s.last.received
	}
	s.last, s.lastTime = n, now
}

// withOpen returns p. If the clients began to disconnect during p, its connections are
// those that were open before.
func (s *sampler) withOpen(p Point) Point {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open >= 0 {
		p.Connections, s.open = uint64(s.open), -1
	}
	return p
}

// coarser merges each two points into one.
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

// plus returns p merged with the point o that follows it.
func (p Point) plus(o *Point) Point {
	p.Sent += o.Sent
	p.Acknowledged += o.Acknowledged
	p.Received += o.Received
	p.Errors += o.Errors
	p.Lost += o.Lost
	p.Opened += o.Opened
	p.Connections = o.Connections
	l := p.Latency.Clone()
	l.Merge(o.Latency)
	p.Latency = l
	return p
}

// trim removes empty points at the end: the time in which the clients disconnected.
func (s *sampler) trim() {
	for n := len(s.points); n > 1; n-- {
		if p := &s.points[n-1]; p.Sent+p.Acknowledged+p.Received+p.Errors+p.Opened > 0 || s.r.plan.Clients > 0 {
			return
		}
		s.points = s.points[:n-1]
	}
}

// progress returns the Progress for the counts n and the last point p.
func (s *sampler) progress(now int64, n *counts, p *Point) *Progress {
	s.mu.Lock()
	phase, since, duration := s.phase, s.since, s.duration
	s.mu.Unlock()
	took := time.Duration(max(now-s.lastTime, 1)).Seconds()
	per := func(x uint64) float64 { return float64(x) / took }
	plan := s.r.plan
	g := &Progress{
		Phase: phase, Elapsed: time.Duration(max(now-since, 0)), Remaining: -1, Done: -1, Step: time.Duration(now - s.lastTime),
		Wanted: plan.Publishers + plan.Subscribers + plan.Clients, Connections: int(p.Connections),
		Sent: n.sent, Received: n.received, Missing: -1, Errors: n.errors,
		SendRate: per(p.Sent), ReceiveRate: per(p.Received), AckRate: per(p.Acknowledged), OpenRate: per(p.Opened), Latency: s.latest,
	}
	if n.unique > 0 {
		g.Missing = max(n.missing, 0)
	}
	switch {
	case duration > 0:
		g.Done = min(float64(g.Elapsed)/float64(duration), 1)
		g.Remaining = time.Duration(max(duration-int64(g.Elapsed), 0))
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
