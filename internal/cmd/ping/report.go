package ping

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net"
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

// report prints what ping learns, for people or as lines of JSON.
type report struct {
	e     *cli.Env
	json  bool
	way   string           // what carries the byte stream: tcp or unix
	trace *transport.Trace // of the last dial
	open  time.Time        // when the byte stream was open
	sent  int
	trips []time.Duration
}

// watchPhases records the phases of each dial in the report.
func (p *pinger) watchPhases() {
	r := p.report
	if r.way = "tcp"; p.plan.Target.Socket != "" {
		r.way = "unix"
	}
	p.plan.Cfg.Dial = func(ctx context.Context, v proto.Version) (net.Conn, error) {
		r.trace = new(transport.Trace)
		return connect.Dial(ctx, p.plan.Target, v, r.trace)
	}
	p.plan.Cfg.Connected = func() { r.open = time.Now() }
}

// print writes a line of text.
func (r *report) print(text string, args ...any) error {
	return cli.WriteAll(r.e, append(fmt.Appendf(nil, text, args...), '\n'))
}

// printJSON writes v as a line of JSON.
func (r *report) printJSON(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return cli.WriteAll(r.e, append(b, '\n'))
}

// micros is a duration that JSON has in microseconds, with three decimal places.
type micros time.Duration

// MarshalJSON returns a number such as 1234.567.
func (m micros) MarshalJSON() ([]byte, error) {
	d := time.Duration(m)
	return fmt.Appendf(nil, "%d.%03d", d.Microseconds(), d.Nanoseconds()%1000), nil
}

// connectedEvent is the JSON line of a connection.
type connectedEvent struct {
	Event   string     `json:"event"`
	Remote  string     `json:"remote"`
	Version string     `json:"version"`
	Phases  phases     `json:"phases_us"`
	Server  serverCaps `json:"server"`
}

// serverCaps is what the server says in CONNACK, with the defaults of the standard.
type serverCaps struct {
	ReceiveMaximum    int  `json:"receive_maximum"`
	MaximumQoS        int  `json:"maximum_qos"`
	RetainAvailable   bool `json:"retain_available"`
	MaximumPacketSize int  `json:"maximum_packet_size"`
	TopicAliasMaximum int  `json:"topic_alias_maximum"`
	KeepAlive         int  `json:"keep_alive"` // seconds
	Wildcards         bool `json:"wildcard_subscription_available"`
	Identifiers       bool `json:"subscription_identifier_available"`
	Shared            bool `json:"shared_subscription_available"`
}

// pongEvent is the JSON line of one round trip.
type pongEvent struct {
	Event string `json:"event"`
	Seq   int    `json:"seq"`
	Took  micros `json:"us"`
}

// lostEvent is the JSON line of an echo that did not come.
type lostEvent struct {
	Event string `json:"event"`
	Seq   int    `json:"seq"`
}

// summaryEvent is the JSON line at the end.
type summaryEvent struct {
	Event    string `json:"event"`
	Sent     int    `json:"sent"`
	Received int    `json:"received"`
	Lost     int    `json:"lost"`
	*figures        // nil without a round trip
}

// figures are the statistics of all round trips.
type figures struct {
	Min  micros `json:"min_us"`
	Mean micros `json:"mean_us"`
	P50  micros `json:"p50_us"`
	P99  micros `json:"p99_us"`
	Max  micros `json:"max_us"`
}

// phase is a step of connecting and how long it took.
type phase struct {
	name string
	took time.Duration
}

type phases []phase

// MarshalJSON returns an object of microseconds by phase, in the order of the phases.
func (p phases) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, ph := range p {
		if i > 0 {
			b = append(b, ',')
		}
		took, _ := micros(ph.took).MarshalJSON()
		b = append(fmt.Appendf(b, "%q:", ph.name), took...) // names are plain ASCII
	}
	return append(b, '}'), nil
}

// phases returns the steps of the last connection that took any time.
func (r *report) phases() phases {
	t := r.trace
	all := phases{{"dns", t.Resolve}, {r.way, t.Connect}, {"proxy", t.Proxy}, {"tls", t.TLS}, {"websocket", t.WebSocket},
		{"connack", time.Since(r.open)}}
	return slices.DeleteFunc(all, func(p phase) bool { return p.took == 0 })
}

// connected prints the phases of a connection and what the server can do.
func (r *report) connected(c *conn.Conn) error {
	steps := r.phases()
	if r.json {
		s := c.Server()
		return r.printJSON(connectedEvent{
			Event: "connected", Remote: r.trace.Remote, Version: c.Version().String(), Phases: steps,
			Server: serverCaps{
				ReceiveMaximum: int(s.ReceiveMaximum), MaximumQoS: int(s.MaximumQoS), RetainAvailable: s.RetainAvailable,
				MaximumPacketSize: int(s.MaximumPacketSize), TopicAliasMaximum: int(s.TopicAliasMaximum), KeepAlive: int(s.KeepAlive.Seconds()),
				Wildcards: can(s, proto.WildcardSubscriptionAvailable), Identifiers: can(s, proto.SubscriptionIdentifierAvailable),
				Shared: can(s, proto.SharedSubscriptionAvailable),
			},
		})
	}
	words := make([]string, len(steps))
	for i, p := range steps {
		words[i] = p.name + " " + format.Duration(p.took)
	}
	if err := r.print("connected to %s with MQTT %s: %s", r.trace.Remote, c.Version(), strings.Join(words, ", ")); err != nil {
		return err
	}
	if c.Version() < proto.V5 {
		return nil
	}
	return r.print("server: %s", strings.Join(abilities(c.Server()), ", "))
}

// can reports whether the server has a feature that CONNACK can deny.
func can(s *conn.Server, id proto.PropID) bool { return s.Props.Num(id, 1) == 1 }

// abilities describes what a CONNACK of MQTT 5 says.
func abilities(s *conn.Server) []string {
	words := []string{fmt.Sprintf("QoS up to %d", s.MaximumQoS), fmt.Sprintf("receive maximum %d", s.ReceiveMaximum)}
	if s.MaximumPacketSize != 0 {
		words = append(words, "packets up to "+format.Bytes(uint64(s.MaximumPacketSize)))
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
func (r *report) trip(took time.Duration) error {
	r.trips = append(r.trips, took)
	if r.json {
		return r.printJSON(pongEvent{"pong", r.sent, micros(took)})
	}
	return r.print("pong %d: %s", r.sent, format.Duration(took))
}

// lost prints that an echo did not come.
func (r *report) lost(within time.Duration) error {
	if r.json {
		return r.printJSON(lostEvent{"lost", r.sent})
	}
	return r.print("lost %d: no echo within %s", r.sent, format.Duration(within))
}

// summary prints the figures of all round trips.
func (r *report) summary() {
	if r.sent == 0 {
		return
	}
	lost, f := r.sent-len(r.trips), summarize(r.trips)
	if r.json {
		r.printJSON(summaryEvent{Event: "summary", Sent: r.sent, Received: len(r.trips), Lost: lost, figures: f})
		return
	}
	line := fmt.Sprintf("%d sent, %d lost (%s)", r.sent, lost, format.Percent(uint64(lost), uint64(r.sent)))
	if f != nil {
		text := func(m micros) string { return format.Duration(time.Duration(m)) }
		line += fmt.Sprintf("; min %s, mean %s, p50 %s, p99 %s, max %s", text(f.Min), text(f.Mean), text(f.P50), text(f.P99), text(f.Max))
	}
	r.print("%s", line)
}

// summarize returns the statistics of trips, nil if there are none.
func summarize(trips []time.Duration) *figures {
	n := len(trips)
	if n == 0 {
		return nil
	}
	sorted := slices.Clone(trips)
	slices.Sort(sorted)
	var sum time.Duration
	for _, t := range sorted {
		sum += t
	}
	return &figures{micros(sorted[0]), micros(sum / time.Duration(n)), micros(percentile(sorted, 50)), micros(percentile(sorted, 99)), micros(sorted[n-1])}
}

// percentile returns the smallest value that at least p percent of the values do not exceed.
func percentile(sorted []time.Duration, p float64) time.Duration {
	return sorted[max(0, int(math.Ceil(p/100*float64(len(sorted))))-1)]
}
