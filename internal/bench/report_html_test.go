package bench

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"mqtt/internal/report"
)

func htmlOf(t *testing.T, r *Result) string {
	t.Helper()
	var b bytes.Buffer
	if err := HTML(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// unusual returns results that are difficult to draw.
func unusual() map[string]*Result {
	day := sample(400, 500)
	day.Series.Interval, day.Seconds, day.SendSeconds = 216, 86400, 86400
	short := sample(3, 1000)
	short.Seconds, short.SendSeconds = 2.02, 2.02
	publish := sample(12, 1e6)
	publish.Latency, publish.Service, publish.Received, publish.Expected, publish.Accounted = nil, nil, 0, 0, false
	for i := range publish.Series.Points {
		publish.Series.Points[i].Latency, publish.Series.Points[i].Received = nil, 0
	}
	same := sample(2, 1)
	same.Latency = NewHistogram()
	same.Latency.RecordMany(50*time.Millisecond, 1000)
	for i := range same.Series.Points {
		same.Series.Points[i].Latency = same.Latency
	}
	lost := sample(4, 1000)
	lost.Received, lost.Lost, lost.ReceiveRate = 0, lost.Expected, 0
	lost.Latency, lost.Service = NewHistogram(), NewHistogram()
	for i := range lost.Series.Points {
		lost.Series.Points[i].Latency.Reset()
		lost.Series.Points[i].Received = 0
	}
	long := &Result{Kind: KindMessages, Latency: NewHistogram(), Seconds: 1, Series: Series{Interval: 1}}
	long.Latency.Record(time.Nanosecond)
	long.Latency.Record(time.Hour)
	long.Series.Points = []Point{{Sent: 1 << 62, Received: 1, Latency: long.Latency}}
	return map[string]*Result{
		"small": small(), "full": sample(60, 5000), "day": day, "one": sample(1, 1000), "short": short, "publish": publish,
		"same": same, "lost": lost, "long": long, "connections": sampleConnections(), "empty": {}, "hostile": hostile(),
		"no time": {Series: Series{Points: []Point{{Sent: 1}}}}, "no seconds": {Series: Series{Interval: 1, Points: []Point{{Sent: 1}}}, Sent: 1},
	}
}

func TestHTMLGolden(t *testing.T) {
	golden(t, "report.html", []byte(htmlOf(t, small())))
}

// TestHTMLIsWhole checks that, whatever the texts of a result are, tags are balanced, there is one
// script, nothing refers to anything outside, and drawings stay within their frame.
func TestHTMLIsWhole(t *testing.T) {
	style, script := frame(t)
	for name, r := range unusual() {
		page := htmlOf(t, r)
		if strings.Contains(page, "NaN") || strings.Contains(page, "Inf") {
			t.Errorf("%s: a number is not finite", name)
		}
		if n := len(page); n > 400<<10 {
			t.Errorf("%s: %d bytes", name, n)
		}
		if !strings.Contains(page, "<script>"+script+"</script>") || !strings.Contains(page, "<style>"+style+"</style>") {
			t.Errorf("%s: the script or the style is missing", name)
		}
		page = strings.Replace(page, script, "", 1)
		d := xml.NewDecoder(strings.NewReader(page))
		d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
		scripts := 0
		var open []string
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			switch e := token.(type) {
			case xml.StartElement:
				open = append(open, e.Name.Local)
				if e.Name.Local == "script" {
					scripts++
				}
				for _, a := range e.Attr {
					checkAttr(t, name, e.Name.Local, a)
				}
			case xml.EndElement:
				if len(open) == 0 || open[len(open)-1] != e.Name.Local {
					t.Fatalf("%s: </%s> in %v", name, e.Name.Local, open)
				}
				open = open[:len(open)-1]
			}
		}
		if scripts != 1 || len(open) != 0 {
			t.Errorf("%s: %d scripts, %v left open", name, scripts, open)
		}
	}
}

func checkAttr(t *testing.T, name, element string, a xml.Attr) {
	t.Helper()
	most := 0.0
	switch a.Name.Local {
	case "src", "href", "style", "action", "srcdoc":
		t.Errorf("%s: %s has %s", name, element, a.Name.Local)
	case "x", "x1", "x2", "cx", "width":
		most = drawWidth
	case "y", "y1", "y2", "cy", "height":
		most = 400
	}
	if strings.HasPrefix(a.Name.Local, "on") {
		t.Errorf("%s: %s has %s", name, element, a.Name.Local)
	}
	if most > 0 {
		if x, err := strconv.ParseFloat(a.Value, 64); err != nil || x < 0 || x > most {
			t.Errorf("%s: %s has %s=%q", name, element, a.Name.Local, a.Value)
		}
	}
}

// frame returns the style and the script of a page without any text.
func frame(t *testing.T) (style, script string) {
	t.Helper()
	var b bytes.Buffer
	if err := report.NewPage("", chartStyle).End(&b, ""); err != nil {
		t.Fatal(err)
	}
	inside := func(tag string) string {
		_, s, _ := strings.Cut(b.String(), "<"+tag+">")
		s, _, ok := strings.Cut(s, "</"+tag+">")
		if !ok {
			t.Fatalf("no %s in %s", tag, b.String())
		}
		return s
	}
	return inside("style"), inside("script")
}

func TestHTMLNeedsNothingOutside(t *testing.T) {
	style, script := frame(t)
	for _, bad := range []string{"http:", "https:", "url(", "@import"} {
		if strings.Contains(style+script, bad) {
			t.Errorf("the style or the script refers to %s", bad)
		}
	}
}

func TestHTMLNoLatency(t *testing.T) {
	for _, c := range []struct {
		r    Result
		want string
	}{
		{Result{Clock: Clock{Mode: "refused"}}, "could not be compared"},
		{Result{Sent: 5}, "no subscribers"},
		{Result{Config: Config{Subscribers: 1}}, "nothing was received"},
		{Result{Config: Config{Subscribers: 1}, Received: 3}, "carried no time"},
	} {
		if page := htmlOf(t, &c.r); !strings.Contains(page, c.want) {
			t.Errorf("the page lacks %q", c.want)
		}
	}
}

func TestCountAxis(t *testing.T) {
	for _, hi := range []float64{0, 0.3, 1, 3, 4, 9, 10.4, 99, 100, 101, 5000, 123456, 9.99e6, 1e18} {
		a, ticks := countAxis(hi, 200, 10)
		if a.hi < hi || len(ticks) < 2 || len(ticks) > 8 || hi > 0 && a.hi > 2.6*hi && hi >= 1 {
			t.Errorf("%g: to %g in %d ticks", hi, a.hi, len(ticks))
		}
		if a.place(0) != 200 || a.place(a.hi) != 10 || a.place(2*a.hi) != 10 {
			t.Errorf("%g: drawn from %g to %g", hi, a.place(0), a.place(a.hi))
		}
	}
}

func TestDurationAxis(t *testing.T) {
	for _, c := range [][2]time.Duration{{0, 0}, {1, 1}, {50 * time.Millisecond, 50 * time.Millisecond}, {time.Microsecond, time.Hour},
		{99 * time.Microsecond, 101 * time.Microsecond}, {time.Hour, time.Hour}} {
		a, ticks := durationAxis(c[0], c[1], 200, 10)
		if a.lo > max(float64(c[0]), 1)*1.001 || a.hi < float64(c[1])*0.999 || a.hi/a.lo < 9.9 {
			t.Errorf("%v: from %g to %g", c, a.lo, a.hi)
		}
		labels := 0
		for _, tick := range ticks {
			if tick.label != "" {
				labels++
			}
		}
		if labels < 2 || labels > 14 {
			t.Errorf("%v: %d labels", c, labels)
		}
	}
}

func TestClockAxis(t *testing.T) {
	for seconds, last := range map[float64]string{0: "1 s", 0.05: "0.05 s", 1: "1 s", 10: "10 s", 60: "60 s", 119: "105 s", 300: "5:00",
		3600: "60:00", 7200: "2h00", 86400: "24h00", 604800: "7d 00h"} {
		_, ticks := clockAxis(seconds, 0, 100)
		if got := ticks[len(ticks)-1].label; got != last || len(ticks) > 12 {
			t.Errorf("%g: the last of %d is %s, want %s", seconds, len(ticks), got, last)
		}
	}
}

// TestSlotsKeepCounts checks that slots of any number have the totals of the series.
func TestSlotsKeepCounts(t *testing.T) {
	r := sample(101, 100)
	before := r.Series.Points[0].Latency.Count()
	for _, most := range []int{1, 7, 100, 101, 500} {
		all := slots(&r.Series, most)
		var sent uint64
		var times, want int64
		for i := range all {
			sent += all[i].Sent
			times += all[i].Latency.Count()
		}
		for i := range r.Series.Points {
			want += r.Series.Points[i].Latency.Count()
		}
		if sent != r.Sent || times != want || len(all) > most || all[0].from != 0 || all[len(all)-1].to != 101 {
			t.Errorf("%d: %d sent, %d times, %d slots to %g", most, sent, times, len(all), all[len(all)-1].to)
		}
	}
	if r.Series.Points[0].Latency.Count() != before {
		t.Error("slots changed the series")
	}
}

// TestSlotRates checks that a rate is for the measured part of a slot, and that a slot whose part
// is too short is added to the slot before, so that no curve falls at its end.
func TestSlotRates(t *testing.T) {
	for _, c := range []struct {
		counts []uint64 // of slots of 2 s
		end    float64
		want   []float64
	}{
		{[]uint64{100, 100}, 60, []float64{50, 50}},
		{[]uint64{100, 100}, 4, []float64{50, 50}},
		{[]uint64{100, 75}, 3.5, []float64{50, 50}},    // in 1.5 s
		{[]uint64{100, 2}, 2.04, []float64{50, -1}},    // 102 in 2.04 s
		{[]uint64{100, 0}, 2.04, []float64{50, -1}},    // no messages, and no fall
		{[]uint64{98, 2, 0}, 2, []float64{50, -1, -1}}, // the counts were sampled a moment early
		{[]uint64{100, 0}, 4, []float64{50, 0}},        // a complete slot without messages is a fall
		{[]uint64{10}, 0.1, []float64{100}},
		{[]uint64{1}, 0, []float64{-1}},
		{nil, 1, []float64{}},
	} {
		var all []slot
		for i, n := range c.counts {
			all = append(all, slot{Point: Point{Received: n}, from: 2 * float64(i), to: 2 * float64(i+1)})
		}
		got := slotRates(all, c.end, func(s *slot) uint64 { return s.Received })
		if !slices.EqualFunc(got, c.want, func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }) {
			t.Errorf("%v until %g: %v, want %v", c.counts, c.end, got, c.want)
		}
	}
}
