package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Suite is a run of tests.
type Suite struct {
	Name    string // such as mqtt bench
	Class   string // class name of all cases, such as mqtt.bench
	Started time.Time
	Seconds float64 // also of each case
	Facts   []Fact
	Cases   []Case
	Output  string
}

// Case is a test.
type Case struct {
	Name    string
	Failure *Failure // nil if it passed
	Skipped string   // why it has no result; empty if it has one
	Output  string
	Seconds float64 // of this case; 0 means those of the suite
}

// Failure says why a case failed.
type Failure struct {
	Type    string // such as threshold
	Message string // one line
	Details string
}

// JUnit writes s as JUnit XML.
func JUnit(w io.Writer, s *Suite) error { return JUnitSuites(w, s.Name, []*Suite{s}) }

// JUnitSuites writes several suites as one JUnit XML.
func JUnitSuites(w io.Writer, name string, suites []*Suite) error {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	var all []Case
	var total float64
	for _, s := range suites {
		all = append(all, s.Cases...)
		total += s.Seconds
	}
	fmt.Fprintf(&b, "<testsuites name=\"%s\" %s>\n", escape(name), totals(all, total))
	for _, s := range suites {
		s.append(&b)
	}
	b.WriteString("</testsuites>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// totals returns the attributes that count cases.
func totals(cases []Case, took float64) string {
	failures, skipped := 0, 0
	for i := range cases {
		switch {
		case cases[i].Failure != nil:
			failures++
		case cases[i].Skipped != "":
			skipped++
		}
	}
	return fmt.Sprintf(`tests="%d" failures="%d" errors="0" skipped="%d" time="%s"`, len(cases), failures, skipped, seconds(took))
}

func seconds(s float64) string { return strconv.FormatFloat(max(s, 0), 'f', 3, 64) }

// append appends the suite.
func (s *Suite) append(b *strings.Builder) {
	fmt.Fprintf(b, "  <testsuite name=\"%s\" %s timestamp=\"%s\">\n", escape(s.Name), totals(s.Cases, s.Seconds), s.Started.UTC().Format("2006-01-02T15:04:05"))
	if len(s.Facts) > 0 {
		b.WriteString("    <properties>\n")
		for _, f := range s.Facts {
			fmt.Fprintf(b, "      <property name=\"%s\" value=\"%s\"/>\n", escape(f.Name), escape(f.Value))
		}
		b.WriteString("    </properties>\n")
	}
	for i := range s.Cases {
		c := &s.Cases[i]
		took := s.Seconds
		if c.Seconds > 0 {
			took = c.Seconds
		}
		fmt.Fprintf(b, "    <testcase classname=\"%s\" name=\"%s\" time=\"%s\"", escape(s.Class), escape(c.Name), seconds(took))
		if c.Failure == nil && c.Skipped == "" && c.Output == "" {
			b.WriteString("/>\n")
			continue
		}
		b.WriteString(">\n")
		switch f := c.Failure; {
		case f != nil:
			fmt.Fprintf(b, "      <failure type=\"%s\" message=\"%s\">%s\n%s</failure>\n",
				escape(f.Type), escape(f.Message), escape(f.Message), escape(f.Details))
		case c.Skipped != "":
			fmt.Fprintf(b, "      <skipped message=\"%s\"/>\n", escape(c.Skipped))
		}
		if c.Output != "" {
			fmt.Fprintf(b, "      <system-out>%s</system-out>\n", escape(c.Output))
		}
		b.WriteString("    </testcase>\n")
	}
	if s.Output != "" {
		fmt.Fprintf(b, "    <system-out>%s</system-out>\n", escape(s.Output))
	}
	b.WriteString("  </testsuite>\n")
}
