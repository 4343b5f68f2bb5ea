package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// pairsResult is the result of pairs. Seconds is from the first write to the last message
// received.
type pairsResult struct {
	Sent     int64   `json:"sent"`
	Received int64   `json:"received"`
	Lost     int64   `json:"lost"`
	Seconds  float64 `json:"seconds"`
	Rate     float64 `json:"rate"` // messages received per second
	P50      float64 `json:"p50_us,omitempty"`
	P999     float64 `json:"p999_us,omitempty"`
}

// pairs is a load on a broker: publishers, each with subscribers of its own.
type pairs struct {
	addr    string
	level   byte
	qos     byte
	topics  int
	subs    int // of each topic
	count   int64
	window  int64
	rate    float64       // messages per second of each publisher, 0: as fast as the window allows
	keep    bool          // keep the sessions of the subscribers
	silence time.Duration // after which missing messages are lost
	payload payload
	unit    int // bytes of a packet of the broker

	received atomic.Int64
	last     atomic.Int64 // Unix nanoseconds of the last message received
	begin    time.Time
}

// pairsCommand loads a broker and counts the messages that subscribers receive.
func pairsCommand(args []string) error {
	f := flags("pairs")
	p := &pairs{}
	f.StringVar(&p.addr, "connect", "127.0.0.1:1883", "`address` of the broker")
	f.IntVar(&p.topics, "pairs", 1, "number of publishers, each with a topic")
	f.IntVar(&p.subs, "subs", 1, "number of subscribers of each topic")
	f.Int64Var(&p.count, "count", 100_000, "number of messages of each publisher")
	size := f.Int("size", 64, "bytes of a payload")
	qos := f.Int("qos", 0, "0 or 1, of both sides")
	f.Int64Var(&p.window, "window", 100, "messages of a publisher in flight")
	f.Float64Var(&p.rate, "rate", 0, "messages per second of each publisher; prints latencies (0: as fast as the window allows)")
	f.BoolVar(&p.keep, "keep", false, "keep the sessions of the subscribers (3.1.1 only)")
	f.DurationVar(&p.silence, "silence", 5*time.Second, "time without any message after which missing messages are lost")
	version := f.String("V", "3.1.1", "protocol `version`: 3.1, 3.1.1, 5")
	if err := f.Parse(args); err != nil {
		return err
	}
	var err error
	if p.level, err = level(*version); err != nil {
		return err
	}
	switch {
	case *qos < 0 || *qos > 1 || p.window < 1 || p.topics < 1 || p.subs < 1 || p.count < 1 || p.rate < 0:
		return errors.New("a number is out of range")
	case p.keep && p.level == level5:
		return errors.New("--keep is for 3.1.1: version 5 would need an expiry interval")
	}
	p.qos = byte(*qos)
	if p.payload, err = newPayload(*size, false); err != nil {
		return err
	}
	result, err := p.run()
	if err != nil {
		return err
	}
	return report(result)
}

// topicOf returns the topic of a publisher. All topics, and so all packets, have the same length.
func topicOf(i int) string { return fmt.Sprintf("pairs/%06d", i) }

func (p *pairs) run() (pairsResult, error) {
	units, err := newPublishes(topicOf(0), p.qos, p.level, p.payload)
	if err != nil {
		return pairsResult{}, err
	}
	p.unit = units.unit
	groups := make([]*group, p.topics)
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	for i := range groups {
		g := &group{p: p, topic: topicOf(i), bell: make(chan struct{}, 1)}
		groups[i] = g
		for n := range p.subs {
			conn, err := p.open(fmt.Sprintf("wire-s%d-%d", i, n), g.topic)
			if err != nil {
				return pairsResult{}, fmt.Errorf("subscriber %d of %s: %w", n, g.topic, err)
			}
			conns = append(conns, conn)
			g.subs = append(g.subs, conn)
		}
		if g.pub, err = p.open(fmt.Sprintf("wire-p%d", i), ""); err != nil {
			return pairsResult{}, fmt.Errorf("publisher %d: %w", i, err)
		}
		conns = append(conns, g.pub)
	}
	expected := p.count * int64(p.topics) * int64(p.subs)
	errs := make(chan error, 1)
	failed := func(err error) {
		select {
		case errs <- err:
		default:
		}
	}
	var readers sync.WaitGroup
	done := make(chan struct{}) // closed when all messages are received
	for _, g := range groups {
		for _, conn := range g.subs {
			readers.Go(func() { // ends with the count, or with the connection
				if err := g.receive(conn); err != nil && !errors.Is(err, net.ErrClosed) {
					failed(err)
				}
			})
		}
	}
	go func() { readers.Wait(); close(done) }()
	p.begin = time.Now()
	p.last.Store(p.begin.UnixNano())
	for _, g := range groups {
		go func() { // ends with the count, or with the connection
			if err := g.send(); err != nil && !errors.Is(err, net.ErrClosed) {
				failed(fmt.Errorf("publisher of %s: %w", g.topic, err))
			}
		}()
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for waiting := true; waiting; {
		select {
		case <-done:
			waiting = false
		case err := <-errs:
			return pairsResult{}, err
		case now := <-tick.C:
			waiting = now.UnixNano()-p.last.Load() < int64(p.silence)
		}
	}
	r := pairsResult{Sent: p.count * int64(p.topics), Received: p.received.Load()}
	r.Lost = expected - r.Received
	r.Seconds = time.Unix(0, p.last.Load()).Sub(p.begin).Seconds()
	r.Rate = float64(r.Received) / r.Seconds
	if p.rate > 0 {
		for _, c := range conns {
			c.Close() // ends the readers, which append to latencies
		}
		readers.Wait()
		var latencies []int64
		for _, g := range groups {
			latencies = append(latencies, g.latencies...)
		}
		slices.Sort(latencies)
		if n := len(latencies); n > 0 {
			r.P50, r.P999 = float64(latencies[n/2])/1e3, float64(latencies[n*999/1000])/1e3
		}
	}
	return r, nil
}

// open connects, and subscribes if filter is not empty.
func (p *pairs) open(id, filter string) (net.Conn, error) {
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		return nil, err
	}
	if err := hello(conn, p.level, fmt.Sprintf("%s-%d", id, os.Getpid()), !p.keep, filter, p.qos); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// hello connects and subscribes. It reads no byte after the answers.
func hello(conn net.Conn, lv byte, id string, clean bool, filter string, qos byte) error {
	if _, err := conn.Write(appendConnectAs(nil, lv, id, clean)); err != nil {
		return err
	}
	head, body, err := exactly(conn)
	if err != nil {
		return fmt.Errorf("wait for CONNACK: %w", err)
	}
	if _, err := parseConnack(head, body, lv); err != nil || filter == "" {
		return err
	}
	rest := []byte{0, 1}
	if lv == level5 {
		rest = append(rest, 0)
	}
	rest = append(appendString(rest, filter), qos)
	if _, err := conn.Write(append(appendVarint([]byte{typeSubscribe}, len(rest)), rest...)); err != nil {
		return err
	}
	head, body, err = exactly(conn)
	if err != nil {
		return fmt.Errorf("wait for SUBACK: %w", err)
	}
	if head != typeSuback || body[len(body)-1] != qos {
		return fmt.Errorf("waited for SUBACK: got 0x%02x %x", head, body)
	}
	return nil
}

// exactly reads one packet and no byte after it.
func exactly(from io.Reader) (head byte, body []byte, err error) {
	var b [1]byte
	if _, err := io.ReadFull(from, b[:]); err != nil {
		return 0, nil, err
	}
	head = b[0]
	var length []byte
	for {
		if _, err := io.ReadFull(from, b[:]); err != nil {
			return 0, nil, err
		}
		length = append(length, b[0])
		size, n := varint(length)
		if n < 0 {
			return 0, nil, errMalformed
		}
		if n > 0 {
			body = make([]byte, size)
			_, err := io.ReadFull(from, body)
			return head, body, err
		}
	}
}
