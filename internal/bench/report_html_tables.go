package bench

import (
	"strconv"
	"time"

	"mqtt/internal/format"
)

// head opens a table. The first column is of text; so are all if words is true.
func (p *page) head(name string, words bool, columns ...string) {
	p.raw("<section>\n")
	p.tag("h2", "", name)
	class := "numbers"
	if words {
		class = "words"
	}
	p.raw(`<div class="scroll"><table class="`, class, "\">\n<thead><tr>")
	for _, c := range columns {
		p.tag("th", "", c)
	}
	p.raw("</tr></thead>\n<tbody>\n")
}

func (p *page) row(cells ...string) {
	p.raw("<tr>")
	for _, c := range cells {
		p.tag("td", "", c)
	}
	p.raw("</tr>\n")
}

func (p *page) foot() { p.raw("</tbody></table></div>\n</section>\n") }

func (p *page) verdicts(r *Result) {
	if len(r.Verdicts) == 0 {
		return
	}
	p.head("Thresholds", true, "", "fails if", "measured", "limit")
	for i := range r.Verdicts {
		v := &r.Verdicts[i]
		p.raw("<tr>")
		if v.Failed {
			p.tag("td", "failed", "✗ failed")
		} else {
			p.tag("td", "held", "✓ held")
		}
		p.raw("<td>")
		p.tag("code", "", v.Expression)
		p.raw("</td>")
		if v.Reason != "" {
			p.tag("td", "", v.Reason)
		} else {
			p.tag("td", "", v.amount(v.Value))
		}
		p.tag("td", "", v.amount(v.Limit))
		p.raw("</tr>\n")
	}
	p.foot()
}

// notes writes what a reader must know, and the errors.
func (p *page) notes(r *Result) {
	if len(r.Notes) > 0 {
		p.raw("<section class=\"notes\">\n")
		p.tag("h2", "", "Before you believe the figures")
		p.raw("<ul>\n")
		for _, n := range r.Notes {
			p.raw("<li>")
			p.tag("b", "", n.About)
			p.raw("<span>")
			p.text(n.Text)
			if n.Remedy != "" {
				p.raw("<br>")
				p.tag("em", "", "→ "+n.Remedy)
			}
			p.raw("</span></li>\n")
		}
		p.raw("</ul>\n</section>\n")
	}
	if len(r.ErrorKinds) > 0 {
		p.head("Errors", true, "kind", "count", "the first one")
		for _, k := range r.ErrorKinds {
			p.row(k.Kind, format.Count(k.Count), k.Text)
		}
		p.foot()
	}
}

func (p *page) tables(r *Result) {
	p.times(r)
	p.raw("<div class=\"pair\">\n")
	p.counts(r)
	p.raw("<div>\n")
	p.connectionCounts(r)
	p.machines(r)
	p.raw("</div>\n</div>\n")
	p.clock(r)
}

func (p *page) times(r *Result) {
	none := true
	for _, t := range measured(r) {
		none = none && t.h.Count() == 0
	}
	if none {
		return
	}
	p.head("Times", false, "", "count", "min", "mean", "p50", "p90", "p99", "p99.9", "p99.99", "max")
	row := func(name string, h *Histogram) {
		if h.Count() == 0 {
			return
		}
		rare := func(percent float64) string {
			if !bears(h, percent) {
				return "–"
			}
			return format.Duration(h.At(percent))
		}
		p.row(name, format.Count(uint64(h.Count())), format.Duration(h.Min()), format.Duration(h.Mean()), format.Duration(h.At(50)),
			format.Duration(h.At(90)), format.Duration(h.At(99)), rare(99.9), rare(99.99), format.Duration(h.Max()))
	}
	for _, t := range measured(r) {
		row(t.name, t.h)
	}
	for _, ph := range r.Phases {
		row(ph.Name, ph.Took)
	}
	p.foot()
}

func (p *page) counts(r *Result) {
	if r.Kind == KindConnections && r.Sent+r.Received == 0 {
		return
	}
	p.head("Messages", false, "", "count", "")
	rate := func(x float64) string { return format.Rate(x) }
	p.row("sent", format.Count(r.Sent), rate(r.SendRate))
	if r.Config.QoS > 0 {
		p.row("acknowledged", format.Count(r.Acknowledged), format.Percent(r.Acknowledged, r.Sent))
	}
	if r.Expected+r.Received > 0 {
		p.row("expected", format.Count(r.Expected), "")
		p.row("received", format.Count(r.Received), rate(r.ReceiveRate))
	}
	if r.Accounted {
		p.row("lost", format.Count(r.Lost), judged(r.Lost, r.Expected, r.Legal.Loss))
		p.row("duplicated", format.Count(r.Duplicated), judged(r.Duplicated, r.Expected, r.Legal.Duplicate))
		p.row("reordered", format.Count(r.Reordered), judged(r.Reordered, r.Expected, r.Legal.Reorder))
	} else {
		p.row("lost, duplicated, reordered", "", "not accounted")
	}
	if r.Foreign > 0 {
		p.row("not of this run", format.Count(r.Foreign), "")
	}
	p.row("payload sent", format.Bytes(r.BytesSent), "")
	p.row("payload received", format.Bytes(r.BytesReceived), "")
	if d := r.Drained; d.Seconds > 0 {
		how := "complete"
		if !d.Complete {
			how = "given up"
		}
		p.row("drain", format.Duration(time.Duration(d.Seconds*1e9)), how)
	}
	p.foot()
}

// judged says how much n is, and whether the QoS allows it.
func judged(n, all uint64, legal bool) string {
	switch {
	case n == 0:
		return ""
	case legal:
		return format.Percent(n, all) + ", legal at this QoS"
	}
	return format.Percent(n, all) + ", against the standard"
}

func (p *page) connectionCounts(r *Result) {
	c := &r.Connections
	p.head("Connections", false, "", "count")
	p.row("wanted", format.Count(c.Wanted))
	p.row("opened", format.Count(c.Opened))
	p.row("open at once", format.Count(c.Peak))
	for _, f := range [...]struct {
		name string
		n    uint64
	}{{"failed", c.Failed}, {"lost", c.Lost}, {"cut on purpose", c.Cut}, {"reconnected", c.Reconnected}} {
		if f.n > 0 {
			p.row(f.name, format.Count(f.n))
		}
	}
	if c.RampSeconds > 0 {
		p.row("all open after", format.Duration(time.Duration(c.RampSeconds*1e9)))
	}
	p.foot()
}

func (p *page) machines(r *Result) {
	if len(r.Machines) == 0 {
		return
	}
	p.head("Generators", false, "", "cores busy", "GC stop", "memory")
	for _, m := range r.Machines {
		name := m.OS + "/" + m.Arch
		if m.Go != "" {
			name += ", " + m.Go
		}
		p.row(name, strconv.FormatFloat(m.CPU, 'f', 2, 64)+" of "+strconv.Itoa(m.CPUs), format.Duration(micros(m.GC)), format.Bytes(m.Memory))
	}
	p.foot()
}

// clock says what times between machines rest on.
func (p *page) clock(r *Result) {
	switch r.Clock.Mode {
	case "":
	case "estimated":
		p.tag("p", "clock", "Clocks: "+r.Clock.Mode+"; the publishers' is off by "+format.Duration(micros(r.Clock.Offset))+", within "+
			format.Duration(micros(r.Clock.Error))+" either way.")
	default:
		p.tag("p", "clock", "Clocks: "+r.Clock.Mode+".")
	}
}
