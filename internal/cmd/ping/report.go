package ping

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"mqtt/internal/cli"
	"mqtt/internal/conn"
	"mqtt/internal/connect"
	"mqtt/internal/format"
	"mqtt/internal/proto"
	"mqtt/internal/transport"
)

// pingReport prints what ping learns, for people or as JSON lines.
type pingReport struct {
	e     *cli.Env
	json  bool
	way   string           // what the byte stream goes over: tcp or unix
	trace *transport.Trace // of the last dial
	open  time.Time        // when the byte stream stood
	sent  int
	trips []time.Duration
}

func newPingReport(e *cli.Env, json bool) *pingReport { return &pingReport{e: e, json: json} }

// watchPhases records the phases of each dial in the report.
func (p *pinger) watchPhases() {
	r := p.report
	if r.way = "tcp"; p.plan.Target.Socket != "" {
		r.way = "unix"
	}
	p.plan.Cfg.Dial = connect.Dialer(p.plan.Target, func() *transport.Trace {
		r.trace = new(transport.Trace)
		return r.trace
	})
	p.plan.Cfg.Connected = func() { r.open = time.Now() }
}

func (r *pingReport) print(text string, args ...any) error {
	if _, err := fmt.Fprintf(r.e.Out, text, args...); err != nil {
		if cli.ClosedPipe(err) {
			return cli.ErrQuiet
		}
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// phase is a step of connecting with its time.
type phase struct {
	name string
	took time.Duration
}

func (r *pingReport) phases() []phase {
	t := r.trace
	all := []phase{{"dns", t.Resolve}, {r.way, t.Connect}, {"proxy", t.Proxy}, {"tls", t.TLS}, {"websocket", t.WebSocket},
		{"connack", time.Since(r.open)}}
	return slices.DeleteFunc(all, func(p phase) bool { return p.took == 0 })
}

// connected prints phases and what the server can do.
func (r *pingReport) connected(c *conn.Conn) error {
	phases := r.phases()
	if r.json {
		var b strings.Builder
		fmt.Fprintf(&b, `{"event":"connected","remote":%q,"version":%q,"phases_us":{`, r.trace.Remote, c.Version())
		for i, p := range phases {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, "%q:%s", p.name, micros(p.took))
		}
		s := c.Server()
		fmt.Fprintf(&b, `},"server":{"receive_maximum":%d,"maximum_qos":%d,"retain_available":%t,"maximum_packet_size":%d,`+
			`"topic_alias_maximum":%d,"keep_alive":%d,"wildcard_subscription_available":%t,"subscription_identifier_available":%t,`+
			`"shared_subscription_available":%t}}`, s.ReceiveMaximum, s.MaximumQoS, s.RetainAvailable, s.MaximumPacketSize,
			s.TopicAliasMaximum, int(s.KeepAlive.Seconds()), can(s, proto.WildcardSubscriptionAvailable),
			can(s, proto.SubscriptionIdentifierAvailable), can(s, proto.SharedSubscriptionAvailable))
		return r.print("%s\n", b.String())
	}
	words := make([]string, len(phases))
	for i, p := range phases {
		words[i] = p.name + " " + format.Duration(p.took)
	}
	if err := r.print("connected to %s with MQTT %s: %s\n", r.trace.Remote, c.Version(), strings.Join(words, ", ")); err != nil {
		return err
	}
	if c.Version() < proto.V5 {
		return nil
	}
	return r.print("server: %s\n", strings.Join(abilities(c.Server()), ", "))
}

func can(s *conn.Server, id proto.PropID) bool { return s.Props.Num(id, 1) == 1 }

// abilities is what a CONNACK of version 5 says, in words.
func abilities(s *conn.Server) []string {
	words := []string{fmt.Sprintf("QoS up to %d", s.MaximumQoS), fmt.Sprintf("receive maximum %d", s.ReceiveMaximum)}
	if s.MaximumPacketSize != 0 {
		words = append(words, fmt.Sprintf("packets up to %d bytes", s.MaximumPacketSize))
	}
	keepAlive := "off"
	if s.KeepAlive > 0 {
		keepAlive = format.Duration(s.KeepAlive)
	}
	words = append(words, fmt.Sprintf("topic aliases %d", s.TopicAliasMaximum), "keep alive "+keepAlive)
	for _, a := range []struct {
		name string
		on   bool
	}{{"retain", s.RetainAvailable}, {"wildcards", can(s, proto.WildcardSubscriptionAvailable)},
		{"subscription identifiers", can(s, proto.SubscriptionIdentifierAvailable)},
		{"shared subscriptions", can(s, proto.SharedSubscriptionAvailable)}} {
		if !a.on {
			words = append(words, "no "+a.name)
		}
	}
	if s.AssignedID != "" {
		words = append(words, "assigned identifier "+string(format.VisibleLine(nil, []byte(s.AssignedID))))
	}
	return words
}

// trip prints one round trip.
func (r *pingReport) trip(took time.Duration) error {
	r.trips = append(r.trips, took)
	if r.json {
		return r.print(`{"event":"pong","seq":%d,"us":%s}`+"\n", r.sent, micros(took))
	}
	return r.print("pong %d: %s\n", r.sent, format.Duration(took))
}

// lost prints that one did not come back.
func (r *pingReport) lost(within time.Duration) error {
	if r.json {
		return r.print(`{"event":"lost","seq":%d}`+"\n", r.sent)
	}
	return r.print("lost %d: no echo within %s\n", r.sent, format.Duration(within))
}

// summary prints the figures of all round trips.
func (r *pingReport) summary() {
	if r.sent == 0 {
		return
	}
	lost := r.sent - len(r.trips)
	sorted := slices.Clone(r.trips)
	slices.Sort(sorted)
	var sum time.Duration
	for _, t := range sorted {
		sum += t
	}
	if r.json {
		r.print(`{"event":"summary","sent":%d,"received":%d,"lost":%d`, r.sent, len(sorted), lost)
		if n := len(sorted); n > 0 {
			r.print(`,"min_us":%s,"mean_us":%s,"p50_us":%s,"p99_us":%s,"max_us":%s`, micros(sorted[0]), micros(sum/time.Duration(n)),
				micros(percentile(sorted, 50)), micros(percentile(sorted, 99)), micros(sorted[n-1]))
		}
		r.print("}\n")
		return
	}
	r.print("%d sent, %d lost (%s)", r.sent, lost, format.Percent(uint64(lost), uint64(r.sent)))
	if n := len(sorted); n > 0 {
		r.print("; min %s, mean %s, p50 %s, p99 %s, max %s", format.Duration(sorted[0]), format.Duration(sum/time.Duration(n)),
			format.Duration(percentile(sorted, 50)), format.Duration(percentile(sorted, 99)), format.Duration(sorted[n-1]))
	}
	r.print("\n")
}

// percentile is the smallest value that p percent do not exceed.
func percentile(sorted []time.Duration, p float64) time.Duration {
	return sorted[max(0, int(math.Ceil(p/100*float64(len(sorted))))-1)]
}

// micros writes a time in microseconds, with its nanoseconds behind the point.
func micros(d time.Duration) string {
	return fmt.Sprintf("%d.%03d", d.Microseconds(), d.Nanoseconds()%1000)
}
