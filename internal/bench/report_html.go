package bench

import (
	_ "embed"
	"io"
	"time"

	"mqtt/internal/format"
	"mqtt/internal/report"
)

//go:embed report_html.css
var chartStyle string

// HTML writes r as a single HTML page without references to anything outside.
func HTML(w io.Writer, r *Result) error {
	title := "mqtt bench"
	if r.Config.Server != "" {
		title += ": " + r.Config.Server
	}
	p := page{report.NewPage(title, chartStyle)}
	p.header(r)
	p.verdicts(r)
	p.tiles(r)
	p.notes(r)
	p.drawings(r)
	p.tables(r)
	return p.End(w, "Latency counts from the intended send time, so what a stall holds back is late, not missing. "+
		"Percentiles are of all messages together, never a mean of percentiles.")
}

// header appends what was run, when, with which settings, and the number of thresholds
// that failed.
func (p *page) header(r *Result) {
	text := "messages from publishers to subscribers"
	if r.Kind == KindConnections {
		text = "connections, opened and held"
	}
	if !r.Started.IsZero() {
		text += " · " + r.Started.UTC().Format("2 January 2006, 15:04:05 MST")
	}
	text += " · measured for " + format.Duration(time.Duration(r.Seconds*1e9))
	failed, n := 0, len(r.Verdicts)
	for i := range r.Verdicts {
		if r.Verdicts[i].Failed {
			failed++
		}
	}
	p.Title("mqtt bench", text, badge(failed, n), failed == 0)
	p.Facts(settings(r))
}

// badge returns the text for n thresholds of which some failed.
func badge(failed, n int) string {
	switch {
	case n == 0:
		return ""
	case failed == 0 && n == 1:
		return "PASS"
	case failed == 0:
		return "PASS: all " + format.Count(uint64(n)) + " thresholds"
	}
	return "FAIL: " + format.Count(uint64(failed)) + " of " + format.Count(uint64(n)) + plural(n, " threshold")
}

// plural returns the noun s for n things.
func plural(n int, s string) string {
	if n == 1 {
		return s
	}
	return s + "s"
}

// tile is one of the numbers at the top of the page.
type tile struct{ name, value, more, class string }

// tiles appends the most important numbers.
func (p *page) tiles(r *Result) {
	p.Raw("<section class=\"tiles\">\n")
	for _, t := range tiles(r) {
		p.Raw(`<div class="tile `, t.class, `">`)
		p.Tag("span", "name", t.name)
		p.Tag("strong", "", t.value)
		p.Tag("span", "more", t.more)
		p.Raw("</div>\n")
	}
	p.Raw("</section>\n")
}

// tiles returns the most important numbers of r.
func tiles(r *Result) []tile {
	c := &r.Connections
	if r.Kind == KindConnections {
		return []tile{
			{"open at once", format.Count(c.Peak), "of " + format.Count(c.Wanted) + " wanted", ""},
			{"connect p50", format.Duration(r.Connect.At(50)), "", ""},
			{"connect p99", format.Duration(r.Connect.At(99)), "max " + format.Duration(r.Connect.Max()), ""},
			{"failed", format.Count(c.Failed), format.Count(c.Lost) + " lost later", alarm(c.Failed+c.Lost > 0)},
			{"errors", format.Count(r.Errors), "", alarm(r.Errors > 0)},
		}
	}
	all := []tile{{"sent", format.Rate(r.SendRate), format.Count(r.Sent) + " messages", ""}}
	if r.Received+r.Expected > 0 {
		all = append(all, tile{"received", format.Rate(r.ReceiveRate), format.Count(r.Received) + " of " + format.Count(r.Expected), ""})
	} else if r.Acknowledged > 0 {
		all = append(all, tile{"acknowledged", format.Count(r.Acknowledged), "of " + format.Count(r.Sent) + " sent", ""})
	}
	h, name, floor := r.Latency, "latency", r.Clock.floor()
	if h.Count() == 0 && r.Ack.Count() > 0 {
		h, name, floor = r.Ack, "ack", 0
	}
	if h.Count() > 0 {
		all = append(all,
			tile{name + " p50", timeText(h.At(50), floor), "mean " + timeText(h.Mean(), floor), ""},
			tile{name + " p99", timeText(h.At(99), floor), "max " + timeText(h.Max(), floor), ""})
	}
	if r.Accounted {
		more := "of " + format.Count(r.Expected)
		if r.Lost > 0 {
			more = format.Percent(r.Lost, r.Expected) + " " + more
			if r.Legal.Loss {
				more += ", legal at this QoS"
			}
		}
		all = append(all, tile{"lost", format.Count(r.Lost), more, alarm(r.Lost > 0 && !r.Legal.Loss)})
	}
	return append(all, tile{"errors", format.Count(r.Errors), format.Count(c.Lost) + plural(int(c.Lost), " connection") + " lost", alarm(r.Errors > 0)})
}

// alarm returns the class of a tile that shows a problem if on is true.
func alarm(on bool) string {
	if on {
		return "alarm"
	}
	return ""
}

// figure appends a drawing with its name and a description.
func (p *page) figure(name, about string, draw func(*Result), r *Result) {
	p.Raw("<figure>\n<figcaption>")
	p.Tag("h2", "", name)
	p.Tag("p", "", about)
	p.Raw("</figcaption>\n<div class=\"plot\">\n")
	draw(r)
	p.Raw("</div>\n</figure>\n")
}

// drawings appends those drawings for which r has data.
func (p *page) drawings(r *Result) {
	messages := r.Kind != KindConnections
	c := &r.Connections
	timed := false
	for i := range r.Series.Points {
		timed = timed || r.Series.Points[i].Latency.Count() > 0
	}
	if messages && len(r.Series.Points) > 0 && r.Sent+r.Received > 0 {
		p.figure("Rate", "Messages per second. A red dot on the base marks a step with errors.", p.rates, r)
	}
	if len(r.Series.Points) > 0 && (!messages || c.Lost+c.Cut > 0) {
		p.figure("Connections", "Open at the end of each step. A red dot on the base marks a step with errors.", p.connections, r)
	}
	if timed {
		p.figure("Latency over time", "Percentiles of each step, on a logarithmic axis. Where the lines stop, nothing was received.", p.latencies, r)
		p.figure("Heat map", "How many messages had which latency, when. The color is a logarithm, so that single late messages are visible.", p.heat, r)
	}
	if r.Latency.Count()+r.Service.Count()+r.Lag.Count()+r.Ack.Count() > 0 {
		p.figure("Distribution", spreadText(r), p.spread, r)
	}
	if messages && r.Latency.Count() == 0 {
		p.Tag("p", "empty", noLatency(r))
	}
	if r.Connect.Count() > 0 {
		p.figure("Connecting", "The steps of a connection: the thin line from the least to the most, the bar from p50 to p99.", p.phases, r)
	}
}

// spreadText describes the curves of the distribution.
func spreadText(r *Result) string {
	text := "The whole run by percentile."
	for _, t := range timings(r)[:4] {
		if t.hist.Count() > 0 {
			name := string(t.name[0]-'a'+'A') + t.name[1:]
			text += " " + name + ": " + t.about + "."
		}
	}
	return text
}

// noLatency returns the reason why r has no latency.
func noLatency(r *Result) string {
	switch {
	case r.Clock.Mode == Refused:
		return "No latency from publisher to subscriber: the clocks of the machines could not be compared."
	case r.Config.Subscribers == 0:
		return "No latency from publisher to subscriber: the run had no subscribers."
	case r.Received == 0:
		return "No latency: nothing was received."
	}
	return "No latency: the messages carried no time."
}
