package main

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"mqtt/internal/proto"
)

// The network goes silent and no socket is closed. The keep alive notices [MQTT-3.1.2-22], and the
// command follows its reconnect policy. A server notices a client that is gone and publishes its will
// [MQTT-3.1.2-8].
func TestFaultHalfOpen(t *testing.T) {
	t.Parallel()
	t.Run("sub", func(t *testing.T) {
		t.Parallel()
		s := serving(t, []string{"mqtt"})
		r := relayTo(t, s.ports["mqtt"], always(fault{}))
		sub := begin(t, tool(t, line("sub -V 5 -k 1 -q 1 -t a -d --reconnect-delay 1ms -C 1 -p", r.port())...))
		sub.says(t, &sub.err, "<- SUBACK")
		r.freeze()
		done(t, tool(t, line("pub -t a -m kept -q 1", s.direct("mqtt"))...), 0) // for the session
		sub.says(t, &sub.err, "connection lost: keep alive: no answer to PINGREQ; retrying in")
		sub.ends(t, 0)
		if got := sub.out.String(); got != "kept\n" {
			t.Errorf("output %q%s", got, sub.story())
		}
	})
	t.Run("sub that does not reconnect", func(t *testing.T) {
		t.Parallel()
		s := serving(t, []string{"mqtt"})
		r := relayTo(t, s.ports["mqtt"], always(fault{}))
		sub := begin(t, tool(t, line("sub -V 5 -k 1 -t a -d --reconnect never -p", r.port())...))
		sub.says(t, &sub.err, "<- SUBACK")
		r.freeze()
		sub.ends(t, 7)
	})
	t.Run("pub", func(t *testing.T) {
		t.Parallel()
		s := serving(t, []string{"mqtt"})
		r := relayTo(t, s.ports["mqtt"], always(fault{}))
		sub := begin(t, tool(t, line("sub -t a -C 2 -q 2 -d", s.direct("mqtt"))...))
		sub.says(t, &sub.err, "<- SUBACK")
		pub := begin(t, tool(t, line("pub -V 5 -k 1 -q 2 -t a -l -d --reconnect-delay 1ms -p", r.port())...))
		pub.tell(t, "one\n")
		pub.says(t, &pub.err, "<- PUBCOMP")
		r.freeze()
		pub.tell(t, "two\n")
		pub.stdin.Close()
		pub.says(t, &pub.err, "no answer to PINGREQ; retrying in")
		pub.ends(t, 0)
		sub.ends(t, 0)
		if got := sub.out.String(); got != "one\ntwo\n" {
			t.Errorf("output %q", got)
		}
	})
	t.Run("rr", func(t *testing.T) {
		t.Parallel()
		s := serving(t, []string{"mqtt"})
		answers := begin(t, tool(t, line("rr --serve -t ask", s.direct("mqtt"), "-- cat")...))
		answers.says(t, &answers.err, "answering")
		// The answer to the request, and everything after it, never arrives.
		var up packets
		r := relayTo(t, s.ports["mqtt"], func(n int) fault {
			if n > 0 {
				return fault{}
			}
			return fault{up: lane{heard: up.hear}, down: lane{hold: connackAnd(t, s, proto.SUBACK)}}
		})
		rr := begin(t, tool(t, line("rr -V 5 -i half -k 1 -t ask -q 1 -m hello --reconnect always --reconnect-delay 1ms -p", r.port())...))
		rr.ends(t, 0)
		if got := rr.out.String(); got != "hello\n" || r.links.Load() < 2 {
			t.Errorf("output %q over %d connections%s", got, r.links.Load(), rr.story())
		}
	})
	t.Run("ping", func(t *testing.T) {
		t.Parallel()
		s := serving(t, []string{"mqtt"})
		r := relayTo(t, s.ports["mqtt"], always(fault{}))
		ping := begin(t, tool(t, line("ping -J -V 5 --interval 1ms --connect-timeout 500ms -p", r.port())...))
		ping.says(t, &ping.out, `"seq":2`)
		r.freeze()
		ping.ends(t, 7)
		ping.says(t, &ping.err, `^mqtt ping: localhost:\d+: no answer to PINGREQ within 500ms`)
	})
	t.Run("no CONNACK", func(t *testing.T) {
		t.Parallel()
		s := serving(t, []string{"mqtt"})
		r := relayTo(t, s.ports["mqtt"], always(fault{down: lane{hold: 1}}))
		for _, command := range []string{"pub -t a -m x", "sub -t a", "rr -t a -m x", "ping", "bench --messages 1"} {
			p := done(t, tool(t, line(command, "-V 5 --connect-timeout 200ms -p", r.port())...), 3)
			p.says(t, &p.err, "no connection within 200ms: the server did not answer CONNECT")
		}
	})
	t.Run("bench", func(t *testing.T) {
		t.Parallel()
		s := serving(t, []string{"mqtt"})
		r := relayTo(t, s.ports["mqtt"], always(fault{down: lane{hold: 2000}}))
		p := begin(t, tool(t, line("bench -V 5 -k 1 -q 1 --messages 5000 --drain 3s --format json -p", r.port())...))
		p.ends(t, 7)
		if n := jsonNumber(t, p.out.String(), "errors"); n == 0 {
			t.Errorf("no error is counted%s", p.story())
		}
		if sent, acked := jsonNumber(t, p.out.String(), "sent"), jsonNumber(t, p.out.String(), "acknowledged"); acked >= sent {
			t.Errorf("sent %v, acknowledged %v", sent, acked)
		}
	})
	t.Run("broker", func(t *testing.T) {
		t.Parallel()
		s := serving(t, []string{"mqtt"})
		r := relayTo(t, s.ports["mqtt"], always(fault{}))
		watch := begin(t, tool(t, line("sub -t gone -C 1 -d", s.direct("mqtt"))...))
		watch.says(t, &watch.err, "<- SUBACK")
		sub := begin(t, tool(t, line("sub -k 1 -t a -d --will-topic gone --will-payload will --reconnect never -p", r.port())...))
		sub.says(t, &sub.err, "<- SUBACK")
		r.freeze()
		watch.ends(t, 0)
		if got := watch.out.String(); got != "will\n" {
			t.Errorf("output %q", got)
		}
	})
}

// connackAnd returns the offset of the first byte after CONNACK and one more packet of the server, as
// a subscriber receives them.
func connackAnd(t *testing.T, s *server, kind proto.Type) int {
	t.Helper()
	var down packets
	bytes := 0
	r := relayTo(t, s.ports["mqtt"], always(fault{down: lane{heard: func(b []byte) {
		for _, c := range b {
			if down.of(kind) == 0 {
				bytes++
			}
			down.hear([]byte{c})
		}
	}}}))
	status, _, errs := within(t.Context(), strings.NewReader(""), line("sub -V 5 -i half -k 1 -q 1 -t mqtt/reply/half --idle-timeout 1ms -p", r.port())...)
	r.close()
	if status != 0 || down.of(kind) != 1 {
		t.Fatalf("status %d, %s", status, errs)
	}
	return bytes + 1
}

// tell writes to the input of the process.
func (p *process) tell(t *testing.T, text string) {
	t.Helper()
	if _, err := p.stdin.Write([]byte(text)); err != nil {
		t.Fatalf("write to mqtt %s: %v%s", p.name, err, p.story())
	}
}

// Every byte is delayed by 100 ms each way: everything works, and the measured times show it.
func TestFaultLatency(t *testing.T) {
	t.Parallel()
	s := serving(t, []string{"mqtt"})
	slow := fault{up: lane{delay: 100e6}, down: lane{delay: 100e6}}
	r := relayTo(t, s.ports["mqtt"], always(slow))
	answers := begin(t, tool(t, line("rr --serve -t ask", s.direct("mqtt"), "-- cat")...))
	answers.says(t, &answers.err, "answering")
	sub := begin(t, tool(t, line("sub -q 2 -t a -C 3000 -d --quiet -p", r.port())...))
	sub.says(t, &sub.err, "<- SUBACK")
	lines := numbered(seed(t), 3000)
	cmd := tool(t, line("pub -q 2 -M 1000 -t a -l -p", r.port())...)
	cmd.Stdin = strings.NewReader(lines)
	pub := begin(t, cmd)
	rr := begin(t, tool(t, line("rr -t ask -m hello -p", r.port())...))
	ping := begin(t, tool(t, line("ping -J -C 2 --interval 1ms -p", r.port())...))
	bench := begin(t, tool(t, line("bench -q 1 --rate 200 --inflight 1000 --messages 100 --format json -p", r.port())...))
	pub.ends(t, 0)
	sub.ends(t, 0)
	if got := sub.out.String(); got != lines {
		t.Errorf("not exactly once: %s", difference(got, lines))
	}
	rr.ends(t, 0)
	if got := rr.out.String(); got != "hello\n" {
		t.Errorf("rr: %q", got)
	}
	ping.ends(t, 0)
	last := strings.TrimSpace(ping.out.String())
	if least := jsonNumber(t, last[strings.LastIndex(last, "\n")+1:], "min_us"); least < 200e3 {
		t.Errorf("ping: %v us", least)
	}
	bench.ends(t, 0)
	for _, what := range []string{"latency", "service", "connect"} {
		if least := jsonNumber(t, bench.out.String(), what, "min"); least < 200e3 {
			t.Errorf("bench: %s of %v us", what, least)
		}
	}
	if lag := jsonNumber(t, bench.out.String(), "lag", "p50"); lag > 100e3 {
		t.Errorf("bench: lag of %v us", lag)
	}
}

// Every segment has one byte: packets, TLS records and WebSocket frames arrive in parts, and everything
// works.
func TestFaultSegmentsOfOneByte(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"mqtt", "mqtts", "ws", "wss"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			s := serving(t, []string{scheme})
			thin := fault{up: lane{piece: 1}, down: lane{piece: 1}}
			r := relayTo(t, s.ports[scheme], always(thin))
			at := s.at(scheme, r.port())
			lines := numbered(seed(t), 100)
			sub := begin(t, tool(t, line("sub -q 2 -t a -C 100 -d", at)...))
			sub.says(t, &sub.err, "<- SUBACK")
			cmd := tool(t, line("pub -q 2 -t a -l", at)...)
			cmd.Stdin = strings.NewReader(lines)
			done(t, cmd, 0)
			sub.ends(t, 0)
			if got := sub.out.String(); got != lines {
				t.Errorf("%s", difference(got, lines))
			}
			answers := begin(t, tool(t, line("rr --serve -t ask", at, "-- cat")...))
			answers.says(t, &answers.err, "answering")
			rr := done(t, tool(t, line("rr -t ask -m hello", at)...), 0)
			if got := rr.out.String(); got != "hello\n" {
				t.Errorf("rr: %q", got)
			}
			done(t, tool(t, line("ping -C 1", at)...), 0)
			done(t, tool(t, line("bench --messages 20 -q 1 --fail-if loss", at)...), 0)
		})
	}
}

// A signal at any moment, chosen by the number of bytes that the server has sent: 130 or 143, or 0 if
// the work was done or an interrupt is its ordinary end. After CONNACK the last packet is DISCONNECT.
func TestFaultInterruptAtAnyByte(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		command string
		fine    bool // an interrupt is how it ends
		done    bool // it may have done its work before
	}{
		{"pub -t a -m x -q 2", false, true},
		{"pub -t a -l -q 1", false, false},
		{"sub -t a -q 1", true, false},
		{"sub -t a -C 1", false, false},
		{"rr -t ask -m x", false, false},
		{"rr --serve -t ask -- cat", true, false},
		{"ping --interval 1h", true, false},
	} {
		t.Run(c.command, func(t *testing.T) {
			t.Parallel()
			s := serving(t, []string{"mqtt"})
			for hold := 1; hold < 60; hold += 7 {
				for n, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
					var up, down packets
					passed := 0
					quiet := make(chan struct{})
					r := relayTo(t, s.ports["mqtt"], always(fault{up: lane{heard: up.hear}, down: lane{hold: hold, heard: func(b []byte) {
						if passed < hold && passed+len(b) >= hold {
							close(quiet)
						}
						down.hear(b[:max(0, min(len(b), hold-1-passed))]) // what the client gets to know
						passed += len(b)
					}}}))
					args := line(c.command)
					at := len(args)
					for i, a := range args {
						if a == "--" {
							at = i
						}
					}
					args = append(append(args[:at:at], line("-V 5 -i me -d -p", r.port())...), args[at:]...)
					p := begin(t, tool(t, args...))
					// The server has sent so much, or has nothing more to send.
					until(t, "the server's answer", func() bool {
						select {
						case <-quiet:
							return true
						default:
							return p.over() || passedAll(c.command, &down)
						}
					})
					stood := down.of(proto.CONNACK) > 0
					if stood {
						p.says(t, &p.err, "^<- CONNACK") // it has come, too
					}
					if c.done && p.over() { // it was quicker
						p.ends(t, 0)
						r.close()
						continue
					}
					p.cmd.Process.Signal(sig)
					want := []int{128 + int(sig)}
					if c.fine || c.done {
						want = append(want, 0)
					}
					p.ends(t, want...)
					if stood {
						until(t, fmt.Sprintf("DISCONNECT, at byte %d with signal %d", hold, n), func() bool { return up.final() == proto.DISCONNECT })
					}
					r.close()
				}
			}
		})
	}
}

// passedAll reports whether the server has sent everything it will send without further packets of
// the client.
func passedAll(command string, down *packets) bool {
	switch {
	case strings.HasPrefix(command, "pub"):
		return down.of(proto.CONNACK) > 0
	case strings.HasPrefix(command, "ping"):
		return down.of(proto.PINGRESP) > 0
	}
	return down.of(proto.SUBACK) > 0
}
