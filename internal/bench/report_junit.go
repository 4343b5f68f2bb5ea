package bench

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"mqtt/internal/format"
	"mqtt/internal/report"
)

// JUnit writes r as JUnit XML, in which each threshold is a test case. The case completed
// is added if there are no thresholds or r has a Failure.
func JUnit(w io.Writer, r *Result) error {
	s := report.Suite{
		Name: "mqtt bench", Class: "mqtt.bench", Started: r.Started, Seconds: r.Seconds, Facts: append(settings(r), measured(r)...), Output: outline(r),
	}
	for i := range r.Verdicts {
		v := &r.Verdicts[i]
		c := report.Case{Name: v.Expression}
		if v.Failed {
			c.Failure = &report.Failure{Type: "threshold", Message: v.String(), Details: notesText(r)}
		}
		s.Cases = append(s.Cases, c)
	}
	switch f := r.Failure(); {
	case f != nil:
		s.Cases = append(s.Cases, report.Case{Name: "completed",
			Failure: &report.Failure{Type: "shortfall", Message: f.Error(), Details: notesText(r)}})
	case len(s.Cases) == 0:
		s.Cases = append(s.Cases, report.Case{Name: "completed"})
	}
	return report.JUnit(w, &s)
}

// number returns x with at most two digits after the point.
func number(x float64) string {
	s := strconv.FormatFloat(x, 'f', 2, 64)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// outline returns the most important results in a few lines.
func outline(r *Result) string {
	var b strings.Builder
	line := func(name, text string) { fmt.Fprintf(&b, "%-12s %s\n", name, text) }
	line("sent", format.Count(r.Sent)+", "+format.Rate(r.SendRate))
	line("received", format.Count(r.Received)+" of "+format.Count(r.Expected)+", "+format.Rate(r.ReceiveRate))
	if r.Accounted {
		line("lost", format.Count(r.Lost))
		line("duplicated", format.Count(r.Duplicated))
		line("reordered", format.Count(r.Reordered))
	}
	line("errors", format.Count(r.Errors))
	for _, t := range timings(r) {
		if h := t.hist; h.Count() > 0 {
			line(t.name, "p50 "+t.text(h.At(50))+", p99 "+t.text(h.At(99))+", max "+t.text(h.Max()))
		}
	}
	for i := range r.Verdicts {
		b.WriteString(r.Verdicts[i].String() + "\n")
	}
	return "\n" + b.String() + notesText(r)
}

// notesText returns a line for each kind of error and each note.
func notesText(r *Result) string {
	var b strings.Builder
	for _, k := range r.ErrorKinds {
		fmt.Fprintf(&b, "%s (%s): %s\n", k.Kind, format.Count(k.Count), k.Text)
	}
	for _, n := range r.Notes {
		b.WriteString(n.About + ": " + n.Text)
		if n.Remedy != "" {
			b.WriteString("; " + n.Remedy)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
