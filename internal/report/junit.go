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
}

// Failure says why a case failed.
type Failure struct {
	Type    string // such as threshold
	Message string // one line
	Details string
}

// JUnit writes s as JUnit XML.
func JUnit(w io.Writer, s *Suite) error {
	failures := 0
	for _, c := range s.Cases {
		if c.Failure != nil {
			failures++
		}
	}
	seconds := strconv.FormatFloat(max(s.Seconds, 0), 'f', 3, 64)
	totals := fmt.Sprintf(`tests="%d" failures="%d" errors="0" skipped="0" time="%s"`, len(s.Cases), failures, seconds)
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	fmt.Fprintf(&b, "<testsuites name=\"%s\" %s>\n", escape(s.Name), totals)
	fmt.Fprintf(&b, "  <testsuite name=\"%s\" %s timestamp=\"%s\">\n", escape(s.Name), totals, s.Started.UTC().Format("2006-01-02T15:04:05"))
	b.WriteString("    <properties>\n")
	for _, f := range s.Facts {
		fmt.Fprintf(&b, "      <property name=\"%s\" value=\"%s\"/>\n", escape(f.Name), escape(f.Value))
	}
	b.WriteString("    </properties>\n")
	for _, c := range s.Cases {
		fmt.Fprintf(&b, "    <testcase classname=\"%s\" name=\"%s\" time=\"%s\"", escape(s.Class), escape(c.Name), seconds)
		if f := c.Failure; f == nil {
			b.WriteString("/>\n")
		} else {
			fmt.Fprintf(&b, ">\n      <failure type=\"%s\" message=\"%s\">%s\n%s</failure>\n    </testcase>\n",
				escape(f.Type), escape(f.Message), escape(f.Message), escape(f.Details))
		}
	}
	fmt.Fprintf(&b, "    <system-out>%s</system-out>\n", escape(s.Output))
	b.WriteString("  </testsuite>\n</testsuites>\n")
	_, err := io.WriteString(w, b.String())
	return err
}
