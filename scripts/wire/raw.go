package main

import (
	"fmt"
	"net"
	"os"
	"time"
)

// rawResult is the result of raw. Seconds is from the first write to the last
// acknowledgement, or at QoS 0 to the last write.
type rawResult struct {
	Sent         int64   `json:"sent"`
	Acknowledged int64   `json:"acknowledged"`
	Wrong        int64   `json:"wrong_acknowledgements"`
	Seconds      float64 `json:"seconds"`
}

// rawCommand publishes prepared packets. No client can be faster.
func rawCommand(args []string) error {
	f := flags("raw")
	addr := f.String("connect", "127.0.0.1:1883", "`address` of the server")
	count := f.Int64("count", 1_000_000, "number of messages")
	size := f.Int("size", 64, "bytes of a payload")
	qos := f.Int("qos", 0, "0, 1 or 2")
	topic := f.String("topic", "bench/t", "topic")
	window := f.Int("window", 20, "inflight window")
	version := f.String("V", "5", "protocol `version`: 3.1, 3.1.1, 5")
	object := f.Bool("json", false, "payloads are JSON objects")
	if err := f.Parse(args); err != nil {
		return err
	}
	lv, err := level(*version)
	if err != nil {
		return err
	}
	if *qos < 0 || *qos > 2 || *window < 1 {
		return fmt.Errorf("qos %d, window %d: out of range", *qos, *window)
	}
	p, err := newPayload(*size, *object)
	if err != nil {
		return err
	}
	units, err := newPublishes(*topic, byte(*qos), lv, p)
	if err != nil {
		return err
	}
	conn, err := net.Dial("tcp", *addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	result, err := raw(conn, lv, byte(*qos), units, *window, *count)
	if err != nil {
		return err
	}
	return report(result)
}

// raw connects and publishes count messages.
func raw(conn net.Conn, lv, qos byte, units *packets, window int, count int64) (rawResult, error) {
	if _, err := conn.Write(appendConnect(nil, lv, fmt.Sprintf("raw%d", os.Getpid()))); err != nil {
		return rawResult{}, err
	}
	in := newFrames(conn)
	head, body, err := in.wait()
	if err != nil {
		return rawResult{}, fmt.Errorf("wait for CONNACK: %w", err)
	}
	receiveMax, err := parseConnack(head, body, lv)
	if err != nil {
		return rawResult{}, err
	}
	out := &flow{conn: conn, in: in, units: units, qos: qos, window: min(window, receiveMax)}
	begin := time.Now()
	if err := out.run(count); err != nil {
		return rawResult{}, err
	}
	seconds := time.Since(begin).Seconds()
	_, err = conn.Write([]byte{typeDisconnect, 0})
	return rawResult{Sent: out.sent, Acknowledged: out.done, Wrong: out.wrong, Seconds: seconds}, err
}
