package check

import (
	"fmt"
	"io"
	"strings"

	"mqtt/internal/format"
)

// View says how a report is drawn.
type View struct {
	Palette format.Palette
	Known   map[string]bool // failures that are expected, by the ID of the case
	Strict  bool
	Verbose bool // also cases that are ok, and packets of all that are not
	// Repeat returns the command that repeats a case alone.
	Repeat func(r *Result) string
}

func countsText(counts map[Verdict]int) string {
	var parts []string
	for _, v := range Verdicts {
		if n := counts[v]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, v))
		}
	}
	if parts == nil {
		return "no cases"
	}
	return strings.Join(parts, ", ")
}

// clean returns s for one line of text.
func clean(s string) string { return string(format.VisibleLine(nil, []byte(s))) }

// Text writes r for people: a line for each chapter, the verdicts that need a look with their evidence, and
// the totals.
func Text(w io.Writer, r *Report, v View) error {
	var b strings.Builder
	version := ""
	for _, s := range r.byChapter() {
		if s.Version != version {
			version = s.Version
			fmt.Fprintf(&b, "MQTT %s\n", version)
		}
		fmt.Fprintf(&b, "  %-5s %-32s %s\n", s.Chapter, s.Title, summary(s.Cases))
	}
	for i := range r.Cases {
		if k := &r.Cases[i]; v.shows(k) {
			b.WriteByte('\n')
			v.appendResult(&b, k)
		}
	}
	if fixed := v.Fixed(r); len(fixed) > 0 {
		b.WriteString("\nfixed: no longer failing, to be removed from the file of --known\n")
		for _, id := range fixed {
			fmt.Fprintf(&b, "  %s\n", id)
		}
	}
	for i, o := range r.Outages {
		if i == 0 {
			b.WriteString("\noutages\n")
		}
		fmt.Fprintf(&b, "  %s\n", clean(o.text()))
	}
	fmt.Fprintf(&b, "\n%s in %.1f s: %s\n", format.Plural(uint64(len(r.Cases)), "case"), r.Seconds, countsText(r.Summary))
	_, err := io.WriteString(w, b.String())
	return err
}

// Fixed returns the known failures that r has no longer.
func (v *View) Fixed(r *Report) (ids []string) {
	for i := range r.Cases {
		if k := &r.Cases[i]; v.Known[k.ID] && (k.Verdict == OK || k.Verdict == Choice) {
			ids = append(ids, k.ID)
		}
	}
	return ids
}

// shows reports whether a result is shown with its details.
func (v *View) shows(k *Result) bool {
	switch k.Verdict {
	case OK, Skip, Choice:
		return v.Verbose
	}
	return true
}

// appendResult appends a verdict with its evidence.
func (v *View) appendResult(b *strings.Builder, k *Result) {
	word := strings.ToUpper(string(k.Verdict))
	switch {
	case k.Verdict == Fail && v.Known[k.ID]:
		word = v.Palette.Dim("KNOWN")
	case k.Verdict == Fail:
		word = v.Palette.Error(word)
	case k.Verdict == Warn || k.Verdict == Flaky:
		word = v.Palette.Warning(word)
	default:
		word = v.Palette.Dim(word)
	}
	fmt.Fprintf(b, "%s  %s", word, k.ID)
	for _, rule := range k.Rules {
		fmt.Fprintf(b, " [%s]", rule)
	}
	fmt.Fprintf(b, "\n  %s\n", k.Title)
	if k.Expected != k.Title && k.Expected != "" {
		fmt.Fprintf(b, "  expected: %s\n", clean(k.Expected))
	}
	if k.Got != "" {
		fmt.Fprintf(b, "  got:      %s\n", clean(k.Got))
	}
	if k.Verdict == OK || k.Verdict == Skip {
		return
	}
	if v.Repeat != nil {
		fmt.Fprintf(b, "  repeat:   %s\n", v.Repeat(k))
	}
	for _, p := range k.Packets {
		fmt.Fprintf(b, "  %s\n", AppendTrace(nil, "", &p))
		if p.Hex != "" {
			fmt.Fprintf(b, "      %s\n", v.Palette.Dim(shortHex(p.Hex)))
		}
	}
}

// shortHex cuts hex for a line; the JSON result has more.
func shortHex(s string) string {
	const most = 128
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

// AppendTrace appends p as a line: the ID of its case, its connection, its direction, the time and the packet.
func AppendTrace(dst []byte, id string, p *Packet) []byte {
	arrow := "->"
	if p.Way == "out" {
		arrow = "<-"
	}
	if id != "" {
		dst = append(append(dst, id...), ' ')
	}
	return fmt.Appendf(dst, "%d %s %.3f %s", p.Connection, arrow, p.Time, clean(p.Text))
}
