package bench

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"time"

	"mqtt/internal/conn"
	"mqtt/internal/proto"
	"mqtt/internal/session"
)

// Modes of a Clock.
const (
	OneProcess = "one process" // sent and received by the same clock
	Estimated  = "estimated"   // the difference of two clocks was measured with echoes through the server
	Refused    = "refused"     // no process answered: messages of other machines were not timed
)

// clocks compares the clock of this process with those of publishers in other processes of
// the same RunName. Processes with subscribers publish questions, and those with publishers
// answer them. The error of an answer is at most half of its round trip, so the quickest of
// the recent answers is used.
type clocks struct {
	run     *run
	topic   string // of questions; the topic of answers is topic/nonce
	nonce   uint32
	stop    context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex
	sources []remoteClock
}

// remoteClock is the clock of a process with the publishers from from to before to.
type remoteClock struct {
	from, to  uint32
	offset    int64 // its time minus ours, in nanoseconds
	roundTrip int64 // of the answer that offset was computed from
	received  int64 // when that answer was received, on our clock
	slowest   int64 // longest round trip of all answers that were used
}

// drift is the fraction 1/drift by which two clocks may differ in speed. It increases the
// error of an old answer.
const drift = 20000

// The sizes and times of the exchange.
const (
	questionSize  = 4 + 8                  // nonce, our time
	answerSize    = 8 + 8 + 4 + 4          // our time, its time, its publishers
	exchangeTime  = 500 * time.Millisecond // before the start of the schedule
	askInterval   = 20 * time.Millisecond  // during that time
	laterInterval = 100 * time.Millisecond // after it
)

func newClocks(r *run) *clocks {
	return &clocks{run: r, topic: "mqtt-bench/" + r.plan.RunName + "/clock", nonce: rand.Uint32()}
}

// begin starts the exchange if several processes measure together, and waits until there was
// time for enough answers. end stops its goroutine.
func (k *clocks) begin(ctx, inner context.Context) error {
	p := k.run.plan
	if p.RunName == "" {
		return nil
	}
	inner, k.stop = context.WithCancel(inner)
	cfg, err := p.Configure(ClockClient, p.Offset, new(Phases))
	if err != nil {
		return err
	}
	ready := make(chan struct{})
	k.running.Add(1)
	go func() {
		defer k.running.Done()
		var s session.Session
		first := true
		signal := func() {
			if first {
				first = false
				close(ready)
			}
		}
		defer signal()
		if c, err := conn.Dial(inner, cfg, &s); err == nil {
			k.serve(inner, c, signal) // if the connection is lost, the estimate remains
			c.Abort()
		}
	}()
	select {
	case <-ready:
	case <-ctx.Done():
	}
	return nil
}

// end stops the exchange and waits for its goroutine.
func (k *clocks) end() {
	if k.stop != nil {
		k.stop()
		k.running.Wait()
	}
}

// serve asks and answers questions. It calls signal when there was time for enough answers.
func (k *clocks) serve(ctx context.Context, c *conn.Conn, signal func()) error {
	mine := k.topic + "/" + hex32(k.nonce)
	var filters []proto.Subscription
	if k.run.plan.Publishers > 0 {
		filters = append(filters, proto.Subscription{Filter: k.topic})
	}
	asks := k.run.plan.Subscribers > 0
	if asks {
		filters = append(filters, proto.Subscription{Filter: mine})
	}
	if err := c.Send(ctx, &proto.Subscribe{Filters: filters}); err != nil {
		return err
	}
	began := time.Now() // of the exchange
	var due time.Time
	for {
		ev, err := c.NextBy(ctx, due)
		if err != nil {
			return err
		}
		now := time.Now()
		switch {
		case ev.Kind == conn.Message && string(ev.Message.Topic) == k.topic:
			if err := k.answer(ctx, c, ev.Message.Payload); err != nil {
				return err
			}
		case ev.Kind == conn.Message:
			k.learn(ev.Message.Payload)
		case ev.Kind == conn.Answer:
			began, due = now, now
		}
		if due.IsZero() || now.Before(due) {
			continue
		}
		due = now.Add(askInterval)
		if now.Sub(began) > exchangeTime {
			signal()
			due = now.Add(laterInterval)
		}
		if !asks {
			continue
		}
		q := binary.BigEndian.AppendUint32(nil, k.nonce)
		q = binary.BigEndian.AppendUint64(q, uint64(k.run.epoch+k.run.now()))
		if err := c.Publish(ctx, &proto.Publish{Topic: []byte(k.topic), Payload: q}, 0); err != nil {
			return err
		}
	}
}

// answer answers a question with the time of this process and its publishers.
func (k *clocks) answer(ctx context.Context, c *conn.Conn, q []byte) error {
	if len(q) != questionSize {
		return nil
	}
	p := k.run.plan
	a := append([]byte(nil), q[4:]...)
	a = binary.BigEndian.AppendUint64(a, uint64(k.run.epoch+k.run.now()))
	a = binary.BigEndian.AppendUint32(a, uint32(p.Offset))
	a = binary.BigEndian.AppendUint32(a, uint32(p.Offset+p.Publishers))
	topic := k.topic + "/" + hex32(binary.BigEndian.Uint32(q))
	return c.Publish(ctx, &proto.Publish{Topic: []byte(topic), Payload: a}, 0)
}

// learn uses an answer, unless a better one is known.
func (k *clocks) learn(a []byte) {
	if len(a) != answerSize {
		return
	}
	now := k.run.epoch + k.run.now()
	asked, there := int64(binary.BigEndian.Uint64(a)), int64(binary.BigEndian.Uint64(a[8:]))
	got := remoteClock{from: binary.BigEndian.Uint32(a[16:]), to: binary.BigEndian.Uint32(a[20:]), roundTrip: now - asked, received: now}
	got.offset, got.slowest = there-asked-got.roundTrip/2, got.roundTrip
	if got.roundTrip < 0 || got.from >= got.to {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range k.sources {
		s := &k.sources[i]
		if s.from == got.from && s.to == got.to {
			if got.roundTrip <= s.roundTrip+(now-s.received)/drift {
				got.slowest = max(s.slowest, got.roundTrip)
				*s = got
			}
			return
		}
	}
	if len(k.sources) < maxSources {
		k.sources = append(k.sources, got)
	}
}

// maxSources is the maximum number of remote clocks.
const maxSources = 4096

// offset returns how far the clock of a publisher in another process is ahead of ours.
func (r *run) offset(publisher uint32) (ahead int64, ok bool) {
	k := r.clocks
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, s := range k.sources {
		if publisher >= s.from && publisher < s.to {
			return s.offset, true
		}
	}
	return 0, false
}

// result returns the Clock of the result. elsewhere is the number of messages of other
// processes, and untimed the number of those whose clock is not known.
func (k *clocks) result(untimed, elsewhere uint64) Clock {
	k.mu.Lock()
	defer k.mu.Unlock()
	var c Clock
	for _, s := range k.sources {
		if k.run.ours(s.from) {
			continue
		}
		c.Mode = Estimated
		if e := Micros(time.Duration(s.slowest)) / 2; e > c.Error {
			c.Error = e
		}
		if o := Micros(time.Duration(s.offset)); o*o > c.Offset*c.Offset {
			c.Offset = o
		}
	}
	switch {
	case untimed > 0:
		return Clock{Mode: Refused}
	case c.Mode == "" || elsewhere == 0:
		return Clock{Mode: OneProcess}
	}
	return c
}

// hex32 returns x in eight hexadecimal digits.
func hex32(x uint32) string {
	const digits = "0123456789abcdef"
	var b [8]byte
	for i := range b {
		b[i] = digits[x>>(28-4*i)&15]
	}
	return string(b[:])
}
