package bench

import (
	"bytes"
	"encoding/xml"
	"strings"
	"testing"
)

func junitOf(t *testing.T, r *Result) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := JUnit(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// suites has the parts of JUnit XML that its readers use.
type suites struct {
	XMLName xml.Name `xml:"testsuites"`
	Suites  []struct {
		Name      string  `xml:"name,attr"`
		Tests     int     `xml:"tests,attr"`
		Failures  int     `xml:"failures,attr"`
		Errors    *int    `xml:"errors,attr"`
		Skipped   *int    `xml:"skipped,attr"`
		Time      float64 `xml:"time,attr"`
		Timestamp string  `xml:"timestamp,attr"`
		Cases     []struct {
			Name      string  `xml:"name,attr"`
			Classname string  `xml:"classname,attr"`
			Time      float64 `xml:"time,attr"`
			Failure   *struct {
				Message string `xml:"message,attr"`
				Type    string `xml:"type,attr"`
				Text    string `xml:",chardata"`
			} `xml:"failure"`
		} `xml:"testcase"`
		Out string `xml:"system-out"`
	} `xml:"testsuite"`
}

func read(t *testing.T, b []byte) *suites {
	t.Helper()
	var s suites
	if err := xml.Unmarshal(b, &s); err != nil {
		t.Fatalf("%v in\n%s", err, b)
	}
	if len(s.Suites) != 1 {
		t.Fatalf("%d suites", len(s.Suites))
	}
	return &s
}

func TestJUnitGolden(t *testing.T) {
	golden(t, "report.xml", junitOf(t, small()))
}

func TestJUnitCases(t *testing.T) {
	s := read(t, junitOf(t, small())).Suites[0]
	if s.Tests != 4 || s.Failures != 3 || len(s.Cases) != 4 || s.Errors == nil || s.Skipped == nil || s.Time != 4 || s.Timestamp != "2026-11-20T15:04:05" {
		t.Errorf("suite %+v", s)
	}
	for i, want := range []string{"FAIL p99 = 1,500 ms (fails above 20 ms)", "", "FAIL service.p50>1s: nothing was measured"} {
		c := s.Cases[i]
		switch {
		case c.Name != small().Verdicts[i].Expression || c.Classname == "" || c.Time != 4:
			t.Errorf("case %+v", c)
		case (c.Failure != nil) != (want != ""):
			t.Errorf("%s: failure is %v", c.Name, c.Failure)
		case want != "" && (c.Failure.Message != want || !strings.Contains(c.Failure.Text, want) || c.Failure.Type != "threshold"):
			t.Errorf("%s: %+v", c.Name, c.Failure)
		}
	}
	// One message is lost at QoS 1, and no threshold is about that.
	c := s.Cases[3]
	if want := "1 of 12 expected deliveries did not come, which QoS 1 forbids"; c.Name != "completed" || c.Failure == nil ||
		c.Failure.Message != want || c.Failure.Type != "shortfall" {
		t.Errorf("case %+v", c)
	}
	judged := small()
	judged.Verdicts = append(judged.Verdicts, Verdict{Expression: "loss>10%", Metric: "loss in %", Value: 8.3, Limit: 10})
	if s := read(t, junitOf(t, judged)).Suites[0]; s.Tests != 4 || s.Failures != 2 || s.Cases[3].Name != "loss>10%" {
		t.Errorf("suite %+v", s)
	}
}

func TestJUnitWithoutThresholds(t *testing.T) {
	s := read(t, junitOf(t, &Result{Seconds: 1.5})).Suites[0]
	if s.Tests != 1 || s.Failures != 0 || len(s.Cases) != 1 || s.Cases[0].Name != "completed" || s.Cases[0].Failure != nil || s.Time != 1.5 {
		t.Errorf("suite %+v", s)
	}
}

func TestJUnitHostileText(t *testing.T) {
	r := hostile()
	s := read(t, junitOf(t, r)).Suites[0]
	if len(s.Cases) != len(r.Verdicts) || !strings.HasPrefix(s.Cases[0].Name, "</script><script>alert(1)</script>\"' onload=x &amp; \ufffd[2J") {
		t.Errorf("case %q", s.Cases[0].Name)
	}
	if !strings.Contains(s.Out, "</script>") {
		t.Errorf("system-out %q", s.Out)
	}
}
