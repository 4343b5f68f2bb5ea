package check

import (
	"bytes"
	"net"
	"sync"
	"testing"

	"mqtt/internal/broker"
	"mqtt/internal/cmd/cmdtest"
)

// leaving is a listener in front of a broker. It closes everything, itself too, when a client sends much at once, or a
// message at QoS 1, except the one with which a run looks for its rights.
type leaving struct {
	l     net.Listener
	to    string
	mu    sync.Mutex
	conns []net.Conn
}

// startLeaving returns the port of the listener.
func startLeaving(t *testing.T, to string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &leaving{l: l, to: to}
	t.Cleanup(s.leave)
	go func() { // ends with the listener
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go s.relay(c) // ends with the connection
		}
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func (s *leaving) relay(client net.Conn) {
	server, err := net.Dial("tcp", s.to)
	if err != nil {
		client.Close() //nolint:errcheck // the test fails otherwise
		return
	}
	s.mu.Lock()
	s.conns = append(s.conns, client, server)
	s.mu.Unlock()
	go copyUntil(client, server, nil) // ends with the server's connection
	copyUntil(server, client, func(b []byte) bool {
		if len(b) < 5000 && (b[0] != 0x32 || bytes.HasSuffix(b, []byte("rights"))) {
			return false
		}
		s.leave()
		return true
	})
}

// copyUntil copies what src sends until it ends, or end returns true for a part.
func copyUntil(dst, src net.Conn, end func([]byte) bool) {
	defer dst.Close() //nolint:errcheck // one end of a test's connection
	b := make([]byte, 64<<10)
	for {
		n, err := src.Read(b)
		if err != nil || end != nil && end(b[:n]) {
			return
		}
		if _, err := dst.Write(b[:n]); err != nil {
			return
		}
	}
}

func (s *leaving) leave() {
	s.l.Close() //nolint:errcheck // it may be closed already
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		c.Close() //nolint:errcheck // one end of a test's connection
	}
}

// TestServerGoes checks the exit status and the report when the server goes away during the run.
func TestServerGoes(t *testing.T) {
	b := cmdtest.StartBroker(t, broker.Options{})
	run := func(t *testing.T, args ...string) cmdtest.Result {
		t.Parallel()
		return command.Run(t, append(args, "-h", "127.0.0.1", "-p", startLeaving(t, "127.0.0.1:"+b.Port), "--version", "3.1.1", "--wait", "1s")...)
	}
	t.Run("one case", func(t *testing.T) {
		wants(t, run(t, "puback"), 8, "FAIL  3.1.1/", "/puback\n", "accepts no new connection", "\noutages\n",
			"accepts no connection any more", "- the cause is 3.1.1/")
	})
	t.Run("two cases", func(t *testing.T) {
		r := run(t, "puback", "identifier-again-qos-1", "--format", "tap")
		if r.Status != 7 && r.Status != 8 { // perhaps one alone had been sending
			t.Errorf("exit status %d", r.Status)
		}
		wants(t, r, r.Status, "the server accepts no connection any more")
	})
	t.Run("limits", func(t *testing.T) {
		wants(t, run(t, "limits"), 7, "it went away in MQTT 3.1.1 while this was measured: topic", "the server goes away at")
	})
}
