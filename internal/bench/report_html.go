package bench

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"mqtt/internal/format"
	"mqtt/internal/report"
)

//go:embed report_html.css
var chartStyle string

// HTML writes r as a single HTML page without references to anything outside. The page has the
// raw result in it.
func HTML(w io.Writer, r *Result) error {
	title := titleOf(r)
	if r.Title == "" && r.Config.Server != "" {
		title += ": " + r.Config.Server
	}
	raw, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode result: %w", err)
	}
	p := page{report.NewPage(title, chartStyle)}
	p.header(r)
	p.verdicts(r)
	p.tiles(r)
	p.notes(r)
	p.drawings(r)
	p.tables(r)
	p.Download("mqtt-bench.json", "Save the raw result (JSON)", raw)
	return p.End(w, "Latency counts from the intended send time, so a message that a stall delays is late, not missing. "+
		"Percentiles are of all messages together, never a mean of percentiles.")
}

// titleOf returns the title of the report.
func titleOf(r *Result) string {
	if r.Title != "" {
		return r.Title
	}
	return "mqtt bench"
}

// aboutOf returns what was run, when and for how long.
func aboutOf(r *Result) string {
	text := "messages from publishers to subscribers"
	if r.Kind == KindConnections {
		text = "connections, opened and held"
	}
	if !r.Started.IsZero() {
		text += " · " + r.Started.UTC().Format("2 January 2006, 15:04:05 MST")
	}
	return text + " · measured for " + format.Duration(time.Duration(r.Seconds*1e9))
}

// maxCommands is the largest number of command lines in a report.
const maxCommands = 8

// header appends what was run, when, where and with which settings, and the number of thresholds
// that failed.
func (p *page) header(r *Result) {
	failed, n := 0, len(r.Verdicts)
	for i := range r.Verdicts {
		if r.Verdicts[i].Failed {
			failed++
		}
	}
	p.Title(titleOf(r), aboutOf(r), badge(failed, n), failed == 0)
	var commands []string
	for _, m := range r.Machines {
		if m.Command != "" && len(commands) < maxCommands && !slices.Contains(commands, m.Command) {
			commands = append(commands, m.Command)
		}
	}
	p.Commands(commands...)
	p.Facts(settings(r))
	if facts := measured(r); len(facts) > 0 {
		p.Facts(facts)
	}
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
		p.figure("Rate", rateText(r), p.rates, r)
	}
	if len(r.Series.Points) > 0 && (!messages || c.Lost+c.Cut > 0) {
		p.figure("Connections", "Open at the end of each step.", p.connections, r)
	}
	if timed {
		p.figure("Latency over time", latencyText(r), p.latencies, r)
		p.figure("Heat map", "How many messages had which latency, when. Logarithmic color scale, so that single slow messages stay visible.", p.heat, r)
	}
	if r.Latency.Count()+r.Service.Count()+r.Lag.Count()+r.Ack.Count() > 0 {
		p.figure("Distribution", "The whole run by percentile, both axes logarithmic.", p.spread, r)
	}
	if messages && r.Latency.Count() == 0 {
		p.Tag("p", "empty", noLatency(r))
	}
	if r.Connect.Count() > 0 {
		p.figure("Connecting", "The steps of a connection: the thin line from the least to the most, the bar from p50 to p99.", p.phases, r)
	}
}

// rateText describes the drawing of the rates.
func rateText(r *Result) string {
	text := "Messages per second."
	most, known := r.lossOverTime()
	var bars []string
	if most > 0 {
		bars = append(bars, "lost messages, at the time they were due")
	}
	if r.Errors > 0 {
		bars = append(bars, "errors")
	}
	if len(bars) > 0 {
		text += " Bars below: " + strings.Join(bars, "; ") + "."
	}
	if r.Lost > 0 && !known {
		text += " It is not known when the lost messages were due."
	}
	return text
}

// latencyText describes the drawing of the latency over time.
func latencyText(r *Result) string {
	text := "Percentiles of each step, on a logarithmic axis. Where the lines stop, nothing was received."
	if len(limits(r)) > 0 {
		text += " Dashed: thresholds, which are for the whole run."
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
