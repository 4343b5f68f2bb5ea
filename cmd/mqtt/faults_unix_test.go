//go:build unix

package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"mqtt/internal/cmd/cmdtest"
	"mqtt/internal/proto"
)

// A process that is stopped for longer than its keep alive has gone for the server: its will is
// published. When it continues, it connects again and nothing is lost.
func TestFaultStopped(t *testing.T) {
	t.Parallel()
	t.Run("sub", func(t *testing.T) {
		t.Parallel()
		s := serving(t, []string{"mqtt"})
		watch := begin(t, tool(t, line("sub -t gone -C 1 -d", s.direct("mqtt"))...))
		watch.says(t, &watch.err, "<- SUBACK")
		sub := begin(t, tool(t, line("sub -V 5 -q 2 -k 1 -t a -C 3 -d --reconnect-delay 1ms --will-topic gone --will-payload will", s.direct("mqtt"))...))
		sub.says(t, &sub.err, "<- SUBACK")
		done(t, tool(t, line("pub -t a -q 2 -m 1", s.direct("mqtt"))...), 0)
		sub.says(t, &sub.out, "^1$")
		sub.signal(t, syscall.SIGSTOP)
		watch.ends(t, 0) // the server has noticed
		done(t, tool(t, line("pub -t a -q 2 -m 2", s.direct("mqtt"))...), 0)
		done(t, tool(t, line("pub -t a -q 1 -m 3", s.direct("mqtt"))...), 0)
		sub.signal(t, syscall.SIGCONT)
		sub.ends(t, 0)
		if got := sub.out.String(); got != "1\n2\n3\n" {
			t.Errorf("output %q%s", got, sub.story())
		}
	})
	t.Run("pub", func(t *testing.T) {
		t.Parallel()
		s := serving(t, []string{"mqtt"})
		sub := begin(t, tool(t, line("sub -t a -t gone -q 2 -C 3 -d", s.direct("mqtt"))...))
		sub.says(t, &sub.err, "<- SUBACK")
		pub := begin(t, tool(t, line("pub -V 5 -q 2 -k 1 -t a -l --reconnect-delay 1ms --will-topic gone --will-payload will", s.direct("mqtt"))...))
		pub.tell(t, "1\n")
		sub.says(t, &sub.out, "^1$")
		pub.signal(t, syscall.SIGSTOP)
		sub.says(t, &sub.out, "^will$")
		pub.tell(t, "2\n")
		pub.stdin.Close()
		pub.signal(t, syscall.SIGCONT)
		pub.ends(t, 0)
		sub.ends(t, 0)
		if got := sub.out.String(); got != "1\nwill\n2\n" {
			t.Errorf("output %q%s", got, pub.story())
		}
	})
	t.Run("ping", func(t *testing.T) {
		t.Parallel()
		s := serving(t, []string{"mqtt"})
		watch := begin(t, tool(t, line("sub -t gone -C 1 -d", s.direct("mqtt"))...))
		watch.says(t, &watch.err, "<- SUBACK")
		ping := begin(t, tool(t, line("ping -J -k 1 --interval 1ms --will-topic gone --will-payload will", s.direct("mqtt"))...))
		ping.says(t, &ping.out, `"seq":2`)
		ping.signal(t, syscall.SIGSTOP)
		watch.ends(t, 0)
		ping.signal(t, syscall.SIGCONT)
		ping.ends(t, 7)
	})
	t.Run("rr", func(t *testing.T) {
		t.Parallel()
		s := serving(t, []string{"mqtt"})
		watch := begin(t, tool(t, line("sub -t gone -C 1 -d", s.direct("mqtt"))...))
		watch.says(t, &watch.err, "<- SUBACK")
		answers := begin(t, tool(t, line("rr --serve -V 5 -k 1 -t ask --reconnect-delay 1ms --will-topic gone --will-payload will", s.direct("mqtt"), "-- cat")...))
		answers.says(t, &answers.err, "answering")
		answers.signal(t, syscall.SIGSTOP)
		watch.ends(t, 0)
		rr := begin(t, tool(t, line("rr -d -t ask -q 1 -m hello", s.direct("mqtt"))...))
		rr.says(t, &rr.err, "<- PUBACK")
		answers.signal(t, syscall.SIGCONT)
		rr.ends(t, 0)
		if got := rr.out.String(); got != "hello\n" {
			t.Errorf("output %q%s", got, answers.story())
		}
	})
	t.Run("rr that asks", func(t *testing.T) {
		t.Parallel()
		s := serving(t, []string{"mqtt"})
		answers := begin(t, tool(t, line("rr --serve -t ask", s.direct("mqtt"), "-- cat")...))
		answers.says(t, &answers.err, "answering")
		watch := begin(t, tool(t, line("sub -t gone -C 1 -d", s.direct("mqtt"))...))
		watch.says(t, &watch.err, "<- SUBACK")
		rr := begin(t, tool(t, line("rr -l -V 5 -q 1 -k 1 -t ask --reconnect always --reconnect-delay 1ms --will-topic gone --will-payload will", s.direct("mqtt"))...))
		rr.tell(t, "1\n")
		rr.says(t, &rr.out, "^1$")
		rr.signal(t, syscall.SIGSTOP)
		watch.ends(t, 0)
		rr.tell(t, "2\n")
		rr.stdin.Close()
		rr.signal(t, syscall.SIGCONT)
		rr.ends(t, 0)
		if got := rr.out.String(); got != "1\n2\n" {
			t.Errorf("output %q%s", got, rr.story())
		}
	})
	t.Run("bench", func(t *testing.T) {
		t.Parallel()
		s := serving(t, []string{"mqtt"}, "--log-level", "info")
		bench := begin(t, tool(t, line("bench -V 5 -q 1 -k 1 --rate 100 --messages 200 --reconnect always --reconnect-delay 1ms --format json", s.direct("mqtt"))...))
		bench.says(t, &bench.err, `^\[[^]]*\] (sent|received) [0-9]`)
		bench.signal(t, syscall.SIGSTOP)
		s.says(t, &s.err, "Keep Alive timeout")
		bench.signal(t, syscall.SIGCONT)
		bench.ends(t, 0)
		result := bench.out.String()
		if sent, lost := jsonNumber(t, result, "sent"), jsonNumber(t, result, "lost"); sent != 200 || lost != 0 {
			t.Errorf("sent %v, lost %v%s", sent, lost, bench.story())
		}
		if most := jsonNumber(t, result, "latency", "max"); most < 1e6 { // it was stopped for one and a half of its keep alive
			t.Errorf("a latency of %v us at most%s", most, bench.story())
		}
	})
	t.Run("broker", func(t *testing.T) {
		t.Parallel()
		s := serving(t, []string{"mqtt"})
		sub := begin(t, tool(t, line("sub -V 5 -q 2 -k 1 -t a -C 2 -d --reconnect-delay 1ms --connect-timeout 200ms", s.direct("mqtt"))...))
		sub.says(t, &sub.err, "<- SUBACK")
		done(t, tool(t, line("pub -t a -q 2 -m 1", s.direct("mqtt"))...), 0)
		sub.says(t, &sub.out, "^1$")
		s.signal(t, syscall.SIGSTOP)
		sub.says(t, &sub.err, "no answer to PINGREQ; retrying in")
		pub := begin(t, tool(t, line("pub -V 5 -t a -q 2 -m 2 --reconnect always --reconnect-delay 1ms --connect-timeout 200ms", s.direct("mqtt"))...))
		pub.says(t, &pub.err, "the server did not answer CONNECT; retrying in")
		s.signal(t, syscall.SIGCONT)
		pub.ends(t, 0)
		sub.ends(t, 0)
		if got := sub.out.String(); got != "1\n2\n" {
			t.Errorf("output %q%s", got, sub.story())
		}
	})
}

// With 20 file descriptors the clients work, bench says before it begins what it lacks, and the broker
// refuses clients beyond its limit with a CONNACK and serves the others.
func TestFaultDescriptors(t *testing.T) {
	t.Parallel()
	const files = 20
	s := servingWith(t, files, []string{"mqtt"})
	at := s.direct("mqtt")
	sub := begin(t, limited(t, files, line("sub -V 5 -t a -q 1 -C 2 -d", at)...))
	sub.says(t, &sub.err, "<- SUBACK")
	pub := begin(t, limited(t, files, line("pub -V 5 -t a -q 1 -l", at)...))
	pub.tell(t, "1\n")
	sub.says(t, &sub.out, "^1$")

	taken, busy := 0, 0
	var many []net.Conn
	for range 40 {
		c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", s.ports["mqtt"]))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		many = append(many, c)
		hello, err := (&proto.Connect{Version: proto.V5, CleanStart: true}).Append(nil, proto.V5)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write(hello); err != nil {
			t.Fatal(err)
		}
	}
	for i, c := range many {
		c.SetReadDeadline(time.Now().Add(patience))
		b, err := cmdtest.ReadPacket(bufio.NewReader(c))
		switch {
		case err != nil:
			t.Fatalf("connection %d: %v%s", i, err, s.story())
		case b[0] == 0x20 && b[3] == byte(proto.Success):
			taken++
		case b[0] == 0x20 && b[3] == byte(proto.ServerBusy):
			busy++
			c.Close()
		default:
			t.Errorf("connection %d: %s", i, hex.EncodeToString(b))
		}
	}
	if taken < 3 || busy < 20 {
		t.Errorf("%d were taken, %d were told that the server is busy", taken, busy)
	}
	refused := done(t, tool(t, line("pub -t a -m x", at)...), 4)
	refused.says(t, &refused.err, "(?i)server busy.* - try again later")

	pub.tell(t, "2\n")
	pub.stdin.Close()
	pub.ends(t, 0)
	sub.ends(t, 0)
	for _, c := range many {
		c.Close()
	}
	done(t, tool(t, line("pub -t a -m x -q 1 --reconnect always --reconnect-delay 1ms", at)...), 0)

	answers := begin(t, limited(t, files, line("rr --serve -t ask", at, "-- cat")...))
	answers.says(t, &answers.err, "answering")
	done(t, limited(t, files, line("rr -t ask -m x", at)...), 0)
	done(t, limited(t, files, line("ping -C 1", at)...), 0)
	bench := done(t, limited(t, files, line("bench --pubs 20 --subs 20 --messages 1", at)...), 1)
	bench.says(t, &bench.err, `40 connections need \d+ open files, but the limit is 20 - raise it with ulimit -n`)
}

// A broker with --data is killed repeatedly in the middle of a stream and restarted: each message
// arrives once at QoS 2.
func TestFaultBrokerKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := serving(t, []string{"mqtt"}, "--data", dir)
	r := relayTo(t, s.ports["mqtt"], always(fault{}))
	const n, kills = 2000, 5
	common := line("-V 5 -q 2 -t a --reconnect always --reconnect-delay 1ms..5ms -p", r.port())
	sub := begin(t, tool(t, line("sub -i to -d -C", strconv.Itoa(n), common)...))
	sub.says(t, &sub.err, "<- SUBACK")
	lines := numbered(seed(t), n)
	cmd := tool(t, line("pub -i from -l -M 100", common)...)
	cmd.Stdin = strings.NewReader(lines)
	pub := begin(t, cmd)
	for k := range kills {
		sub.says(t, &sub.out, fmt.Sprintf("^%d ", n/(kills+1)*(k+1)))
		s.signal(t, syscall.SIGKILL)
		s.ends(t, 137)
		r.breakAll()
		s = serving(t, []string{"mqtt"}, "--data", dir)
		r.aim(s.ports["mqtt"])
	}
	pub.ends(t, 0)
	sub.ends(t, 0)
	if got := sub.out.String(); got != lines {
		t.Errorf("not exactly once: %s%s%s", difference(got, lines), pub.story(), sub.story())
	}
}
