package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// counts is the result of sink. Seconds is from the first PUBLISH to the last. Messages does
// not include duplicates of QoS 2.
type counts struct {
	Connections int64   `json:"connections"`
	Messages    int64   `json:"messages"`
	QoS0        int64   `json:"qos0"`
	QoS1        int64   `json:"qos1"`
	QoS2        int64   `json:"qos2"`
	Dup         int64   `json:"dup"`    // PUBLISH packets with the DUP flag
	Again       int64   `json:"again"`  // QoS 2 messages received again before PUBREL
	Bytes       int64   `json:"bytes"`  // of payload
	Errors      int64   `json:"errors"` // connections that sent a wrong packet
	Broken      int64   `json:"broken"` // connections that did not end with DISCONNECT or a normal close
	Seconds     float64 `json:"seconds"`
	Rate        float64 `json:"rate"`
	SHA256      string  `json:"sha256,omitempty"` // of all payloads, a newline after each
}

// sinkCommand counts the messages of publishers.
func sinkCommand(args []string) error {
	f := flags("sink")
	addr := f.String("listen", "127.0.0.1:0", "`address` to listen on")
	ready := f.String("ready", "", "`file` to write the address to")
	until := f.Int64("until", 0, "stop after this number of messages (0: at SIGTERM)")
	once := f.Bool("once", false, "stop when the first connection closes")
	hashed := f.Bool("hash", false, "hash the payloads in the order of arrival")
	receiveMax := f.Int("receive-maximum", 0, "Receive Maximum to announce on MQTT 5 (0: none)")
	linger := f.Duration("linger", 5*time.Second, "time to wait for clients to disconnect after --until")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *receiveMax < 0 || *receiveMax > 65535 {
		return fmt.Errorf("receive maximum %d: want 0 to 65535", *receiveMax)
	}
	l, err := listen(*addr, *ready)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s := newSink(*until, *once, *hashed, *receiveMax)
	total := s.serve(ctx, l, *linger)
	if err := report(total); err != nil {
		return err
	}
	if total.Errors > 0 {
		return fmt.Errorf("%d connections ended with an error", total.Errors)
	}
	return nil
}

// sink has the counts of all connections.
type sink struct {
	until      int64
	once       bool
	receiveMax int

	done chan struct{} // closed when until or once is reached

	mu          sync.Mutex
	total       counts
	first, last time.Time
	hash        hash.Hash
	ended       bool
	open        map[net.Conn]bool
}

func newSink(until int64, once, hashed bool, receiveMax int) *sink {
	s := &sink{until: until, once: once, receiveMax: receiveMax, done: make(chan struct{}), open: make(map[net.Conn]bool)}
	if hashed {
		s.hash = sha256.New()
	}
	return s
}

// serve runs until ctx ends or until or once is reached. It starts a goroutine for each
// connection. Before it returns, it closes all open connections and waits for the goroutines.
func (s *sink) serve(ctx context.Context, l net.Listener, linger time.Duration) counts {
	var readers sync.WaitGroup
	readers.Go(func() { s.accept(l, &readers) })
	select {
	case <-ctx.Done():
	case <-s.done:
	}
	l.Close()
	ended := make(chan struct{})
	go func() { readers.Wait(); close(ended) }()
	if ctx.Err() == nil {
		// Clients with their last acknowledgement still send DISCONNECT.
		timeout := time.NewTimer(linger)
		select {
		case <-ended:
		case <-timeout.C:
		case <-ctx.Done():
		}
		timeout.Stop()
	}
	s.mu.Lock()
	s.ended = true
	for conn := range s.open {
		conn.Close()
	}
	s.mu.Unlock()
	<-ended
	if s.total.Messages > 0 {
		s.total.Seconds = s.last.Sub(s.first).Seconds()
	}
	if s.total.Seconds > 0 {
		s.total.Rate = float64(s.total.Messages) / s.total.Seconds
	}
	if s.hash != nil {
		s.total.SHA256 = hex.EncodeToString(s.hash.Sum(nil))
	}
	return s.total
}

// accept accepts connections until the listener is closed.
func (s *sink) accept(l net.Listener, readers *sync.WaitGroup) {
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			// Probably there are too many open files. Open connections continue.
			fmt.Fprintf(os.Stderr, "wire sink: accept: %v\n", err)
			s.mu.Lock()
			s.total.Errors++
			s.finish()
			s.mu.Unlock()
			return
		}
		s.mu.Lock()
		if s.ended {
			s.mu.Unlock()
			conn.Close()
			return
		}
		s.total.Connections++
		s.open[conn] = true
		number := s.total.Connections
		s.mu.Unlock()
		readers.Go(func() { s.read(conn, number) })
	}
}

// finish makes serve return. The caller holds s.mu.
func (s *sink) finish() {
	select {
	case <-s.done:
	default:
		close(s.done)
	}
}

// read handles a connection until it ends.
func (s *sink) read(conn net.Conn, number int64) {
	c := &publisher{in: newFrames(conn), number: number, receiveMax: s.receiveMax, hashed: s.hash != nil}
	err := s.loop(conn, c)
	conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, conn)
	if s.once {
		s.finish()
	}
	if err == nil || errors.Is(err, io.EOF) || s.ended && errors.Is(err, net.ErrClosed) {
		return
	}
	var broken net.Error
	if errors.As(err, &broken) {
		s.total.Broken++
		return
	}
	s.total.Errors++
	fmt.Fprintf(os.Stderr, "wire sink: connection %d: %v\n", number, err)
}

// loop reads from the connection. It counts the packets of each read and answers them with one
// write.
func (s *sink) loop(conn net.Conn, c *publisher) error {
	for !c.left {
		if err := c.in.fill(); err != nil {
			return err
		}
		err := c.handle()
		if c.got.Messages+c.got.Again > 0 {
			s.add(c)
		}
		if len(c.out) > 0 {
			if _, err := conn.Write(c.out); err != nil {
				return err
			}
			c.out = c.out[:0]
		}
		if err != nil {
			return err
		}
		if s.until > 0 && c.reached {
			s.mu.Lock()
			s.finish()
			s.mu.Unlock()
		}
	}
	return nil
}

// add moves the counts of a connection to the total.
func (s *sink) add(c *publisher) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first.IsZero() {
		s.first = now
	}
	s.last = now
	s.total.Messages += c.got.Messages
	s.total.QoS0 += c.got.QoS0
	s.total.QoS1 += c.got.QoS1
	s.total.QoS2 += c.got.QoS2
	s.total.Dup += c.got.Dup
	s.total.Again += c.got.Again
	s.total.Bytes += c.got.Bytes
	c.got = counts{}
	c.reached = s.total.Messages >= s.until
	if s.hash != nil {
		s.hash.Write(c.text)
		c.text = c.text[:0]
	}
}
