package bench

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"mqtt/internal/format"
)

// metric is a measurement that Compare compares.
type metric struct {
	name, unit   string
	lessIsBetter bool
	value        func(*Result) (float64, bool)
}

// metrics returns the measurements of results of that kind.
func metrics(kind string) []metric {
	var all []metric
	add := func(name, unit string, lessIsBetter bool) {
		all = append(all, metric{name, unit, lessIsBetter, valueOf(name)})
	}
	if kind == KindConnections {
		all = append(all, metric{"open rate", "/s", false, openRate})
		for _, name := range []string{"connect.p50", "connect.p99", "connect.max"} {
			add(name, "µs", true)
		}
		all = append(all, metric{"failed", "", true, func(r *Result) (float64, bool) { return float64(r.Connections.Failed), true }},
			metric{"lost connections", "", true, func(r *Result) (float64, bool) { return float64(r.Connections.Lost), true }})
	} else {
		add("send.rate", "/s", false)
		add("receive.rate", "/s", false)
		for _, name := range []string{"min", "p50", "p90", "p99", "p99.9", "max", "ack.p50", "ack.p99", "lag.p99"} {
			add(name, "µs", true)
		}
		all = append(all, metric{"loss", "%", true, lossShare})
		add("dup", "", true)
		add("reorder", "", true)
	}
	add("errors", "", true)
	add("cpu", "cores", true)
	return append(all, metric{"memory", "bytes", true, memoryOf})
}

// valueOf returns the function of a metric of --fail-if, nil if there is none.
func valueOf(name string) func(*Result) (float64, bool) {
	if f := timeOf(name); f != nil {
		return f
	}
	f := countOf(name)
	switch name {
	case "send.rate":
		return func(r *Result) (float64, bool) { x, _ := f(r); return x, r.Config.Publishers > 0 }
	case "receive.rate":
		return func(r *Result) (float64, bool) { x, _ := f(r); return x, r.Config.Subscribers > 0 }
	case "dup", "reorder":
		return func(r *Result) (float64, bool) { x, ok := f(r); return x, ok && r.Config.Subscribers > 0 }
	}
	return f
}

// lossShare returns the share of lost deliveries in percent.
func lossShare(r *Result) (float64, bool) {
	return 100 * float64(r.Lost) / max(float64(r.Expected), 1), r.Accounted && r.Expected > 0
}

// openRate returns how many connections opened per second.
func openRate(r *Result) (float64, bool) {
	c := &r.Connections
	return float64(c.Opened-min(c.Reconnected, c.Opened)) / c.RampSeconds, c.RampSeconds > 0
}

// cpuOf returns the cores that all generators used.
func cpuOf(r *Result) (cores float64, ok bool) {
	for i := range r.Machines {
		cores += r.Machines[i].CPU
	}
	return cores, len(r.Machines) > 0
}

// memoryOf returns the memory of all generators in bytes.
func memoryOf(r *Result) (bytes float64, ok bool) {
	for i := range r.Machines {
		bytes += float64(r.Machines[i].Memory)
	}
	return bytes, bytes > 0
}

// text returns a value of m for a person.
func (m *Metric) text(x float64) string {
	switch m.Unit {
	case "µs":
		return format.Duration(fromMicros(x))
	case "/s":
		return format.Rate(x)
	case "%":
		return threeDigits(x, x == 0) + " %"
	case "cores":
		return strconv.FormatFloat(x, 'f', 2, 64)
	case "bytes":
		return format.Bytes(uint64(max(x, 0)))
	}
	return threeDigits(x, x == float64(int64(x)))
}

// changeText returns the change for a person: +3.1 %.
func (m *Metric) changeText() string {
	if m.Change == nil {
		return "was 0"
	}
	return signedPercent(*m.Change)
}

// signedPercent returns x percent with a sign and one digit after the point.
func signedPercent(x float64) string {
	s := strconv.FormatFloat(x, 'f', 1, 64)
	switch {
	case s == "0.0" || s == "-0.0":
		return "0.0 %"
	case x > 0:
		s = "+" + s
	}
	return s + " %"
}

// trendText returns the trend for a person.
func (m *Metric) trendText() string {
	text := m.Trend
	if text == Same {
		text = "no change"
	}
	if m.P != nil {
		text += " (p=" + strconv.FormatFloat(*m.P, 'f', 3, 64) + ")"
	}
	return text
}

// shown reports whether m is worth a row for a person: a count that is 0 in all runs is not.
func (m *Metric) shown() bool {
	return m.Unit != "" || slices.Max(slices.Concat(m.Base, m.New)) > 0
}

// summaryText returns the trend of all metrics for a person.
func (c *Comparison) summaryText() string {
	var all []string
	for _, trend := range []string{Worse, Better} {
		if names := c.withTrend(trend); len(names) > 0 {
			all = append(all, trend+": "+strings.Join(names, ", "))
		}
	}
	switch {
	case len(all) > 0:
		return strings.Join(all, "; ")
	case c.Summary == Same:
		return fmt.Sprintf("no change beyond noise (p above %g)", c.Alpha)
	}
	return "unknown: " + c.Notes[0].Text
}
