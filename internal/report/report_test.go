package report

import (
	"bytes"
	"encoding/xml"
	"strings"
	"testing"
	"time"
)

// hostile is a text that could leave its place in HTML, XML or a terminal.
const hostile = "</script><script>alert(1)</script>\"' onload=x &amp; \x1b[2J\u202e\xff\uffff"

func TestPagePolicy(t *testing.T) {
	const own = ".x{color:red}\n"
	var b bytes.Buffer
	if err := NewPage("title", own).End(&b, "footer"); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, text := range []string{commonStyle + own, script} {
		if !strings.Contains(page, "'"+digest(text)+"'") || !strings.Contains(page, ">"+text+"</") {
			t.Error("the page does not contain its style or script, or its policy forbids it")
		}
	}
}

func TestPageEscapes(t *testing.T) {
	p := NewPage(hostile, "")
	p.Title(hostile, hostile, hostile, false)
	p.Facts([]Fact{{hostile, hostile}})
	p.Table(hostile, true, hostile)
	p.Row(hostile)
	p.EndTable()
	p.Raw("<p")
	p.Tip(hostile)
	p.Raw("></p>")
	var b bytes.Buffer
	if err := p.End(&b, hostile); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	if strings.Count(page, "<script>") != 1 || strings.ContainsAny(page, "\x1b\uffff") || strings.Contains(page, `"' onload`) {
		t.Errorf("a text is not escaped in\n%s", page)
	}
	if n := strings.Count(page, `\x1b[2J\u202e\xff`); n != 10 {
		t.Errorf("control characters are visible in %d of 10 places", n)
	}
}

func TestJUnit(t *testing.T) {
	s := Suite{Name: "mqtt x", Class: "mqtt.x", Started: time.Unix(1, 0), Seconds: -1, Facts: []Fact{{"name", hostile}}, Output: hostile,
		Cases: []Case{{Name: "good"}, {Name: hostile, Failure: &Failure{Type: "type", Message: hostile, Details: "more"}}}}
	var b bytes.Buffer
	if err := JUnit(&b, &s); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Suite    struct {
			Name      string `xml:"name,attr"`
			Time      string `xml:"time,attr"`
			Timestamp string `xml:"timestamp,attr"`
			Property  struct {
				Value string `xml:"value,attr"`
			} `xml:"properties>property"`
			Cases []struct {
				Class   string `xml:"classname,attr"`
				Name    string `xml:"name,attr"`
				Failure *struct {
					Type    string `xml:"type,attr"`
					Message string `xml:"message,attr"`
					Text    string `xml:",chardata"`
				} `xml:"failure"`
			} `xml:"testcase"`
			Output string `xml:"system-out"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatalf("%v in\n%s", err, b.Bytes())
	}
	shown := strings.NewReplacer("\x1b", "\ufffd", "\xff", "\ufffd", "\uffff", "\ufffd").Replace(hostile)
	u := &got.Suite
	if got.Tests != 2 || got.Failures != 1 || u.Name != "mqtt x" || u.Time != "0.000" || u.Timestamp != "1970-01-01T00:00:01" ||
		u.Property.Value != shown || u.Output != shown || len(u.Cases) != 2 {
		t.Fatalf("got %+v", got)
	}
	c := u.Cases[1]
	if u.Cases[0].Failure != nil || c.Class != "mqtt.x" || c.Name != shown || c.Failure == nil || c.Failure.Type != "type" ||
		c.Failure.Message != shown || c.Failure.Text != shown+"\nmore" {
		t.Errorf("got %+v", u.Cases)
	}
}
