package bench

import (
	"strconv"
	"time"

	"mqtt/internal/format"
	"mqtt/internal/report"
)

// settings returns the configuration of r without the settings that are off.
func settings(r *Result) []report.Fact {
	c := &r.Config
	var facts []report.Fact
	add := func(name, value string) {
		if value != "" {
			facts = append(facts, report.Fact{Name: name, Value: value})
		}
	}
	seconds := func(x float64) string {
		if x <= 0 {
			return ""
		}
		return format.Duration(time.Duration(x * 1e9))
	}
	add("server", c.Server)
	add("server version", r.ServerVersion)
	add("protocol", c.Version)
	add("run", c.Run)
	if r.Kind == KindConnections {
		add("clients", format.Count(uint64(max(c.Clients, 0))))
	} else {
		add("publishers", format.Count(uint64(max(c.Publishers, 0))))
		add("subscribers", format.Count(uint64(max(c.Subscribers, 0))))
		add("topic", c.Topic)
		if c.Filter != c.Topic {
			add("filter", c.Filter)
		}
		add("shared group", c.Shared)
		add("QoS", strconv.Itoa(c.QoS))
		if c.Retain {
			add("retain", "yes")
		}
		add("payload", payloadSize(c.PayloadSize))
		add("rate", rateAsked(c))
		if c.Window > 0 && c.QoS > 0 && c.Publishers > 0 { // there is no window at QoS 0
			add("window", format.Count(uint64(c.Window)))
		}
		if c.Messages > 0 {
			add("messages", format.Count(c.Messages))
		}
	}
	add("duration", seconds(c.Duration))
	add("warm-up", seconds(c.Warmup))
	if c.Ramp > 0 {
		add("ramp", format.Rate(c.Ramp))
	}
	if c.Churn > 0 {
		add("churn", format.Rate(c.Churn))
	}
	keep := "off"
	if c.KeepAlive > 0 {
		keep = seconds(float64(c.KeepAlive))
	}
	add("keep alive", keep)
	switch {
	case c.Offline:
		add("sessions", "persistent, subscribers away")
	case c.Persistent:
		add("sessions", "persistent")
	}
	return facts
}

// measured returns what measured r: the machines and the tool.
func measured(r *Result) []report.Fact {
	var facts []report.Fact
	add := func(name, value string) {
		if value != "" {
			facts = append(facts, report.Fact{Name: name, Value: value})
		}
	}
	add("tool", r.Tool)
	switch len(r.Machines) {
	case 0:
	case 1:
		m := &r.Machines[0]
		add("host", m.Host)
		add("CPUs", m.processors())
		add("system", m.system())
	default:
		add("generators", format.Count(uint64(len(r.Machines)))+", listed below")
	}
	return facts
}

// processors returns the number of processors of m, with their model if that is known.
func (m *Machine) processors() string {
	if m.Processor == "" {
		return strconv.Itoa(m.CPUs)
	}
	return strconv.Itoa(m.CPUs) + " × " + m.Processor
}

// system returns the operating system of m, and its architecture.
func (m *Machine) system() string {
	if m.System == "" {
		return m.OS + "/" + m.Arch
	}
	return m.System + ", " + m.OS + "/" + m.Arch
}

// payloadSize returns the payload size n of a Config for a person.
func payloadSize(n int) string {
	if n < 0 {
		return "differs"
	}
	return format.Bytes(uint64(n))
}

// rateAsked returns the rate of c for a person.
func rateAsked(c *Config) string {
	if c.Rate <= 0 {
		return "as fast as it goes"
	}
	if c.Burst > 1 {
		return format.Rate(c.Rate) + " in bursts of " + format.Count(uint64(c.Burst))
	}
	return format.Rate(c.Rate)
}

// timing is a histogram of a result with its name and a description.
type timing struct {
	name, about string
	hist        *Histogram
	floor       time.Duration // times below it are not known
}

// text returns a time of t for a person.
func (t *timing) text(d time.Duration) string { return timeText(d, t.floor) }

// timeText returns d for a person, or the floor below which times are not known: <250µs.
func timeText(d, floor time.Duration) string {
	if d < floor {
		return "<" + format.Duration(floor)
	}
	return format.Duration(d)
}

// floor returns the time below which latency is not known, because it is between two clocks.
func (c *Clock) floor() time.Duration {
	if c.Mode != Estimated {
		return 0
	}
	return fromMicros(c.Error)
}

// timings returns all histograms of r, including empty ones.
func timings(r *Result) []timing {
	floor := r.Clock.floor()
	return []timing{
		{"latency", "from the intended send to the delivery", r.Latency, floor},
		{"service", "from the actual write to the delivery", r.Service, floor},
		{"lag", "from the intended send to the write: the generator's own delay", r.Lag, 0},
		{"ack", "from the intended send to the acknowledgement", r.Ack, 0},
		{"connect", "from the first step to CONNACK", r.Connect, 0},
	}
}

// slot is one or more points of a series that are drawn as one.
type slot struct {
	Point
	from, to float64 // seconds
	owned    bool    // its histogram is not that of a point
}

// add adds the counts of p, which follows those of s. It does not change the histograms of points.
func (s *slot) add(p *Point) {
	s.Sent += p.Sent
	s.Acknowledged += p.Acknowledged
	s.Received += p.Received
	s.Errors += p.Errors
	s.Lost += p.Lost
	s.Opened += p.Opened
	s.Connections = p.Connections
	if p.Latency.Count() == 0 {
		return
	}
	if !s.owned {
		sum := newHistogram(coarse)
		sum.Merge(s.Latency)
		s.Latency, s.owned = sum, true
	}
	s.Latency.Merge(p.Latency)
}

// joinTail adds the last slot to the one before it if it has only the rest of the messages, because
// it is short, or because sending had ended: the percentiles of a few messages would draw a cliff
// that the run does not have. sending is when sending ended, and end when the run ended, in seconds.
func joinTail(all []slot, sending, end float64) []slot {
	n := len(all)
	if n < 2 {
		return all
	}
	last, before := &all[n-1], &all[n-2]
	short := end-last.from < (last.to-last.from)/2
	few := last.from > sending-minRateTime && last.Received*10 < before.Received
	if before.Latency.Count() == 0 || last.Latency.Count() == 0 || !short && !few {
		return all
	}
	before.add(&last.Point)
	before.to = last.to
	return all[:n-1]
}

// slots returns the points of s in at most maxSlots slots of the same length.
func slots(s *Series, maxSlots int) []slot {
	if !(s.Interval > 0) || len(s.Points) == 0 {
		return nil
	}
	group := (len(s.Points) + maxSlots - 1) / maxSlots
	all := make([]slot, 0, len(s.Points)/group+1)
	for i := 0; i < len(s.Points); i += group {
		points := s.Points[i:min(i+group, len(s.Points))]
		one := slot{Point: points[0], from: float64(i) * s.Interval, to: float64(i+len(points)) * s.Interval}
		for j := range points[1:] {
			one.add(&points[1+j])
		}
		all = append(all, one)
	}
	return all
}

// minRateTime is the shortest time, in seconds, for which a rate is computed.
const minRateTime = 1e-3

// slotRates returns the rate of each slot: count divided by the time of the slot before
// end, or -1 if there is no such time. A slot with less than half of its time before end is
// too short for a rate of its own; its count is added to the slot before.
func slotRates(all []slot, end float64, count func(*slot) uint64) []float64 {
	rates := make([]float64, len(all))
	var before, took float64 // count and time of the last slot with a rate
	for i := range all {
		s := &all[i]
		n, part := float64(count(s)), min(s.to, end)-s.from
		switch {
		case took > 0 && part < (s.to-s.from)/2:
			rates[i] = -1
			if n > 0 {
				before, took = before+n, took+max(part, 0)
				rates[i-1] = before / took
			}
			took = 0 // only one slot is added
		case part <= 0:
			rates[i] = -1
		default:
			before, took = n, max(part, minRateTime)
			rates[i] = before / took
		}
	}
	return rates
}
