package bench

import (
	"crypto/sha256"
	_ "embed" // the style and the script stand in files of their own
	"encoding/base64"
	"io"
	"time"

	"mqtt/internal/format"
)

//go:embed report_html.css
var htmlStyle string

//go:embed report_html.js
var htmlScript string

// HTML writes r as one page without references to anything outside. Its policy lets
// a browser run the one script that is in it, and load nothing.
func HTML(w io.Writer, r *Result) error {
	var p page
	title := "mqtt bench"
	if r.Config.Server != "" {
		title += ": " + r.Config.Server
	}
	p.raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
		`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src '`, digest(htmlStyle),
		`'; script-src '`, digest(htmlScript), "'\">\n",
		`<meta name="viewport" content="width=device-width, initial-scale=1">`, "\n",
		`<meta name="color-scheme" content="light dark">`, "\n")
	p.tag("title", "", title)
	p.raw("\n<style>", htmlStyle, "</style>\n</head>\n<body>\n<main>\n")
	p.header(r)
	p.verdicts(r)
	p.tiles(r)
	p.notes(r)
	p.drawings(r)
	p.tables(r)
	p.raw("<footer>")
	p.text("Latency counts from the intended send time, so what a stall holds back is late, not missing. ")
	p.text("Percentiles are of all messages together, never a mean of percentiles.")
	p.raw("</footer>\n</main>\n<script>", htmlScript, "</script>\n</body>\n</html>\n")
	_, err := w.Write(p.b)
	return err
}

// digest names a text in a content security policy.
func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// header says what was run, when, and how it was asked for.
func (p *page) header(r *Result) {
	p.raw("<header>\n<div class=\"title\">\n")
	p.tag("h1", "", "mqtt bench")
	what := "messages from publishers to subscribers"
	if r.Kind == KindConnections {
		what = "connections, opened and held"
	}
	if !r.Started.IsZero() {
		what += " · " + r.Started.UTC().Format("2 January 2006, 15:04:05 MST")
	}
	p.tag("p", "sub", what+" · measured for "+format.Duration(time.Duration(r.Seconds*1e9)))
	p.raw("\n</div>\n")
	if n := len(r.Verdicts); n > 0 {
		failed := 0
		for i := range r.Verdicts {
			if r.Verdicts[i].Failed {
				failed++
			}
		}
		switch {
		case failed == 0 && n == 1:
			p.tag("p", "badge held", "✓ the threshold held")
		case failed == 0:
			p.tag("p", "badge held", "✓ all "+format.Count(uint64(n))+" thresholds held")
		default:
			p.tag("p", "badge failed", "✗ "+format.Count(uint64(failed))+" of "+format.Count(uint64(n))+plural(n, " threshold")+" failed")
		}
	}
	p.raw("\n</header>\n<dl class=\"config\">\n")
	for _, f := range echoed(r) {
		p.raw("<div>")
		p.tag("dt", "", f.name)
		p.tag("dd", "", f.value)
		p.raw("</div>\n")
	}
	p.raw("</dl>\n")
}

func plural(n int, s string) string {
	if n == 1 {
		return s
	}
	return s + "s"
}

// tile is a figure that a reader looks for first.
type tile struct{ name, value, more, class string }

func (p *page) tiles(r *Result) {
	p.raw("<section class=\"tiles\">\n")
	for _, t := range tiles(r) {
		p.raw(`<div class="tile `, t.class, `">`)
		p.tag("span", "name", t.name)
		p.tag("strong", "", t.value)
		p.tag("span", "more", t.more)
		p.raw("</div>\n")
	}
	p.raw("</section>\n")
}

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
	h, name := r.Latency, "latency"
	if h.Count() == 0 && r.Ack.Count() > 0 {
		h, name = r.Ack, "ack"
	}
	if h.Count() > 0 {
		all = append(all,
			tile{name + " p50", format.Duration(h.At(50)), "mean " + format.Duration(h.Mean()), ""},
			tile{name + " p99", format.Duration(h.At(99)), "max " + format.Duration(h.Max()), ""})
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

func alarm(on bool) string {
	if on {
		return "alarm"
	}
	return ""
}

// figure frames one drawing with its name and what it shows.
func (p *page) figure(name, about string, draw func(*Result), r *Result) {
	p.raw("<figure>\n<figcaption>")
	p.tag("h2", "", name)
	p.tag("p", "", about)
	p.raw("</figcaption>\n<div class=\"plot\">\n")
	draw(r)
	p.raw("</div>\n</figure>\n")
}

// drawings writes those that r has something for.
func (p *page) drawings(r *Result) {
	messages := r.Kind != KindConnections
	c := &r.Connections
	timed := false
	for i := range r.Series.Points {
		timed = timed || r.Series.Points[i].Latency.Count() > 0
	}
	if messages && len(r.Series.Points) > 0 && r.Sent+r.Received > 0 {
		p.figure("Rate", "Messages a second. A red dot on the base marks a step with errors.", p.rates, r)
	}
	if len(r.Series.Points) > 0 && (!messages || c.Lost+c.Cut > 0) {
		p.figure("Connections", "Open at the end of each step. A red dot on the base marks a step with errors.", p.connections, r)
	}
	if timed {
		p.figure("Latency over time", "Percentiles of each step, on a logarithmic axis. Where the lines stop, nothing was received.", p.latencies, r)
		p.figure("Heat map", "How many messages had which latency, when. A colour is a logarithm: single late messages are seen.", p.heat, r)
	}
	if r.Latency.Count()+r.Service.Count()+r.Lag.Count()+r.Ack.Count() > 0 {
		p.figure("Distribution", spreadText(r), p.spread, r)
	}
	if messages && r.Latency.Count() == 0 {
		p.tag("p", "empty", noLatency(r))
	}
	if r.Connect.Count() > 0 {
		p.figure("Connecting", "The steps of a connection: the thin line from the least to the most, the bar from p50 to p99.", p.phases, r)
	}
}

// spreadText explains the curves that there are.
func spreadText(r *Result) string {
	text := "The whole run by percentile."
	for _, t := range measured(r)[:4] {
		if t.h.Count() > 0 {
			name := string(t.name[0]-'a'+'A') + t.name[1:]
			text += " " + name + ": " + t.about + "."
		}
	}
	return text
}

// noLatency says why there is none.
func noLatency(r *Result) string {
	switch {
	case r.Clock.Mode == "refused":
		return "No latency from publisher to subscriber: the clocks of the machines could not be compared."
	case r.Config.Subscribers == 0:
		return "No latency from publisher to subscriber: the run had no subscribers."
	case r.Received == 0:
		return "No latency: nothing was received."
	}
	return "No latency: the messages carried no time."
}
