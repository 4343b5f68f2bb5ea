package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// seed returns the source of a test's random faults: the same each time, unless FAULTS_SEED is set.
func seed(t *testing.T) uint64 {
	t.Helper()
	n := uint64(1)
	if v := os.Getenv("FAULTS_SEED"); v != "" {
		var err error
		if n, err = strconv.ParseUint(v, 10, 64); err != nil {
			t.Fatalf("FAULTS_SEED: %v", err)
		}
	}
	t.Logf("FAULTS_SEED=%d", n)
	return n
}

// randomCuts breaks each connection after at most `most` bytes of one direction, some with a reset.
// Connections from number last on are not broken.
func randomCuts(seed uint64, most, last int) func(int) fault {
	r := rand.New(rand.NewPCG(seed, seed))
	return func(n int) fault {
		f := fault{reset: r.IntN(2) == 0}
		at := 1 + r.IntN(most)
		switch {
		case n >= last:
		case r.IntN(2) == 0:
			f.up.cut = at
		default:
			f.down.cut = at
		}
		return f
	}
}

// numbered returns n lines of different lengths.
func numbered(seed uint64, n int) string {
	r := rand.New(rand.NewPCG(seed, 2))
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%d %s\n", i+1, strings.Repeat("x", r.IntN(120)))
	}
	return b.String()
}

// Connections of publisher and subscriber break at random bytes, dozens of times. At QoS 1 nothing is
// lost and first deliveries are in order [MQTT-4.6.0-1]; at QoS 2 everything arrives exactly once.
func TestFaultCuts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, server, scheme, flags string
		qos                         int
	}{
		{"qos1", "ours", "mqtt", "-V 5", 1},
		{"qos2", "ours", "mqtt", "-V 5", 2},
		{"qos2 of 3.1.1", "ours", "mqtt", "-V 3.1.1 -c", 2},
		{"qos2 over tls", "ours", "mqtts", "-V 5", 2},
		{"qos2 over ws", "ours", "ws", "-V 5", 2},
		{"qos1 over wss", "ours", "wss", "-V 5", 1},
		{"mosquitto qos1", "mosquitto", "mqtt", "-V 5", 1},
		{"mosquitto qos2", "mosquitto", "mqtt", "-V 5", 2},
		{"mosquitto qos2 of 3.1.1", "mosquitto", "mqtt", "-V 3.1.1 -c", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var s *server
			if c.server == "mosquitto" {
				s = servingMosquitto(t)
			} else {
				s = serving(t, []string{c.scheme})
			}
			files := descriptorsOf(s.process)
			n, most := 1500, 1000
			if strings.HasSuffix(c.scheme, "s") && c.scheme != "ws" {
				most = 5000 // a handshake alone is some thousand
			}
			base := seed(t)
			lines := numbered(base, n)
			const last = 40
			there := relayTo(t, s.ports[c.scheme], randomCuts(base, most, last))
			back := relayTo(t, s.ports[c.scheme], randomCuts(base+1, most, last))
			common := line(c.flags, "-t cuts --reconnect always --reconnect-delay 1ms..5ms -q", strconv.Itoa(c.qos))

			args := line("sub -i to -d", s.at(c.scheme, back.port()), common)
			if c.qos == 2 && c.server == "ours" {
				args = append(args, "-C", strconv.Itoa(n))
			}
			sub := begin(t, tool(t, args...))
			sub.says(t, &sub.err, "<- SUBACK")
			cmd := tool(t, line("pub -i from -l", s.at(c.scheme, there.port()), common)...)
			cmd.Stdin = strings.NewReader(lines)
			pub := begin(t, cmd)
			pub.ends(t, 0)
			if c.qos == 2 && c.server == "ours" {
				sub.ends(t, 0)
				if got := sub.out.String(); got != lines {
					t.Errorf("not exactly once: %s%s", difference(got, lines), sub.story())
				}
			} else {
				sub.says(t, &sub.out, fmt.Sprintf("^%d ", n))
				sub.signal(t, syscall.SIGINT)
				sub.ends(t, 0)
				if got := withoutRepeats(sub.out.String()); got != lines {
					t.Errorf("lost, or out of order: %s%s", difference(got, lines), sub.story())
				}
				if twice := strings.Count(sub.out.String(), "\n") - n; c.qos == 2 && twice != resurrected(sub.err.String()) {
					t.Errorf("%d messages came twice, and the server sent %d anew%s", twice, resurrected(sub.err.String()), sub.story())
				}
			}
			if cuts := there.cuts.Load() + back.cuts.Load(); cuts < 8 {
				t.Errorf("only %d connections were cut", cuts)
			} else {
				t.Logf("%d connections were cut", cuts)
			}
			// The server has closed the sockets of all clients that are gone.
			done(t, tool(t, line("ping -C 1", s.direct(c.scheme))...), 0)
			until(t, "the server closes what was cut", func() bool { return descriptorsOf(s.process) <= files+1 })
		})
	}
}

// resurrected counts the messages in a subscriber's trace that the server sent again although it had
// sent PUBREL and received PUBCOMP for them: the identifier is free by then, so that the message is a
// new one [MQTT-4.3.3-12]. Mosquitto does so when a session is resumed twice in quick succession,
// against [MQTT-4.3.3-6].
func resurrected(trace string) int {
	n := 0
	over := make(map[string]bool) // identifiers that were released, and not used since
	packet := regexp.MustCompile(`(?m)^(<- PUBLISH dup=\d qos=2|-> PUBCOMP).* mid=(\d+)`)
	for _, m := range packet.FindAllStringSubmatch(trace, -1) {
		switch {
		case m[1] == "-> PUBCOMP":
			over[m[2]] = true
		case over[m[2]] && strings.Contains(m[1], "dup=1"):
			n++
			fallthrough
		default:
			over[m[2]] = false
		}
	}
	return n
}

// descriptorsOf returns how many files a process has open, 0 if that is not known.
func descriptorsOf(p *process) int {
	files, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid))
	return len(files)
}

// difference returns the first line in which two texts differ.
func difference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range w {
		if i >= len(g) || g[i] != w[i] {
			return fmt.Sprintf("line %d of %d (%d came): %.40q, want %.40q", i+1, len(w), len(g), append(g, "nothing")[min(i, len(g))], w[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}

// withoutRepeats returns the text without lines that occurred before.
func withoutRepeats(text string) string {
	seen := make(map[string]bool)
	var b strings.Builder
	for l := range strings.Lines(text) {
		if !seen[l] {
			seen[l] = true
			b.WriteString(l)
		}
	}
	return b.String()
}

// A connection that breaks at any byte of either direction ends a single run with a true status: 0
// only if the work was done, 3 before CONNACK, 7 afterwards, with one line of explanation and without
// hanging.
func TestFaultCutAtEveryByte(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		command string // what is run, on $PORT
		wants   string // what it prints when the work was done
	}{
		{"pub -i p -t at -q 0 -m hello", ""},
		{"pub -i p -t at -q 1 -m hello", ""},
		{"pub -i p -t at -q 2 -m hello", ""},
		{"sub -i s -t kept -q 2 -C 1 --reconnect never", "kept\n"},
		{"rr -i r -t ask -m hello -q 1", "hello\n"},
		{"ping -i g -C 1 -J", "pong"},
	} {
		t.Run(c.command[:strings.Index(c.command, " ")]+qosOf(c.command), func(t *testing.T) {
			t.Parallel()
			s := serving(t, []string{"mqtt"})
			port := s.ports["mqtt"]
			done(t, tool(t, line("pub -t kept -r -m kept -q 1", s.direct("mqtt"))...), 0)
			// A session that counts what the server received.
			done(t, tool(t, line("sub -V 5 -c -i counts -q 2 -t at -x 100 --idle-timeout 1ms", s.direct("mqtt"))...), 0)
			if strings.HasPrefix(c.command, "rr") {
				answers := begin(t, tool(t, line("rr --serve -t ask", s.direct("mqtt"), "-- cat")...))
				answers.says(t, &answers.err, "answering")
			}
			succeeded := 0
			for _, up := range []bool{true, false} {
				for at, whole := 1, false; !whole; at++ {
					f := fault{reset: at%2 == 0}
					if up {
						f.up.cut = at
					} else {
						f.down.cut = at
					}
					r := relayTo(t, port, always(f))
					status, out, errs := within(t.Context(), strings.NewReader(""), line(c.command, "-V 5 -W 10 -p", r.port())...)
					if strings.HasPrefix(c.command, "pub") || strings.HasPrefix(c.command, "ping") {
						status, out, errs = within(t.Context(), strings.NewReader(""), line(c.command, "-V 5 -p", r.port())...)
					}
					r.close()
					whole = r.cuts.Load() == 0
					where := fmt.Sprintf("cut at byte %d, towards the server %v, with a reset %v", at, up, f.reset)
					if at > 400 {
						t.Fatalf("%s: that many bytes are too many", where)
					}
					switch status {
					case 0:
						succeeded++
						if !strings.Contains(out, c.wants) {
							t.Errorf("%s: exit 0 with the output %q", where, out)
						}
						continue
					case 3, 7:
					default:
						t.Errorf("%s: exit %d, %q", where, status, errs)
					}
					if strings.Count(errs, "\n") != 1 || whole {
						t.Errorf("%s: exit %d, %q", where, status, errs)
					}
				}
			}
			if succeeded < 2 {
				t.Errorf("%d runs were whole: one in each direction must be", succeeded)
			}
			if strings.HasPrefix(c.command, "pub") && qosOf(c.command) != " qos0" {
				done(t, tool(t, line("sub -V 5 -c -i counts -q 2 -t at -x 100 -W 10 -C", strconv.Itoa(succeeded), s.direct("mqtt"))...), 0)
			}
		})
	}
}

func qosOf(command string) string {
	_, after, ok := strings.Cut(command, " -q ")
	if !ok {
		return ""
	}
	return " qos" + after[:1]
}

// Requests are answered once each although connections of requester and responder break.
func TestFaultCutsOfRequests(t *testing.T) {
	t.Parallel()
	s := serving(t, []string{"mqtt"})
	base := seed(t)
	back := relayTo(t, s.ports["mqtt"], randomCuts(base, 3000, 10))
	there := relayTo(t, s.ports["mqtt"], randomCuts(base+1, 3000, 10))
	flags := "-V 5 -t ask -q 2 --reconnect always --reconnect-delay 1ms..5ms"
	answers := begin(t, tool(t, line("rr --serve -i answers -p", back.port(), flags, "-- cat")...))
	answers.says(t, &answers.err, "answering")
	lines := numbered(base, 120)
	cmd := tool(t, line("rr -i asks -l -x 100 -p", there.port(), flags)...)
	cmd.Stdin = strings.NewReader(lines)
	rr := begin(t, cmd)
	rr.ends(t, 0)
	if got, want := sorted(rr.out.String()), sorted(lines); got != want {
		t.Errorf("%s%s", difference(got, want), rr.story())
	}
	if cuts := there.cuts.Load() + back.cuts.Load(); cuts < 5 {
		t.Errorf("only %d connections were cut", cuts)
	}
	answers.signal(t, syscall.SIGTERM)
	answers.ends(t, 0)
}

// bench counts broken connections and reports them: an exit status other than 0, errors, and loss. A
// connection that was replaced is counted and does not change the status.
func TestFaultCutsOfBench(t *testing.T) {
	t.Parallel()
	s := serving(t, []string{"mqtt"})
	r := relayTo(t, s.ports["mqtt"], randomCuts(seed(t), 20000, 1000))
	p := done(t, tool(t, line("bench --pubs 2 --subs 2 -q 1 -V 5 --messages 4000 --drain 3s --format json -p", r.port())...), 1, 3, 5, 6, 7)
	result := p.out.String()
	if jsonNumber(t, result, "errors") == 0 {
		t.Errorf("no errors with status %d: %s", p.status(), result)
	}
	if sent := jsonNumber(t, result, "sent"); sent >= 4000 && jsonNumber(t, result, "lost") == 0 && jsonNumber(t, result, "received") < 8000 {
		t.Errorf("something is missing, and is not told: %s", result)
	}
	// With --reconnect and lasting sessions nothing is lost.
	r = relayTo(t, s.ports["mqtt"], randomCuts(seed(t)+1, 20000, 30))
	p = done(t, tool(t, line("bench --pubs 2 --subs 2 -q 1 -V 5 --messages 4000 --reconnect always --reconnect-delay 1ms..5ms --format json -p",
		r.port())...), 0)
	result = p.out.String()
	if sent, lost := jsonNumber(t, result, "sent"), jsonNumber(t, result, "lost"); sent != 4000 || lost != 0 {
		t.Errorf("sent %v, lost %v%s", sent, lost, p.story())
	}
	if r.cuts.Load() == 0 || jsonNumber(t, result, "errors") == 0 || jsonNumber(t, result, "connections", "reconnected") == 0 {
		t.Errorf("%d cuts: %s", r.cuts.Load(), result)
	}
}
