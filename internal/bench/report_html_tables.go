package bench

import (
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"mqtt/internal/format"
)

// verdicts appends the table of thresholds.
func (p *page) verdicts(r *Result) {
	if len(r.Verdicts) == 0 {
		return
	}
	p.Table("Thresholds", true, "verdict", "--fail-if")
	for i := range r.Verdicts {
		v := &r.Verdicts[i]
		p.verdict(v.String(), v.Expression, v.Failed)
	}
	p.EndTable()
}

// verdict appends a row of the table of thresholds.
func (p *page) verdict(text, expression string, failed bool) {
	class := "passed"
	if failed {
		class = "failed"
	}
	p.Raw("<tr>")
	p.Tag("td", class, text)
	p.Raw("<td>")
	p.Tag("code", "", expression)
	p.Raw("</td></tr>\n")
}

// notes appends the notes and the table of errors.
func (p *page) notes(r *Result) {
	p.noteList(r.Notes)
	if len(r.ErrorKinds) > 0 {
		p.Table("Errors", true, "kind", "count", "the first one")
		for _, k := range r.ErrorKinds {
			p.Row(k.Kind, format.Count(k.Count), k.Text)
		}
		p.EndTable()
	}
}

// noteList appends notes.
func (p *page) noteList(notes []Note) {
	if len(notes) > 0 {
		p.Raw("<section class=\"notes\">\n")
		p.Tag("h2", "", "Warnings")
		p.Raw("<ul>\n")
		for _, n := range notes {
			p.Raw("<li>")
			p.Tag("b", "", aboutText(n.About))
			p.Raw("<span>")
			p.Text(sentence(n.Text))
			if n.Remedy != "" {
				p.Raw("<br>")
				p.Tag("em", "", "→ "+n.Remedy)
			}
			p.Raw("</span></li>\n")
		}
		p.Raw("</ul>\n</section>\n")
	}
}

// aboutText returns the subject of a note for a person who does not know the words of this tool.
func aboutText(about string) string {
	switch about {
	case "generator":
		return "load generator"
	case "drain":
		return "end of the run"
	}
	return about
}

// sentence returns s with a capital letter and a full stop, unless it has punctuation at its end.
func sentence(s string) string {
	first, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	s = string(unicode.ToUpper(first)) + s[n:]
	if last := s[len(s)-1]; last == '.' || last == '?' || last == '!' || last == '\n' {
		return s
	}
	return s + "."
}

// tables appends the tables of numbers.
func (p *page) tables(r *Result) {
	p.times(r)
	p.Raw("<div class=\"pair\">\n")
	p.counts(r)
	p.Raw("<div>\n")
	p.connectionCounts(r)
	p.machines(r)
	p.Raw("</div>\n</div>\n")
	p.clock(r)
}

// times appends the percentiles of all histograms.
func (p *page) times(r *Result) {
	none := true
	for _, t := range timings(r) {
		none = none && t.hist.Count() == 0
	}
	if none {
		return
	}
	p.Table("Times", false, "", "count", "min", "mean", "p50", "p90", "p99", "p99.9", "p99.99", "max")
	row := func(t timing) {
		h := t.hist
		if h.Count() == 0 {
			return
		}
		rare := func(percent float64) string {
			if !significant(h, percent) {
				return "–"
			}
			return t.text(h.At(percent))
		}
		p.Row(t.name, format.Count(uint64(h.Count())), t.text(h.Min()), t.text(h.Mean()), t.text(h.At(50)), t.text(h.At(90)),
			t.text(h.At(99)), rare(99.9), rare(99.99), t.text(h.Max()))
	}
	for _, t := range timings(r) {
		row(t)
	}
	for _, ph := range r.Phases {
		row(timing{name: ph.Name, hist: ph.Took})
	}
	p.EndTable()
}

// counts appends the counts of messages.
func (p *page) counts(r *Result) {
	if r.Kind == KindConnections && r.Sent+r.Received == 0 {
		return
	}
	p.Table("Messages", false, "", "count", "")
	p.Row("sent", format.Count(r.Sent), format.Rate(r.SendRate))
	if r.Config.QoS > 0 {
		p.Row("acknowledged", format.Count(r.Acknowledged), format.Percent(r.Acknowledged, r.Sent))
	}
	if r.Expected+r.Received > 0 {
		p.Row("expected", format.Count(r.Expected), "")
		p.Row("received", format.Count(r.Received), format.Rate(r.ReceiveRate))
	}
	if r.Accounted {
		p.Row("lost", format.Count(r.Lost), shareAllowed(r.Lost, r.Expected, r.Legal.Loss, r.SessionsLost))
		p.Row("duplicated", format.Count(r.Duplicated), shareAllowed(r.Duplicated, r.Expected, r.Legal.Duplicate, 0))
		p.Row("reordered", format.Count(r.Reordered), shareAllowed(r.Reordered, r.Expected, r.Legal.Reorder, 0))
	} else {
		p.Row("lost, duplicated, reordered", "", "not accounted")
	}
	if r.Foreign > 0 {
		p.Row("not of this run", format.Count(r.Foreign), "")
	}
	p.Row("payload sent", format.Bytes(r.BytesSent), "")
	p.Row("payload received", format.Bytes(r.BytesReceived), "")
	if d := r.Drained; d.Seconds > 0 {
		how := "complete"
		if !d.Complete {
			how = "given up"
		}
		p.Row("wait for the rest", format.Duration(time.Duration(d.Seconds*1e9)), how)
	}
	p.EndTable()
}

// shareAllowed returns the share of n, and whether the QoS allows it or lost sessions explain it.
func shareAllowed(n, all uint64, legal bool, sessionsLost uint64) string {
	switch {
	case n == 0:
		return ""
	case legal:
		return format.Percent(n, all) + ", legal at this QoS"
	case sessionsLost > 0:
		return format.Percent(n, all) + ", " + missingText(0, sessionsLost)
	}
	return format.Percent(n, all) + ", against the standard"
}

// connectionCounts appends the counts of connections.
func (p *page) connectionCounts(r *Result) {
	c := &r.Connections
	p.Table("Connections", false, "", "count")
	p.Row("wanted", format.Count(c.Wanted))
	p.Row("opened", format.Count(c.Opened))
	p.Row("open at once", format.Count(c.Peak))
	for _, f := range [...]struct {
		name string
		n    uint64
	}{{"failed", c.Failed}, {"lost", c.Lost}, {"cut on purpose", c.Cut}, {"reconnected", c.Reconnected}} {
		if f.n > 0 {
			p.Row(f.name, format.Count(f.n))
		}
	}
	if c.RampSeconds > 0 {
		p.Row("all open after", format.Duration(time.Duration(c.RampSeconds*1e9)))
	}
	p.EndTable()
}

// machines appends the machines that measured.
func (p *page) machines(r *Result) {
	if len(r.Machines) == 0 {
		return
	}
	p.Table("Load generators", false, "", "cores busy", "GC pause", "memory")
	for _, m := range r.Machines {
		name := m.OS + "/" + m.Arch
		if m.Host != "" {
			name = m.Host + ", " + name
		}
		if m.Go != "" {
			name += ", " + m.Go
		}
		p.Row(name, strconv.FormatFloat(m.CPU, 'f', 2, 64)+" of "+strconv.Itoa(m.CPUs), format.Duration(fromMicros(m.GC)), format.Bytes(m.Memory))
	}
	p.EndTable()
}

// clock appends how times between machines were compared.
func (p *page) clock(r *Result) {
	switch r.Clock.Mode {
	case "":
	case Estimated:
		p.Tag("p", "clock", "Clocks: "+r.Clock.Mode+"; the publishers' is off by "+format.Duration(fromMicros(r.Clock.Offset))+", within "+
			format.Duration(fromMicros(r.Clock.Error))+" either way.")
	default:
		p.Tag("p", "clock", "Clocks: "+r.Clock.Mode+".")
	}
}
