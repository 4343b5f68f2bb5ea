package bench

import (
	"strings"
	"time"

	"mqtt/internal/format"
)

// tile is one of the most important numbers of a report.
type tile struct {
	name, value, more string
	class             string // good, bad, warn or empty
	about             string // what the number is; may be empty
}

// tiles appends the most important numbers, and what the words for times mean.
func (p *page) tiles(r *Result) {
	p.Raw("<section class=\"tiles\">\n")
	for _, t := range tiles(r) {
		p.Raw(`<div class="tile `, t.class, `"`)
		if t.about != "" {
			p.Tip(t.about)
		}
		p.Raw(">")
		p.Tag("span", "name", t.name)
		p.Tag("strong", "", t.value)
		p.Tag("span", "more", t.more)
		p.Raw("</div>\n")
	}
	p.Raw("</section>\n")
	var parts []timing
	for _, t := range timings(r) {
		if t.hist.Count() > 0 && t.name != "connect" {
			parts = append(parts, t)
		}
	}
	if len(parts) == 0 {
		return
	}
	p.Raw("<p class=\"legend\">")
	for i, t := range parts {
		if i > 0 {
			p.Text(" · ")
		}
		p.Tag("b", "of-"+t.name, t.name) // in the color of its curve
		p.Text(" " + t.about)
	}
	p.Raw("</p>\n")
}

// judged returns the class of a tile by the verdicts about its metrics, and otherwise the class that
// is given.
func (r *Result) judged(class string, metrics ...string) string {
	for i := range r.Verdicts {
		v := &r.Verdicts[i]
		name, _ := strings.CutSuffix(v.Metric, inPercent)
		for _, m := range metrics {
			switch {
			case name != m:
			case v.Failed:
				return "bad"
			case class == "" || class == "warn":
				class = "good"
			}
		}
	}
	return class
}

// classIf returns a class if on is set.
func classIf(on bool, class string) string {
	if on {
		return class
	}
	return ""
}

// tiles returns the most important numbers of r.
func tiles(r *Result) []tile {
	if r.Kind == KindConnections {
		return connectionTiles(r)
	}
	sent := tile{name: "sent", value: format.Rate(r.SendRate), more: format.Count(r.Sent) + " messages",
		class: r.judged("", "sent", "send.rate", "send_rate")}
	received := tile{name: "received", value: format.Rate(r.ReceiveRate), more: format.Count(r.Received) + " of " + format.Count(r.Expected),
		class: r.judged("", "received", "receive.rate", "receive_rate")}
	if r.Config.Subscribers > 0 {
		received.class = r.judged(received.class, "rate")
	} else {
		sent.class = r.judged(sent.class, "rate")
	}
	all := []tile{sent}
	if r.Received+r.Expected > 0 {
		all = append(all, received)
	} else if r.Acknowledged > 0 {
		all = append(all, tile{name: "acknowledged", value: format.Count(r.Acknowledged), more: "of " + format.Count(r.Sent) + " sent",
			class: r.judged("", "acknowledged")})
	}
	all = append(all, latencyTiles(r)...)
	if r.Accounted && (r.Config.Subscribers > 0 || r.Expected > 0) {
		more := "of " + format.Count(r.Expected)
		if r.Lost > 0 {
			more = format.Percent(r.Lost, r.Expected) + " " + more
			if r.Legal.Loss {
				more += ", legal at this QoS"
			}
		}
		class := classIf(r.Lost > 0, "bad")
		if r.Legal.Loss {
			class = classIf(r.Lost > 0, "warn")
		}
		all = append(all, tile{name: "lost", value: format.Count(r.Lost), more: more, class: r.judged(class, "loss", "lost")})
	}
	return append(all, errorTile(r))
}

// latencyTiles returns the tiles of the latency, or of the acknowledgements if there is none.
func latencyTiles(r *Result) []tile {
	t := timings(r)[0]
	if t.hist.Count() == 0 && r.Ack.Count() > 0 {
		t = timing{name: "ack", about: "from the intended send to the acknowledgement", hist: r.Ack}
	}
	h := t.hist
	if h.Count() == 0 {
		return nil
	}
	is := func(names ...string) (metrics []string) {
		for _, n := range names {
			metrics = append(metrics, t.name+"."+n)
		}
		if t.name == "latency" {
			metrics = append(metrics, names...)
		}
		return metrics
	}
	about := "The " + t.name + " is the time " + t.about + "."
	return []tile{
		{t.name + " p50", t.text(h.At(50)), "mean " + t.text(h.Mean()), r.judged("", is("p50", "mean", "min")...), "Half of the messages took at most that long. " + about},
		{t.name + " p99", t.text(h.At(99)), "max " + t.text(h.Max()), r.judged("", is("p90", "p95", "p99", "p99.9", "p999", "p99.99", "p9999", "max")...), "99 % of the messages took at most that long. " + about},
	}
}

// errorTile returns the tile of the errors.
func errorTile(r *Result) tile {
	c := &r.Connections
	more := format.Count(c.Lost) + plural(int(c.Lost), " connection") + " lost"
	if c.Cut > 0 {
		more += ", " + format.Count(c.Cut) + " cut on purpose"
	}
	return tile{name: "errors", value: format.Count(r.Errors), more: more, class: r.judged(classIf(r.Errors > 0, "bad"), "errors")}
}

// connectionTiles returns the most important numbers of a run of connections.
func connectionTiles(r *Result) []tile {
	c := &r.Connections
	more := format.Count(c.Lost) + " lost later"
	if c.Cut > 0 {
		more += ", " + format.Count(c.Cut) + " cut on purpose"
	}
	return []tile{
		{name: "open at once", value: format.Count(c.Peak), more: "of " + format.Count(c.Wanted) + " wanted"},
		{name: "connect p50", value: format.Duration(r.Connect.At(50)), more: "mean " + format.Duration(r.Connect.Mean()),
			class: r.judged("", "connect.p50", "connect.mean", "connect.min")},
		{name: "connect p99", value: format.Duration(r.Connect.At(99)), more: "max " + format.Duration(r.Connect.Max()),
			class: r.judged("", "connect.p90", "connect.p95", "connect.p99", "connect.p99.9", "connect.p999", "connect.max")},
		{name: "all open after", value: format.Duration(time.Duration(c.RampSeconds * 1e9)), more: format.Count(c.Opened) + " opened"},
		{name: "failed", value: format.Count(c.Failed), more: more, class: classIf(c.Failed+c.Lost > 0, "bad")},
		{name: "errors", value: format.Count(r.Errors), class: r.judged(classIf(r.Errors > 0, "bad"), "errors")},
	}
}
