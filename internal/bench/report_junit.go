package bench

import (
	"fmt"
	"html"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"mqtt/internal/format"
)

// JUnit writes r as JUnit XML, which continuous integration shows as tests: a case
// for each threshold, and one named completed where there are none or work was not done.
func JUnit(w io.Writer, r *Result) error {
	failed := 0
	for i := range r.Verdicts {
		if r.Verdicts[i].Failed {
			failed++
		}
	}
	cases, short := len(r.Verdicts), r.Failure()
	if short != nil {
		failed++
	}
	if cases == 0 || short != nil {
		cases++
	}
	seconds := strconv.FormatFloat(max(r.Seconds, 0), 'f', 3, 64)
	sums := fmt.Sprintf(`tests="%d" failures="%d" errors="0" skipped="0" time="%s"`, cases, failed, seconds)
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	fmt.Fprintf(&b, "<testsuites name=\"mqtt bench\" %s>\n", sums)
	fmt.Fprintf(&b, "  <testsuite name=\"mqtt bench\" %s timestamp=\"%s\">\n", sums, r.Started.UTC().Format("2006-01-02T15:04:05"))
	b.WriteString("    <properties>\n")
	for _, p := range echoed(r) {
		fmt.Fprintf(&b, "      <property name=\"%s\" value=\"%s\"/>\n", xmlText(p.name), xmlText(p.value))
	}
	b.WriteString("    </properties>\n")
	for i := range r.Verdicts {
		v := &r.Verdicts[i]
		fmt.Fprintf(&b, "    <testcase classname=\"mqtt.bench\" name=\"%s\" time=\"%s\"", xmlText(v.Expression), seconds)
		if !v.Failed {
			b.WriteString("/>\n")
			continue
		}
		failure(&b, "threshold", xmlText(v.said()), r)
	}
	if cases > len(r.Verdicts) {
		fmt.Fprintf(&b, "    <testcase classname=\"mqtt.bench\" name=\"completed\" time=\"%s\"", seconds)
		if short == nil {
			b.WriteString("/>\n")
		} else {
			failure(&b, "shortfall", xmlText(short.Error()), r)
		}
	}
	fmt.Fprintf(&b, "    <system-out>%s</system-out>\n", xmlText(outline(r)))
	b.WriteString("  </testsuite>\n</testsuites>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// failure ends a case that failed.
func failure(b *strings.Builder, kind, said string, r *Result) {
	fmt.Fprintf(b, ">\n      <failure type=\"%s\" message=\"%s\">%s\n%s</failure>\n    </testcase>\n", kind, said, said, xmlText(notesText(r)))
}

// said is a verdict in words: p99 is 35.2ms, the limit is 20.0ms.
func (v *Verdict) said() string {
	if v.Reason != "" {
		return v.Expression + ": " + v.Reason
	}
	return v.Metric + " is " + v.amount(v.Value) + ", the limit is " + v.amount(v.Limit)
}

// amount is a value of the verdict's metric for a person.
func (v *Verdict) amount(x float64) string {
	if v.Time {
		return format.Duration(micros(x))
	}
	return number(x)
}

// micros is the opposite of Micros.
func micros(x float64) time.Duration { return time.Duration(x * 1e3) }

// number is x with two digits behind the point at most.
func number(x float64) string {
	s := strconv.FormatFloat(x, 'f', 2, 64)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// outline is the result in a few lines.
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
	for _, t := range measured(r) {
		if t.h.Count() > 0 {
			line(t.name, "p50 "+format.Duration(t.h.At(50))+", p99 "+format.Duration(t.h.At(99))+", max "+format.Duration(t.h.Max()))
		}
	}
	return "\n" + b.String() + notesText(r)
}

// notesText is a line for each note and kind of error.
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

// xmlText escapes s, and replaces what XML 1.0 cannot say.
func xmlText(s string) string { return html.EscapeString(sayable(s)) }

// sayable replaces what neither XML 1.0 nor HTML has, not even escaped: control
// characters, what is no character, and bytes that are not UTF-8.
func sayable(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' && c != '\n' && c != '\t' || c == 0xFFFE || c == 0xFFFF {
			return utf8.RuneError
		}
		return c
	}, s)
}
