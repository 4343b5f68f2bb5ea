package conn

import (
	"context"
	"net"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"mqtt/internal/proto"
)

// TestKernelOneWrite checks that the PUBACKs of a hundred messages in one segment are sent as one
// segment [MQTT-4.6.0-2], [MQTT-4.2-1]; 3.1.1 [MQTT-4.6.0-2], [MQTT-7.1.2-1].
func TestKernelOneWrite(t *testing.T) {
	connected := make(chan struct{})
	cfg := loopback(t, proto.V5, func(p *peer) {
		p.greet(false)
		<-connected // so that what is sent with the CONNACK is a segment of its own
		var all, acks []any
		for i := range 100 {
			all = append(all, msg(1, uint16(i+1), "topic", strings.Repeat("x", 64)))
			acks = append(acks, ack(proto.PUBACK, uint16(i+1)))
		}
		p.send(all...)
		p.expect(acks...)
		p.bye()
	})
	var nc *net.TCPConn
	dial := cfg.Dial
	cfg.Dial = func(ctx context.Context, v proto.Version) (net.Conn, error) {
		c, err := dial(ctx, v)
		nc, _ = c.(*net.TCPConn)
		return c, err
	}
	c := start(t, cfg)
	before := segments(t, nc)
	close(connected)
	for range 100 {
		next(t, c, Message)
	}
	look(t, c)
	if n := segments(t, nc) - before; n != 1 {
		t.Errorf("%d segments", n)
	}
	closed(t, c)
}

// segments returns the number of segments with data that nc has sent. A net.Conn that counts would
// not be a bare socket, and would so test another case.
func segments(t *testing.T, nc *net.TCPConn) (n uint32) {
	t.Helper()
	raw, err := nc.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) {
		var info *unix.TCPInfo
		if info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			n = info.Data_segs_out
		}
	})
	if err != nil {
		t.Skip(err)
	}
	return n
}
