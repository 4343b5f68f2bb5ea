package check

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"mqtt/internal/proto"
)

// Time limits of a sentinel.
const (
	beat         = 500 * time.Millisecond // between two looks
	patience     = 3                      // times Options.Limit, for a server to come back
	restartAfter = time.Second            // of refused connections, Options.Restart is called
)

// Outage is a time in which the server served nobody.
type Outage struct {
	After   float64  `json:"after"`   // seconds since the run began
	Seconds float64  `json:"seconds"` // until the server answered again, or the run gave up
	Back    bool     `json:"back"`    // it answered again
	What    string   `json:"what"`    // what was seen
	Cases   []string `json:"cases"`   // the IDs of the cases that were running
	Shown   []string `json:"shown"`   // the IDs of those that were shown to be the cause

	at   time.Time // when it was seen
	hung bool      // connections stayed open, without answers
}

// sentinel is two connections beside those of the cases, which send nothing but PINGREQ. A server has no reason to
// end them. If both end at once, or neither is answered, then the server serves nobody: it crashed, was
// restarted, or hangs. What a case saw then says nothing about it, unless the case is the cause.
//
// One goroutine owns the connections. It looks when it is asked, and every 500 ms.
type sentinel struct {
	r       *runner
	v       proto.Version
	found   *Found
	began   time.Time     // of the run
	asks    chan chan int // an answer is the number of outages
	stopped chan struct{} // closed when the goroutine has ended
	stop    context.CancelFunc
	giveUp  context.CancelFunc // ends the run

	mu      sync.Mutex
	outages []*Outage
	away    chan struct{} // closed when the server is back, or is given up; nil while it serves
	dead    bool
}

// watch starts a sentinel, which lives until close is called. giveUp is called when the server does not come back.
// It returns nil if the server cannot be watched: it does not answer PINGREQ, or takes no more connections.
func (r *runner) watch(ctx context.Context, f *Found, began time.Time, giveUp context.CancelFunc) *sentinel {
	ctx, stop := context.WithCancel(ctx)
	s := &sentinel{
		r: r, v: f.Version, found: f, began: began, asks: make(chan chan int), stopped: make(chan struct{}), stop: stop, giveUp: giveUp,
	}
	var both [2]*witness
	for i := range both {
		w, err := s.open(ctx)
		switch {
		case errors.As(err, new(*dialError)):
			if !s.outage(ctx, &both, err) {
				stop()
				close(s.stopped)
				return s
			}
		case err != nil:
			both[0].close()
			stop()
			return nil
		default:
			both[i] = w
			continue
		}
		break // an outage has opened both
	}
	go s.run(ctx, both) // ends with close
	return s
}

// close ends the sentinel. The server may then be restarted.
func (s *sentinel) close() {
	if s == nil {
		return
	}
	s.stop()
	<-s.stopped
}

// run looks after the server until ctx is done, or the server is given up.
func (s *sentinel) run(ctx context.Context, both [2]*witness) {
	defer close(s.stopped)
	defer func() {
		for _, w := range both {
			w.close()
		}
	}()
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for {
		var waiting []chan int
		select {
		case ask := <-s.asks:
			waiting = append(waiting, ask)
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		for more := true; more; { // one look answers all that asked before it
			select {
			case ask := <-s.asks:
				waiting = append(waiting, ask)
			default:
				more = false
			}
		}
		ok := s.look(ctx, &both)
		n := s.count()
		for _, w := range waiting {
			w <- n // it has room
		}
		if !ok {
			return
		}
	}
}

// look asks the first connection, and the second if the first is not answered, or has not been asked for long. It
// reports whether the server can be watched further.
func (s *sentinel) look(ctx context.Context, both *[2]*witness) bool {
	first := both[0].ping(ctx, s.r.opt.Limit)
	if first == nil && time.Since(both[1].asked) < beat {
		return true
	}
	second := both[1].ping(ctx, s.r.opt.Limit)
	var malformed *proto.Error
	switch {
	case ctx.Err() != nil, errors.As(first, &malformed), errors.As(second, &malformed):
		return false
	case first == nil && second == nil:
		return true
	case first == nil || second == nil: // one connection alone is no outage
		i := 0
		if first == nil {
			i = 1
		}
		both[i].close()
		w, err := s.open(ctx)
		both[i] = w
		return err == nil
	}
	return s.outage(ctx, both, first)
}

// outage waits until the server is back. It reports whether it is.
func (s *sentinel) outage(ctx context.Context, both *[2]*witness, why error) bool {
	began := time.Now()
	o := &Outage{at: began, After: began.Sub(s.began).Seconds(), What: "the server closed all connections, also two that sent only PINGREQ", Cases: []string{}, Shown: []string{}}
	switch {
	case errors.As(why, new(*dialError)):
		o.What = "the server went away when its capabilities had been looked for"
	case errors.Is(why, errNothing):
		o.hung = true
		o.What = fmt.Sprintf("the server did not answer a PINGREQ within %v, on two connections that send nothing else", s.r.opt.Limit)
	}
	away := make(chan struct{})
	s.mu.Lock()
	s.outages, s.away = append(s.outages, o), away
	s.mu.Unlock()
	err := s.reopen(ctx, both)
	s.mu.Lock()
	defer s.mu.Unlock()
	o.Seconds, o.Back, s.away = time.Since(began).Seconds(), err == nil, nil
	if err != nil && ctx.Err() == nil {
		s.dead = true
		o.What += fmt.Sprintf(", and accepts no new connection: %v", err)
		s.giveUp()
	} else if err == nil {
		o.What += fmt.Sprintf(", and accepted new connections %.1f s later", o.Seconds)
	}
	close(away)
	return err == nil
}

// reopen opens both connections again. A server that stays away is restarted, if that is possible.
func (s *sentinel) reopen(ctx context.Context, both *[2]*witness) error {
	began := time.Now()
	end, restarted := began.Add(s.r.patience), s.r.opt.Restart == nil
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, beat) {
		var err error
		for i := range both {
			both[i].close()
			if both[i], err = s.open(ctx); err != nil {
				break
			}
		}
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !restarted && time.Since(began) > restartAfter:
			restarted = true
			if failed := s.r.opt.Restart(ctx); failed != nil {
				return fmt.Errorf("%w, and the command of --restart failed: %w", err, failed)
			}
			end = time.Now().Add(s.r.patience)
		case time.Now().After(end):
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// count returns how many outages there were.
func (s *sentinel) count() int {
	if s == nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.outages)
}

// await waits while the server is away.
func (s *sentinel) await(ctx context.Context) {
	if s == nil {
		return
	}
	s.mu.Lock()
	away := s.away
	s.mu.Unlock()
	if away == nil {
		return
	}
	select {
	case <-away:
	case <-ctx.Done():
	}
}

// gone reports whether the server is not expected to come back.
func (s *sentinel) gone() bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dead
}

// all returns the outages.
func (s *sentinel) all() []*Outage {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.outages[:len(s.outages):len(s.outages)]
}

// settle is like since, and looks again for the time d: a server may close a connection before it goes away.
func (s *sentinel) settle(ctx context.Context, n int, d time.Duration) *Outage {
	for end := time.Now().Add(d); ; {
		o := s.since(n)
		if o != nil || s == nil || !time.Now().Before(end) {
			return o
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-s.stopped:
			return s.since(n)
		case <-ctx.Done():
			return s.since(n)
		}
	}
}

// since makes sure of the server, and returns the last outage after the first n; nil if there was none. When the
// server is away it waits until that is over.
func (s *sentinel) since(n int) *Outage {
	if s == nil {
		return nil
	}
	answer := make(chan int, 1)
	select {
	case s.asks <- answer:
		select {
		case <-answer:
		case <-s.stopped:
		}
	case <-s.stopped:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.outages) <= n {
		return nil
	}
	return s.outages[len(s.outages)-1]
}
