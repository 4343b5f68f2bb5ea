package broker

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"mqtt/internal/proto"
)

// A million messages at QoS 0 over TCP, as fast as possible. [MQTT-4.2-1], 3.1.1 [MQTT-7.1.1-1]
func TestFastPublisherLosesNothingAtQoS0(t *testing.T) {
	const all = 1_000_000
	_, addr := serveTCP(t, Options{})
	s := dialTCP(t, addr, "s")
	if _, err := s.Write([]byte{0x82, 6, 0, 1, 0, 1, 't', 0}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(s, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	frame, _ := pub("t", "0123456789012345678901234567890123456789", 0, 0).Append(nil, proto.V311)
	p := dialTCP(t, addr, "p")
	go func() {
		var block []byte
		for range 1000 {
			block = append(block, frame...)
		}
		for range all / 1000 {
			if _, err := p.Write(block); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	s.SetReadDeadline(time.Now().Add(time.Minute))
	buf := make([]byte, 1<<16)
	for left := all * len(frame); left > 0; {
		n, err := s.Read(buf[:min(left, len(buf))])
		if err != nil {
			t.Fatalf("%d messages have not come: %v", left/len(frame), err)
		}
		left -= n
	}
}

// serveTCP runs a broker during the test and returns it with its address.
func serveTCP(t *testing.T, opt Options) (*Broker, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := New(opt)
	done := make(chan error, 1)
	go func() { done <- b.Serve(t.Context(), l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := b.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return b, l.Addr().String()
}

// dialTCP connects a client of 3.1.1.
func dialTCP(t *testing.T, addr, id string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	b, err := (&proto.Connect{ClientID: id, CleanStart: true}).Append(nil, proto.V311)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(b); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// until waits until a condition holds.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	limit := time.After(20 * time.Second)
	for !so() {
		select {
		case <-limit:
			t.Fatalf("%s: waited 20 seconds in vain", what)
		case <-time.After(time.Millisecond):
		}
	}
}
