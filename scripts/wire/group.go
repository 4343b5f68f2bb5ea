package main

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// group is a topic of pairs with its publisher and its subscribers.
type group struct {
	p     *pairs
	topic string
	pub   net.Conn
	subs  []net.Conn

	sent    atomic.Int64
	got     atomic.Int64 // sum over all subscribers
	waiting atomic.Bool
	bell    chan struct{}

	mu        sync.Mutex
	latencies []int64 // of all messages received, nanoseconds from when they were due
}

// inFlight returns how many messages are in flight, on average over the subscribers.
func (g *group) inFlight() int64 { return g.sent.Load() - g.got.Load()/int64(len(g.subs)) }

// send publishes all messages of the topic.
func (g *group) send() error {
	p := g.p
	units, err := newPublishes(g.topic, p.qos, p.level, p.payload)
	if err != nil {
		return err
	}
	if p.qos > 0 {
		go func() { // reads acknowledgements; ends with the connection
			b := make([]byte, 4096)
			for {
				if _, err := g.pub.Read(b); err != nil {
					return
				}
			}
		}()
	}
	for sent := int64(0); sent < p.count; sent = g.sent.Load() {
		most := p.count - sent
		if p.rate > 0 {
			most = min(most, g.due(sent))
		} else {
			most = min(most, g.room())
		}
		b, n := units.fill(sent, clamp(most))
		g.sent.Add(int64(n)) // before they can be received
		if _, err := g.pub.Write(b); err != nil {
			return err
		}
	}
	return nil
}

// due waits until a message is due, and returns how many are due.
func (g *group) due(sent int64) int64 {
	for {
		n := int64(time.Since(g.p.begin).Seconds()*g.p.rate) + 1 - sent
		if n > 0 {
			return n
		}
		time.Sleep(time.Until(g.p.begin.Add(g.p.dueAfter(sent))))
	}
}

// dueAfter returns when message n is due, from the start.
func (p *pairs) dueAfter(n int64) time.Duration {
	return time.Duration(float64(n) / p.rate * float64(time.Second))
}

// room waits until the window is not full, and returns how many messages fit.
func (g *group) room() int64 {
	for {
		if n := g.p.window - g.inFlight(); n > 0 {
			return n
		}
		g.waiting.Store(true)
		if g.inFlight() >= g.p.window {
			<-g.bell
		}
		g.waiting.Store(false)
	}
}

// receive counts the messages that one subscriber receives. All packets have the same
// length, so it counts bytes, and looks into packets only to acknowledge them.
func (g *group) receive(conn net.Conn) error {
	p := g.p
	buf := make([]byte, 32<<10)
	var acks []byte
	have := 0
	for left := p.count; left > 0; {
		n, err := conn.Read(buf[have:])
		if err != nil {
			return err
		}
		have += n
		packets := have / p.unit
		if packets == 0 {
			continue
		}
		now := time.Now()
		acks = acks[:0]
		for i := range packets {
			b := buf[i*p.unit:]
			if b[0]&^8 != typePublish|p.qos<<1 {
				return fmt.Errorf("waited for PUBLISH: got 0x%02x", b[0])
			}
			if p.qos > 0 {
				at := p.unit - len(p.payload.bytes) - 2
				if p.level == level5 {
					at--
				}
				acks = append(acks, typePuback, 2, b[at], b[at+1])
			}
		}
		have = copy(buf, buf[packets*p.unit:have])
		if p.rate > 0 {
			g.record(p.count-left, packets, now)
		}
		left -= int64(packets)
		p.received.Add(int64(packets))
		p.last.Store(now.UnixNano())
		g.got.Add(int64(packets))
		if g.waiting.Load() && g.inFlight() <= p.window/2 {
			select {
			case g.bell <- struct{}{}:
			default:
			}
		}
		if len(acks) > 0 {
			if _, err := conn.Write(acks); err != nil {
				return err
			}
		}
	}
	return nil
}

// record records the latency of n messages from number first on, received now.
func (g *group) record(first int64, n int, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	since := now.Sub(g.p.begin)
	for i := range int64(n) {
		g.latencies = append(g.latencies, int64(since-g.p.dueAfter(first+i)))
	}
}
