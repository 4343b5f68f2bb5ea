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

// TestJoinTail checks that only the rest of the messages is added to the step before it: a full step
// in which the server stopped remains.
func TestJoinTail(t *testing.T) {
	times := func(n int64, d time.Duration) *Histogram {
		h := newHistogram(coarse)
		if n > 0 {
			h.RecordMany(d, n)
		}
		return h
	}
	for name, c := range map[string]struct {
		counts       []int64
		sending, end float64
		want         []int64
	}{
		"one message after the end":     {[]int64{100, 100, 1}, 2, 2.9, []int64{100, 101}},
		"a short step":                  {[]int64{100, 100, 40}, 2.4, 2.4, []int64{100, 140}},
		"a stop in the last second":     {[]int64{100, 100, 1}, 3, 3, []int64{100, 100, 1}},
		"many after the end":            {[]int64{100, 100, 90}, 2, 3, []int64{100, 100, 90}},
		"after a step without messages": {[]int64{100, 0, 1}, 2, 2.1, []int64{100, 0, 1}},
		"a single step":                 {[]int64{1}, 1, 1, []int64{1}},
		"nothing":                       {nil, 1, 1, nil},
	} {
		var all []slot
		for i, n := range c.counts {
			all = append(all, slot{Point: Point{Received: uint64(n), Latency: times(n, time.Duration(i+1)*time.Millisecond)}, from: float64(i), to: float64(i + 1)})
		}
		first := slices.Clone(all)
		var got []int64
		for _, s := range joinTail(all, c.sending, c.end) {
			got = append(got, s.Latency.Count())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		for i, s := range first {
			if s.Latency.Count() != c.counts[i] {
				t.Errorf("%s: the series has changed", name)
			}
		}
	}
}

// TestLimits checks which thresholds are lines in the drawing of the latency.
func TestLimits(t *testing.T) {
	r := sample(20, 1000)
	r.Verdicts = nil
	for _, e := range []string{"p99>20ms", "latency.p50>1ms", "max>20ms", "lag.p99>3ms", "connect.p99>1s", "loss", "rate<5", "p99<1h"} {
		th, err := ParseThreshold(e)
		if err != nil {
			t.Fatal(err)
		}
		r.Verdicts = append(r.Verdicts, th.judge(r))
	}
	var got []string
	for _, l := range limits(r) {
		got = append(got, l.at.String()+" "+l.text)
	}
	want := []string{"1ms p50 fails above 1 ms", "20ms p99 fails above 20 ms, max fails above 20 ms", "1h0m0s p99 fails below 3,600 s"}
	if !slices.Equal(got, want) {
		t.Errorf("lines %q, want %q", got, want)
	}
	page := htmlOf(t, r)
	if n := strings.Count(page, `<line class="limit `); n != 2 {
		t.Errorf("%d lines: one of an hour would flatten the curves", n)
	}
}

// TestTilesByVerdict checks that a verdict colors the tile of its metric.
func TestTilesByVerdict(t *testing.T) {
	r := sample(20, 1000)
	r.Lost, r.Legal.Loss, r.Errors = 110, true, 0
	r.Connections.Cut = 3
	classes := func(expressions ...string) string {
		r.Verdicts = nil
		for _, e := range expressions {
			th, err := ParseThreshold(e)
			if err != nil {
				t.Fatal(err)
			}
			r.Verdicts = append(r.Verdicts, th.judge(r))
		}
		var all []string
		for _, tile := range tiles(r) {
			all = append(all, tile.name+":"+tile.class)
		}
		return strings.Join(all, " ")
	}
	for _, c := range []struct {
		thresholds []string
		want       string
	}{
		{nil, "sent: received: latency p50: latency p99: lost:warn errors:"},
		{[]string{"loss>0.1%", "p99>1ns", "p50>1h", "rate<1", "errors"}, "sent: received:good latency p50:good latency p99:bad lost:bad errors:good"},
		{[]string{"loss>50%", "loss>60%", "max>1h", "max>1ns", "sent<1"}, "sent:good received: latency p50: latency p99:bad lost:good errors:"},
	} {
		if got := classes(c.thresholds...); got != c.want {
			t.Errorf("%q: %s, want %s", c.thresholds, got, c.want)
		}
	}
	if more := errorTile(r).more; more != "0 connections lost, 3 cut on purpose" {
		t.Errorf("the errors are %q", more)
	}
	r.Legal.Loss = false
	if got := classes("loss>50%"); !strings.Contains(got, "lost:bad") {
		t.Errorf("loss that the standard forbids is %s", got)
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

// TestHTMLHasResult checks that the raw result can be taken out of the page, whatever its texts are.
func TestHTMLHasResult(t *testing.T) {
	bad := hostile()
	bad.Kind = KindMessages // Read refuses others
	for name, r := range map[string]*Result{"full": sample(60, 5000), "hostile": bad, "small": small()} {
		_, rest, _ := strings.Cut(htmlOf(t, r), `data-save="mqtt-bench.json"`)
		_, rest, _ = strings.Cut(rest, "<pre hidden>")
		raw, _, ok := strings.Cut(rest, "</pre>")
		if !ok || strings.ContainsAny(raw, "<>&") || strings.ContainsFunc(raw, func(c rune) bool { return c < ' ' || c > '~' }) {
			t.Errorf("%s: the page has no result, or one that is not ASCII: %.200s", name, raw)
		}
		back, err := Read(strings.NewReader(raw))
		if err != nil || back.Sent != r.Sent || len(back.Series.Points) != len(r.Series.Points) || back.Latency.At(99) != r.Latency.At(99) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
