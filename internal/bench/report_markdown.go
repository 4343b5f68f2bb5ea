package bench

import (
	"io"
	"strings"
	"time"

	"mqtt/internal/format"
)

// Markdown writes r as Markdown, for the summary of a job or a comment in a review.
func Markdown(w io.Writer, r *Result) error {
	var b strings.Builder
	m := markdown{&b}
	m.write("## ", inMarkdown(titleOf(r)), "\n\n", inMarkdown(aboutOf(r)), "\n")
	if len(r.Verdicts) > 0 {
		m.table("Verdict", "Threshold")
		for i := range r.Verdicts {
			v := &r.Verdicts[i]
			word := "PASS"
			if v.Failed {
				word = "**FAIL**"
			}
			text := strings.TrimPrefix(strings.TrimPrefix(v.String(), "PASS "), "FAIL ")
			m.write("| ", word, " | ", inMarkdown(text), " |\n")
		}
	}
	m.table("", "", "")
	for _, t := range tiles(r) {
		m.row(t.name, t.value, t.more)
	}
	m.times(r)
	if len(r.Notes)+len(r.ErrorKinds) > 0 {
		m.write("\n")
	}
	for _, k := range r.ErrorKinds {
		m.write("- ", format.Count(k.Count), plural(int(k.Count), " error"), ", ", inMarkdown(k.Kind+": "+k.Text), "\n")
	}
	for _, n := range r.Notes {
		text := n.About + ": " + n.Text
		if n.Remedy != "" {
			text += " (" + n.Remedy + ")"
		}
		m.write("- ", inMarkdown(text), "\n")
	}
	m.write("\n<details><summary>Settings</summary>\n")
	m.table("", "")
	for _, f := range append(settings(r), measured(r)...) {
		m.row(f.Name, f.Value)
	}
	m.write("\n</details>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// markdown is a report that is being written.
type markdown struct{ b *strings.Builder }

// write appends Markdown.
func (m markdown) write(parts ...string) {
	for _, s := range parts {
		m.b.WriteString(s)
	}
}

// table begins a table.
func (m markdown) table(columns ...string) {
	m.write("\n| ", strings.Join(columns, " | "), " |\n|", strings.Repeat(" --- |", len(columns)), "\n")
}

// row appends a row of text.
func (m markdown) row(cells ...string) {
	for i, c := range cells {
		cells[i] = inMarkdown(c)
	}
	m.write("| ", strings.Join(cells, " | "), " |\n")
}

// times appends the percentiles of all histograms.
func (m markdown) times(r *Result) {
	first := true
	for _, t := range timings(r) {
		h := t.hist
		if h.Count() == 0 {
			continue
		}
		if first {
			m.table("", "p50", "p90", "p99", "max", "count")
			first = false
		}
		var cells []string
		for _, d := range []time.Duration{h.At(50), h.At(90), h.At(99), h.Max()} {
			cells = append(cells, t.text(d))
		}
		m.row(append(append([]string{t.name}, cells...), format.Count(uint64(h.Count())))...)
	}
}

// inMarkdown returns s as text on one line of Markdown, with everything escaped that could be
// markup, and control characters made visible.
func inMarkdown(s string) string {
	s = string(format.VisibleLine(nil, []byte(s)))
	var b strings.Builder
	for _, c := range s {
		switch {
		case c == '<':
			b.WriteString("&lt;")
			continue
		case c == '&':
			b.WriteString("&amp;")
			continue
		case strings.ContainsRune("\\`*_[]|~>", c):
			b.WriteByte('\\')
		}
		b.WriteRune(c)
	}
	return b.String()
}
