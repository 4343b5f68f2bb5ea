package conn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"mqtt/internal/proto"
	"mqtt/internal/session"
)

// cut is a stream that ends after a number of bytes; negative means never.
type cut struct {
	net.Conn
	sent, received       int // that are left
	wasSent, wasReceived int
}

var errCut = errors.New("cut")

func (c *cut) Write(b []byte) (int, error) {
	if c.sent == 0 {
		c.Conn.Close()
		return 0, errCut
	}
	if c.sent > 0 {
		b = b[:min(len(b), c.sent)]
	}
	whole := len(b)
	n, err := c.Conn.Write(b)
	c.wasSent += n
	if c.sent > 0 {
		if c.sent -= n; c.sent == 0 {
			c.Conn.Close()
			return n, errCut
		}
	}
	if err == nil && n < whole {
		err = errCut
	}
	return n, err
}

func (c *cut) Read(b []byte) (int, error) {
	if c.received == 0 {
		c.Conn.Close()
		return 0, errCut
	}
	if c.received > 0 {
		b = b[:min(len(b), c.received)]
	}
	n, err := c.Conn.Read(b)
	c.wasReceived += n
	if c.received > 0 {
		c.received -= n
	}
	return n, err
}

// A conversation is one run of a client against honest, whose first connection is cut.
type conversation struct {
	v              proto.Version
	qos            byte
	subscriber     bool // else publisher
	forget         bool
	sent, received int // where the first connection is cut
}

func (k conversation) String() string {
	return fmt.Sprintf("version %v, QoS %d, subscriber %v, forget %v, cut at %d sent, %d received", k.v, k.qos, k.subscriber, k.forget, k.sent, k.received)
}

// run returns how many bytes the first connection took both ways.
func (k conversation) run(t *testing.T) (sent, received int) {
	synctest.Test(t, func(t *testing.T) {
		h := &honest{t: t, v: k.v, forget: k.forget}
		all := messages(3)
		if k.subscriber {
			for i, m := range all {
				h.out = append(h.out, &outgoing{id: uint16(i + 1), qos: k.qos, payload: m})
			}
		}
		cfg := &Config{Connect: proto.Connect{Version: k.v, ClientID: "me", CleanStart: k.v == proto.V5}}
		if k.v == proto.V5 {
			cfg.Connect.Props = props(proto.SessionExpiryInterval, 60)
		}
		var first *cut
		cfg.Dial = func(context.Context, proto.Version) (net.Conn, error) {
			ours, theirs := net.Pipe()
			served := make(chan struct{})
			go func() { // ends with the connection
				defer close(served)
				h.serve(theirs)
			}()
			nc := &cut{Conn: waits{ours, served}, sent: -1, received: -1}
			if first == nil {
				nc.sent, nc.received = k.sent, k.received
				first = nc
			}
			return nc, nil
		}
		var s session.Session
		backoff := Backoff{Min: time.Second, Max: time.Second, Tries: 3, First: true}
		var err error
		if k.subscriber {
			err = Hold(t.Context(), cfg, &s, backoff, k.subscribe(t, all))
		} else {
			err = Hold(t.Context(), cfg, &s, backoff, k.publish(t, h, all))
		}
		if err != nil {
			t.Errorf("%v: %v", k, err)
		}
		sent, received = first.wasSent, first.wasReceived
	})
	return sent, received
}

// waits is a stream whose Close waits until the server has noticed, so that the server is not busy
// with it when the next connection arrives.
type waits struct {
	net.Conn
	served chan struct{}
}

func (w waits) Close() error {
	err := w.Conn.Close()
	<-w.served
	return err
}

// publish sends all messages and checks what became of them.
func (k conversation) publish(t *testing.T, h *honest, all []string) func(context.Context, *Conn) error {
	begun, twice := 0, 0
	delivered := make([]int, len(all))
	return func(ctx context.Context, c *Conn) error {
		truth := 0
		for _, n := range delivered[:begun] {
			truth += 1 - n
		}
		if !k.forget || k.qos == 1 {
			truth = 0
		}
		if c.Renewed() != truth {
			t.Errorf("%v: %d renewed, want %d", k, c.Renewed(), truth)
		}
		twice += truth
		for c.Pending() > 0 || begun < len(all) {
			if begun < len(all) && c.Free() > 0 {
				if err := c.Publish(ctx, msg(k.qos, 0, "t", all[begun]), uint64(begun)); err != nil {
					return err
				}
				begun++
				continue
			}
			ev, err := c.Next(ctx)
			if err != nil {
				return err
			}
			if ev.Kind != Delivered || ev.Reason != proto.Success {
				t.Errorf("%v: event %d, reason %v", k, ev.Kind, ev.Reason)
			}
			delivered[ev.Tag]++
		}
		c.Close(ctx, nil) // may meet the cut
		for i, n := range delivered {
			if n != 1 {
				t.Errorf("%v: message %d was delivered %d times", k, i, n)
			}
		}
		k.check(t, h.got, all, twice)
		return nil
	}
}

// subscribe receives messages until the server says that all exchanges have ended.
func (k conversation) subscribe(t *testing.T, all []string) func(context.Context, *Conn) error {
	var got []string
	return func(ctx context.Context, c *Conn) error {
		for {
			ev, err := c.Next(ctx)
			if err != nil {
				return err
			}
			m := string(ev.Message.Payload)
			if m == "end" {
				break
			}
			got = append(got, m)
		}
		twice := 0
		if k.forget {
			twice = len(all)
		}
		k.check(t, got, all, twice)
		c.Close(ctx, nil)
		return nil
	}
}

// check: nothing lost, in order, and at QoS 2 no more than twice of them came twice.
func (k conversation) check(t *testing.T, got, all []string, twice int) {
	firsts := []string{}
	for _, m := range got {
		if !slices.Contains(firsts, m) {
			firsts = append(firsts, m)
		}
	}
	if !slices.Equal(firsts, all) {
		t.Errorf("%v: got %q, want %q", k, got, all)
	}
	if k.qos == 2 && len(got)-len(all) > twice {
		t.Errorf("%v: got %q, want at most %d twice", k, got, twice)
	}
}

// everywhere cuts k's first connection at every byte, both ways.
func (k conversation) everywhere(t *testing.T) {
	k.sent, k.received = -1, -1
	sent, received := k.run(t)
	if sent < 25 || received < 15 {
		t.Fatalf("%v: %d bytes sent, %d received: no conversation", k, sent, received)
	}
	for n := range sent + 1 {
		k.sent = n
		k.run(t)
	}
	k.sent = -1
	for n := range received + 1 {
		k.received = n
		k.run(t)
	}
}

// TestCutPublisherQoS1 ends the connection of a publisher at every byte: at QoS 1 no message is
// lost [MQTT-3.3.1-1], [MQTT-4.3.2-3], [MQTT-4.4.0-1], [MQTT-3.1.2-23], [MQTT-3.1.3-2]; 3.1.1
// [MQTT-2.3.1-3], [MQTT-3.1.2-4], [MQTT-4.3.2-1], [MQTT-4.1.0-1], [MQTT-4.1.0-2].
func TestCutPublisherQoS1(t *testing.T) {
	for _, v := range versions[1:] {
		conversation{v: v, qos: 1}.everywhere(t)
	}
}

// TestCutPublisherQoS2 does the same at QoS 2: every message is delivered exactly once
// [MQTT-4.3.3-3], [MQTT-4.3.3-5], [MQTT-4.3.3-6], [MQTT-4.4.0-1]; 3.1.1 [MQTT-4.3.3-1],
// [MQTT-4.4.0-1].
func TestCutPublisherQoS2(t *testing.T) {
	for _, v := range versions[1:] {
		conversation{v: v, qos: 2}.everywhere(t)
	}
}

// TestCutSubscriberQoS1 ends the connection of a subscriber at every byte, at QoS 1 [MQTT-4.3.2-4];
// 3.1.1 [MQTT-4.3.2-2].
func TestCutSubscriberQoS1(t *testing.T) {
	for _, v := range versions[1:] {
		conversation{v: v, qos: 1, subscriber: true}.everywhere(t)
	}
}

// TestCutSubscriberQoS2 does the same at QoS 2: every message is delivered exactly once
// [MQTT-4.3.3-10], [MQTT-4.3.3-11], [MQTT-4.3.3-12]; 3.1.1 [MQTT-4.3.3-2].
func TestCutSubscriberQoS2(t *testing.T) {
	for _, v := range versions[1:] {
		conversation{v: v, qos: 2, subscriber: true}.everywhere(t)
	}
}

// TestCutSessionLost does the same with a server that loses the session: every message is delivered
// at least once, and Renewed counts those that may be delivered twice [MQTT-3.2.2-5].
func TestCutSessionLost(t *testing.T) {
	for _, v := range versions[1:] {
		for qos := byte(1); qos <= 2; qos++ {
			conversation{v: v, qos: qos, forget: true}.everywhere(t)
			conversation{v: v, qos: qos, forget: true, subscriber: true}.everywhere(t)
		}
	}
}
