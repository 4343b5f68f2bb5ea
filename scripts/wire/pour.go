package main

import (
	"errors"
	"fmt"
	"net"
	"time"
)

// pourResult is what pour prints. Seconds run from the first message's write until
// the subscriber left, so that they cover its output as well: give it -C.
type pourResult struct {
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

// pourCommand serves one subscriber.
func pourCommand(args []string) error {
	f := flags("pour")
	addr := f.String("listen", "127.0.0.1:0", "`address` to listen on")
	ready := f.String("ready", "", "`file` to write the address to")
	count := f.Int64("count", 1_000_000, "how many messages")
	size := f.Int("size", 64, "bytes of a payload")
	qos := f.Int("qos", 0, "0, 1 or 2; less when the client subscribes at less")
	topic := f.String("topic", "bench/t", "topic")
	window := f.Int("window", 0, "unacknowledged messages at a time (0: Receive Maximum on MQTT 5, 20 before)")
	object := f.Bool("json", false, "payloads are JSON objects")
	linger := f.Duration("linger", 5*time.Minute, "how long to wait for the client to leave")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *qos < 0 || *qos > 2 || *window < 0 {
		return fmt.Errorf("qos %d, window %d: out of range", *qos, *window)
	}
	p, err := newPayload(*size, *object)
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
	s := &pour{conn: conn, in: newFrames(conn), linger: *linger}
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

type pour struct {
	conn   net.Conn
	in     *frames
	linger time.Duration
}

// serve greets the client, waits for its SUBSCRIBE, pours, and waits for its leave.
func (s *pour) serve(topic string, qos byte, window int, p payload, count int64) (pourResult, error) {
	c, asked, err := s.greet()
	if err != nil {
		return pourResult{}, err
	}
	qos = min(qos, asked)
	units, err := newPublishes(topic, qos, c.level, p)
	if err != nil {
		return pourResult{}, err
	}
	if c.packetMax > 0 && units.unit > c.packetMax {
		return pourResult{}, fmt.Errorf("the client takes packets of %d bytes, these have %d", c.packetMax, units.unit)
	}
	limit := 65535
	if c.receiveMax > 0 {
		limit = c.receiveMax
	} else if window == 0 && c.level != level5 {
		limit = 20 // what brokers do for clients that cannot say
	}
	if window > 0 {
		limit = min(limit, window)
	}
	out := &flow{conn: s.conn, in: s.in, units: units, qos: qos, window: limit}
	result := pourResult{Level: c.level, Granted: qos}
	if qos > 0 {
		result.Window = min(limit, largestWindow)
	}
	begin := time.Now()
	if qos == 0 {
		err = s.pourAndListen(out, count, &result, begin)
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
	return result, s.part(c.level, err)
}

// pourAndListen writes while a second goroutine answers the client's PINGREQ, which
// a slow reader may send in the middle. Its drain ends when the client leaves or at
// the deadline, and is waited for here.
func (s *pour) pourAndListen(out *flow, count int64, result *pourResult, begin time.Time) error {
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

// part closes in order. A client that had to be sent away on MQTT 5 hears why.
func (s *pour) part(lv byte, err error) error {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		if lv == level5 {
			// The client may be gone; the close below tells it the same.
			_, _ = s.conn.Write([]byte{typeDisconnect, 2, 0x8b, 0}) // server shutting down
		}
		err = nil
	}
	return errors.Join(err, s.conn.Close())
}

// greet takes CONNECT and the first SUBSCRIBE.
func (s *pour) greet() (c connect, qos byte, err error) {
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
