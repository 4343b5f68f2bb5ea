package check

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"mqtt/internal/format"
	"mqtt/internal/report"
)

// JSON writes r as JSON, which Read reads.
func JSON(w io.Writer, r *Report, _ View) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(r)
}

// Read reads a result that JSON wrote.
func Read(rd io.Reader) (*Report, error) {
	r := &Report{}
	d := json.NewDecoder(rd)
	if err := d.Decode(r); err != nil {
		return nil, err
	}
	if r.Schema != Schema {
		return nil, fmt.Errorf("the schema is %q, expected %q", r.Schema, Schema)
	}
	r.count()
	return r, nil
}

// evidence returns the details of a verdict as text.
func (v *View) evidence(k *Result) string {
	var b strings.Builder
	if k.Expected != "" {
		fmt.Fprintf(&b, "expected: %s\n", clean(k.Expected))
	}
	if k.Got != "" {
		fmt.Fprintf(&b, "got: %s\n", clean(k.Got))
	}
	if v.Repeat != nil {
		fmt.Fprintf(&b, "repeat: %s\n", clean(v.Repeat(k)))
	}
	for _, p := range k.Packets {
		fmt.Fprintf(&b, "%d %s %.3f %s %s\n", p.Connection, p.Way, p.Time, clean(p.Text), shortHex(p.Hex))
	}
	return b.String()
}

// JUnit writes r as JUnit XML: a suite for each version and section. A warning passes, with its text in
// the output of its case.
func JUnit(w io.Writer, r *Report, v View) error {
	var suites []*report.Suite
	for i := range r.Cases {
		k := &r.Cases[i]
		name := k.Version + " " + k.Section
		if n := len(suites); n == 0 || suites[n-1].Name != name {
			suites = append(suites, &report.Suite{Name: name, Class: name, Started: r.Started})
		}
		s := suites[len(suites)-1]
		c := report.Case{Name: strings.TrimSpace(strings.Join(k.Rules, " ") + " " + k.Title), Seconds: k.Seconds}
		switch {
		case k.Verdict == Fail && v.Known[k.ID]:
			c.Skipped = "known failure: " + clean(k.Got)
		case k.Verdict == Fail || k.Verdict == Warn && v.Strict:
			c.Failure = &report.Failure{Type: string(k.Verdict), Message: clean(k.Got), Details: v.evidence(k)}
		case k.Verdict == Warn:
			c.Output = v.evidence(k)
		case k.Verdict != OK:
			c.Skipped = string(k.Verdict) + ": " + clean(k.Got)
		}
		s.Seconds += k.Seconds
		s.Cases = append(s.Cases, c)
	}
	return report.JUnitSuites(w, "mqtt check", suites)
}

// TAP writes r in the Test Anything Protocol, version 13.
func TAP(w io.Writer, r *Report, v View) error {
	var b strings.Builder
	fmt.Fprintf(&b, "TAP version 13\n1..%d\n", len(r.Cases))
	for i := range r.Cases {
		k := &r.Cases[i]
		failed := k.Verdict == Fail || k.Verdict == Warn && v.Strict
		word, directive := "ok", ""
		switch {
		case failed && v.Known[k.ID]:
			word, directive = "not ok", " # TODO known failure"
		case failed:
			word = "not ok"
		case k.Verdict != OK && k.Verdict != Warn:
			directive = " # SKIP " + string(k.Verdict) + ": " + strings.ReplaceAll(clean(k.Got), "#", "\\#")
		}
		fmt.Fprintf(&b, "%s %d - %s %s%s\n", word, i+1, k.ID, strings.ReplaceAll(k.Title, "#", "\\#"), directive)
		if failed || k.Verdict == Warn {
			for line := range strings.Lines(v.evidence(k)) {
				b.WriteString("# " + line)
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// cell returns s for a cell of a Markdown table.
func cell(s string) string {
	return strings.NewReplacer("|", "\\|", "<", "&lt;", "*", "\\*", "_", "\\_", "`", "\\`", "[", "\\[").Replace(clean(s))
}

// Markdown writes r as a Markdown document.
func Markdown(w io.Writer, r *Report, v View) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# MQTT conformance of %s\n\n%s: %s.\n\n", cell(r.Server.title()), format.Plural(uint64(len(r.Cases)), "case"), countsText(r.Summary))
	b.WriteString("| version | section | | verdicts |\n|---|---|---|---|\n")
	for _, s := range r.byChapter() {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", s.Version, s.Chapter, s.Title, summary(s.Cases))
	}
	for i, o := range r.Outages {
		if i == 0 {
			b.WriteString("\nOutages:\n\n")
		}
		fmt.Fprintf(&b, "- %s\n", cell(o.text()))
	}
	for i := range r.Cases {
		k := &r.Cases[i]
		if !v.shows(k) {
			continue
		}
		word := string(k.Verdict)
		if v.Known[k.ID] {
			word += ", known"
		}
		fmt.Fprintf(&b, "\n## %s: %s\n\n%s", word, k.ID, cell(k.Title))
		if len(k.Rules) > 0 {
			b.WriteString(" (" + strings.Join(k.Rules, ", ") + ")")
		}
		b.WriteString(".\n")
		if text := v.evidence(k); text != "" {
			b.WriteString("\n```text\n" + strings.ReplaceAll(text, "```", "'''") + "```\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// title returns the name of the server, or its address.
func (s *Server) title() string {
	if s.Name != "" {
		return s.Name
	}
	if s.URL != "" {
		return s.URL
	}
	return "a server"
}

// HTML writes r as one HTML page.
func HTML(w io.Writer, r *Report, v View) error {
	failed := r.Failed(v.Strict, v.Known)
	badge := "PASS"
	if failed {
		badge = "FAIL"
	}
	p := report.NewPage("MQTT conformance of "+clean(r.Server.title()), "")
	p.Title("MQTT conformance of "+clean(r.Server.title()), fmt.Sprintf("%s: %s", format.Plural(uint64(len(r.Cases)), "case"), countsText(r.Summary)), badge, !failed)
	facts := []report.Fact{{Name: "server", Value: r.Server.URL}, {Name: "started", Value: r.Started.Format("2006-01-02 15:04:05 MST")}, {Name: "versions", Value: strings.Join(r.Server.Versions, ", ")}}
	for _, f := range r.Server.Facts {
		facts = append(facts, report.Fact{Name: f.Name + " (" + f.Version + ")", Value: f.Value + ", " + f.How})
	}
	for _, o := range r.Outages {
		facts = append(facts, report.Fact{Name: "outage", Value: o.text()})
	}
	p.Table("Sections", true, "version", "section", "", "verdicts")
	for _, s := range r.byChapter() {
		p.Row(s.Version, s.Chapter, s.Title, summary(s.Cases))
	}
	p.EndTable()
	p.Table("Cases", true, "verdict", "case", "rules", "what is expected", "what was received")
	for _, only := range []Verdict{Fail, Flaky, Warn, Unsure, Choice, Skip, OK} {
		for i := range r.Cases {
			k := &r.Cases[i]
			if k.Verdict != only {
				continue
			}
			word := string(k.Verdict)
			if v.Known[k.ID] {
				word += ", known"
			}
			expected := k.Title
			if k.Expected != "" && k.Expected != k.Title {
				expected += ": " + k.Expected
			}
			p.Row(word, k.ID, strings.Join(k.Rules, " "), expected, k.Got)
		}
	}
	p.EndTable()
	for i := range r.Cases {
		k := &r.Cases[i]
		if len(k.Packets) == 0 || !v.shows(k) {
			continue
		}
		p.Table("Packets of "+k.ID, true, "connection", "way", "seconds", "packet", "hex")
		for _, q := range k.Packets {
			p.Row(fmt.Sprint(q.Connection), q.Way, fmt.Sprintf("%.3f", q.Time), q.Text, shortHex(q.Hex))
		}
		p.EndTable()
	}
	p.Facts(facts)
	return p.End(w, "made by mqtt check")
}
