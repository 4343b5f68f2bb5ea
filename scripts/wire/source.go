package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// sourceResult is the result of source. Seconds is from the first write until the subscriber
// has disconnected, so that it includes the output of the subscriber, which needs -C.
type sourceResult struct {
	Level        byte    `json:"level"`
	Granted      byte    `json:"qos"`
	Window       int     `json:"window,omitempty"`
	Sent         int64   `json:"sent"`
	Acknowledged int64   `json:"acknowledged"`
	Wrong        int64   `json:"wrong_acknowledgements"`
	WriteSeconds float64 `json:"write_seconds"`
	Seconds      float64 `json:"seconds"`
	Rate         float64 `json:"rate"`
}

// sourceCommand sends messages to one subscriber.
func sourceCommand(args []string) error {
	f := flags("source")
	addr := f.String("listen", "127.0.0.1:0", "`address` to listen on")
	ready := f.String("ready", "", "`file` to write the address to")
	count := f.Int64("count", 1_000_000, "number of messages")
	size := f.Int("size", 64, "bytes of a payload")
	qos := f.Int("qos", 0, "0, 1 or 2; lower if the client subscribes with a lower QoS")
	topic := f.String("topic", "bench/t", "topic")
	window := f.Int("window", 0, "inflight window (0: Receive Maximum on MQTT 5, else 20)")
	object := f.Bool("json", false, "payloads are JSON objects")
	file := f.String("payload", "", "`file` with the payload of every message, instead of --size and --json")
	linger := f.Duration("linger", 5*time.Minute, "time to wait for the client to disconnect")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *qos < 0 || *qos > 2 || *window < 0 {
		return fmt.Errorf("qos %d, window %d: out of range", *qos, *window)
	}
	p, err := newPayload(*size, *object)
	if *file != "" {
		p = payload{}
		p.bytes, err = os.ReadFile(*file)
	}
	if err != nil {
		return err
	}
	l, err := listen(*addr, *ready)
	if err != nil {
		return err
	}
	defer l.Close()
	conn, err := l.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	s := &source{conn: conn, in: newFrames(conn), linger: *linger}
	result, err := s.serve(*topic, byte(*qos), *window, p, *count)
	if err != nil {
		return err
	}
	if err := report(result); err != nil {
		return err
	}
	if result.Wrong > 0 {
		return fmt.Errorf("%d acknowledgements were wrong or out of order", result.Wrong)
	}
	return nil
}

// source is the connection of a subscriber.
type source struct {
	conn   net.Conn
	in     *frames
	linger time.Duration
}

// serve accepts the client, waits for its SUBSCRIBE, sends all messages, and waits until the
// client disconnects.
func (s *source) serve(topic string, qos byte, window int, p payload, count int64) (sourceResult, error) {
	c, requested, err := s.accept()
	if err != nil {
		return sourceResult{}, err
	}
	qos = min(qos, requested)
	units, err := newPublishes(topic, qos, c.level, p)
	if err != nil {
		return sourceResult{}, err
	}
	if c.packetMax > 0 && units.unit > c.packetMax {
		return sourceResult{}, fmt.Errorf("the client accepts packets of %d bytes, but these have %d", c.packetMax, units.unit)
	}
	limit := 65535
	if c.receiveMax > 0 {
		limit = c.receiveMax
	} else if window == 0 && c.level != level5 {
		limit = 20 // as brokers do for clients without Receive Maximum
	}
	if window > 0 {
		limit = min(limit, window)
	}
	out := &flow{conn: s.conn, in: s.in, units: units, qos: qos, window: limit}
	result := sourceResult{Level: c.level, Granted: qos}
	if qos > 0 {
		result.Window = min(limit, largestWindow)
	}
	begin := time.Now()
	if qos == 0 {
		err = s.sendAndListen(out, count, &result, begin)
	} else {
		err = out.run(count)
		result.WriteSeconds = time.Since(begin).Seconds()
		if err == nil {
			err = s.conn.SetReadDeadline(time.Now().Add(s.linger))
		}
		if err == nil {
			err = out.drain()
		}
	}
	result.Seconds = time.Since(begin).Seconds()
	result.Sent, result.Acknowledged, result.Wrong = out.sent, out.done, out.wrong
	if out.sent > 0 {
		result.Rate = float64(out.sent) / result.Seconds
	}
	return result, s.close(c.level, err)
}

// sendAndListen sends messages while a second goroutine answers PINGREQ, which a slow client
// may send meanwhile. That goroutine ends when the client disconnects or at the deadline, and
// sendAndListen waits for it.
func (s *source) sendAndListen(out *flow, count int64, result *sourceResult, begin time.Time) error {
	back := &flow{conn: s.conn, in: s.in}
	left := make(chan error, 1)
	go func() { left <- back.drain() }()
	err := out.run(count)
	result.WriteSeconds = time.Since(begin).Seconds()
	if deadline := s.conn.SetReadDeadline(time.Now().Add(s.linger)); err == nil {
		err = deadline
	}
	if err != nil {
		s.conn.Close()
		<-left
		return err
	}
	return <-left
}

// close closes the connection. After a timeout it sends the reason to a client of MQTT 5.
func (s *source) close(lv byte, err error) error {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		if lv == level5 {
			// An error means that the client has gone.
			_, _ = s.conn.Write([]byte{typeDisconnect, 2, 0x8b, 0}) // server shutting down
		}
		err = nil
	}
	return errors.Join(err, s.conn.Close())
}

// accept answers CONNECT and the first SUBSCRIBE. It returns the QoS that was requested.
func (s *source) accept() (c connect, qos byte, err error) {
	head, body, err := s.in.wait()
	if err != nil {
		return c, 0, fmt.Errorf("wait for CONNECT: %w", err)
	}
	if head != typeConnect {
		return c, 0, fmt.Errorf("waited for CONNECT: got 0x%02x", head)
	}
	if c, err = parseConnect(body); err != nil {
		return c, 0, err
	}
	if _, err = s.conn.Write(appendConnack(nil, c, 1, 0)); err != nil {
		return c, 0, err
	}
	for {
		if head, body, err = s.in.wait(); err != nil {
			return c, 0, fmt.Errorf("wait for SUBSCRIBE: %w", err)
		}
		switch head {
		case typeSubscribe:
			answer, qos, err := appendSuback(nil, body, c.level)
			if err == nil {
				_, err = s.conn.Write(answer)
			}
			return c, qos, err
		case typePingreq:
			if _, err = s.conn.Write([]byte{typePingresp, 0}); err != nil {
				return c, 0, err
			}
		default:
			return c, 0, fmt.Errorf("waited for SUBSCRIBE: got 0x%02x", head)
		}
	}
}
