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
	OneProcess = "one process" // the same clock stamped and read
	Estimated  = "estimated"   // the difference of two clocks was measured by echoes through the server
	Refused    = "refused"     // nobody answered: messages of other machines were not timed
)

// clocks compares the clock of this process with those of the publishers elsewhere.
// Processes of one RunName that publish answer; those that subscribe ask. A question
// and its answer go through the server like any message, and the quickest of many
// bounds the error by half of its round trip, as long as it is fresh.
type clocks struct {
	run   *run
	topic string // of questions; answers go to topic/nonce
	nonce uint32
	stop  context.CancelFunc
	over  sync.WaitGroup

	mu      sync.Mutex
	sources []clockOf
}

// clockOf is the clock of a process with publishers.
type clockOf struct {
	from, to uint32 // its publishers: from up to but not to
	offset   int64  // its time less ours, nanoseconds
	trip     int64  // of the echo that offset is of
	at       int64  // when it came, on our clock
	worst    int64  // trip of the slowest echo that was ever relied on
}

// drift is how fast two clocks may run apart: a part in so many. An old echo is worth
// less by that.
const drift = 20000

// Sizes and times of the exchange.
const (
	questionSize = 4 + 8                  // nonce, our time
	answerSize   = 8 + 8 + 4 + 4          // our time, its time, its publishers
	askBefore    = 500 * time.Millisecond // of the exchange, before the start
	askEvery     = 20 * time.Millisecond
	askLater     = 100 * time.Millisecond
)

func newClocks(r *run) *clocks {
	return &clocks{run: r, topic: "mqtt-bench/" + r.plan.RunName + "/clock", nonce: rand.Uint32()}
}

// begin starts the exchange where many processes measure together. The goroutine ends
// with end.
func (k *clocks) begin(ctx, inner context.Context) error {
	p := k.run.plan
	if p.RunName == "" {
		return nil
	}
	inner, k.stop = context.WithCancel(inner)
	cfg, err := p.Configure(Keeper, p.Offset, new(Phases))
	if err != nil {
		return err
	}
	settled := make(chan struct{})
	k.over.Add(1)
	go func() {
		defer k.over.Done()
		var s session.Session
		first := true
		tell := func() {
			if first {
				first = false
				close(settled)
			}
		}
		defer tell()
		if c, err := conn.Dial(inner, cfg, &s); err == nil {
			k.serve(inner, c, tell) // a connection that is lost leaves the estimate as it is
			c.Abort()
		}
	}()
	select {
	case <-settled:
	case <-ctx.Done():
	}
	return nil
}

// end ends the exchange.
func (k *clocks) end() {
	if k.stop != nil {
		k.stop()
		k.over.Wait()
	}
}

// serve asks and answers. tell is called when there was time for enough answers.
func (k *clocks) serve(ctx context.Context, c *conn.Conn, tell func()) error {
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
	began := time.Now()
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
		due = now.Add(askEvery)
		if now.Sub(began) > askBefore {
			tell()
			due = now.Add(askLater)
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

// answer echoes a question with the time here and whose publishers are here.
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

// learn takes in an answer.
func (k *clocks) learn(a []byte) {
	if len(a) != answerSize {
		return
	}
	now := k.run.epoch + k.run.now()
	asked, there := int64(binary.BigEndian.Uint64(a)), int64(binary.BigEndian.Uint64(a[8:]))
	got := clockOf{from: binary.BigEndian.Uint32(a[16:]), to: binary.BigEndian.Uint32(a[20:]), trip: now - asked, at: now}
	got.offset, got.worst = there-asked-got.trip/2, got.trip
	if got.trip < 0 || got.from >= got.to {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range k.sources {
		s := &k.sources[i]
		if s.from == got.from && s.to == got.to {
			if got.trip <= s.trip+(now-s.at)/drift {
				got.worst = max(s.worst, got.trip)
				*s = got
			}
			return
		}
	}
	if len(k.sources) < maxSources {
		k.sources = append(k.sources, got)
	}
}

// maxSources bounds how many machines a run may have.
const maxSources = 4096

// offset is how far the clock of a publisher elsewhere is ahead of ours.
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

// verdict says what the times of messages from elsewhere rest on: so many came, and
// untimed of them were not timed.
func (k *clocks) verdict(untimed, elsewhere uint64) Clock {
	k.mu.Lock()
	defer k.mu.Unlock()
	var v Clock
	for _, s := range k.sources {
		if k.run.ours(s.from) {
			continue
		}
		v.Mode = Estimated
		if trip := Micros(time.Duration(s.worst)) / 2; trip > v.Error {
			v.Error = trip
		}
		if o := Micros(time.Duration(s.offset)); o*o > v.Offset*v.Offset {
			v.Offset = o
		}
	}
	switch {
	case untimed > 0:
		return Clock{Mode: Refused}
	case v.Mode == "" || elsewhere == 0:
		return Clock{Mode: OneProcess}
	}
	return v
}

// hex32 is x in eight hexadecimal digits.
func hex32(x uint32) string {
	const digits = "0123456789abcdef"
	var b [8]byte
	for i := range b {
		b[i] = digits[x>>(28-4*i)&15]
	}
	return string(b[:])
}
