package bench

import (
	"bytes"
	"math"
	"math/bits"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// side returns the results of runs that began one after the other, with that latency in
// milliseconds.
func side(at time.Duration, latencies ...float64) []*Result {
	var all []*Result
	for i, ms := range latencies {
		r := small()
		r.Started = r.Started.Add(at + time.Duration(i)*time.Minute)
		r.Latency = NewHistogram()
		r.Latency.RecordMany(time.Duration(ms*1e6), 1000)
		r.SendRate, r.Lost = 1000-ms, 0
		all = append(all, r)
	}
	return all
}

// find returns a metric of c.
func (c *Comparison) find(t *testing.T, name string) *Metric {
	t.Helper()
	for i := range c.Metrics {
		if c.Metrics[i].Name == name {
			return &c.Metrics[i]
		}
	}
	t.Fatalf("no metric %s", name)
	return nil
}

// TestUTest compares p-values with known ones, and with those of all ways to divide the values.
func TestUTest(t *testing.T) {
	for _, c := range []struct {
		base, next []float64
		p          float64 // 0: not known from elsewhere
		trend      string
	}{
		{[]float64{1}, []float64{2, 3}, 2.0 / 3, Unknown},
		{[]float64{1, 2, 3}, []float64{4, 5, 6}, 0.1, Unknown},
		{[]float64{1, 2, 3, 4}, []float64{11, 12, 13, 14}, 2.0 / 70, Worse},
		{[]float64{1, 2, 3, 4, 5}, []float64{6, 7, 8, 9, 10}, 2.0 / 252, Worse},
		{[]float64{1, 3, 5, 7, 9}, []float64{2, 4, 6, 8, 10}, 0, Same},
		{[]float64{1, 2, 2, 3, 5}, []float64{2, 3, 4, 5, 9}, 0, Same},
		{[]float64{7, 7, 7, 7}, []float64{7, 7, 7, 7}, 1, Same},
		{[]float64{0, 0, 0, 0}, []float64{0, 0, 0, 1}, 1, Same},
	} {
		p, trend := test(c.base, c.next)
		want := c.p
		if want == 0 {
			want = divided(c.base, c.next)
		}
		if p == nil || math.Abs(*p-want) > 1e-9 || trend != c.trend {
			t.Errorf("%v and %v: p %v, %s, want %v, %s", c.base, c.next, *p, trend, want, c.trend)
		}
	}
	if p, trend := test([]float64{1}, []float64{100}); p != nil || trend != Unknown {
		t.Errorf("one run a side: %v, %s", p, trend)
	}
	for _, c := range []struct {
		n, m int
		want float64
	}{{1, 1, 1}, {3, 3, 0.1}, {4, 4, 2.0 / 70}, {1, 39, 0.05}, {100, 100, 0}} {
		if got := leastP(c.n, c.m); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%d and %d: at least %v, want %v", c.n, c.m, got, c.want)
		}
	}
}

// divided returns the share of all ways to divide the values whose U is at least as far from
// its mean as that of a and b.
func divided(a, b []float64) float64 {
	all := append(append([]float64(nil), a...), b...)
	u := func(set uint) (u float64) {
		for i, x := range all {
			for j, y := range all {
				if set>>i&1 == 1 && set>>j&1 == 0 {
					switch {
					case x > y:
						u++
					case x == y:
						u += 0.5
					}
				}
			}
		}
		return math.Abs(u - float64(len(a)*len(b))/2)
	}
	own, extreme, ways := u(1<<len(a)-1), 0.0, 0.0
	for set := range uint(1) << len(all) {
		if bits.OnesCount(set) == len(a) {
			ways++
			if u(set) >= own-1e-9 {
				extreme++
			}
		}
	}
	return extreme / ways
}

// TestCompare compares sides whose runs differ by more than noise, or not.
func TestCompare(t *testing.T) {
	slower, err := Compare(side(0, 10, 11, 12, 13), side(time.Hour, 20, 21, 22, 23))
	if err != nil {
		t.Fatal(err)
	}
	if m := slower.find(t, "p99"); m.Trend != Worse || *m.Change < 85 || *m.Change > 90 || *m.P > 0.03 || len(m.Base) != 4 {
		t.Errorf("slower: %+v", m)
	}
	if m := slower.find(t, "send.rate"); m.Trend != Worse {
		t.Errorf("a lower rate: %+v", m)
	}
	faster, err := Compare(side(0, 20, 21, 22, 23), side(time.Hour, 10, 11, 12, 13))
	if err != nil || faster.find(t, "p99").Trend != Better || faster.find(t, "send.rate").Trend != Better || faster.Summary != Better {
		t.Errorf("faster: %+v, %v", faster, err)
	}
	noise, err := Compare(side(0, 10, 30, 20, 15), side(time.Hour, 29, 11, 21, 16))
	if err != nil || noise.find(t, "p99").Trend != Same || noise.Summary != Same {
		t.Errorf("noise: %+v, %v", noise, err)
	}
	one, err := Compare(side(0, 10), side(time.Hour, 90))
	if err != nil || one.find(t, "p99").Trend != Unknown || !strings.Contains(one.Notes[0].Text, "noise cannot be told from change") {
		t.Errorf("one run a side: %+v, %v", one, err)
	}
	few, err := Compare(side(0, 10, 11), side(time.Hour, 90, 91, 92))
	if err != nil || few.find(t, "p99").Trend != Unknown || !strings.Contains(few.Notes[0].Text, "2 and 3 runs are too few to tell noise from change") {
		t.Errorf("few runs: %+v, %v", few, err)
	}
	other := side(time.Hour, 10)
	other[0].Config.QoS = 2
	mixed, err := Compare(side(0, 10), other)
	if err != nil || len(mixed.Differences) != 1 || mixed.Differences[0] != (Difference{"QoS", "1", "2"}) {
		t.Errorf("%+v, %v", mixed, err)
	}
	if _, err := Compare(side(0, 10), []*Result{sampleConnections()}); err == nil || !strings.Contains(err.Error(), "does not compare with") {
		t.Errorf("messages and connections: %v", err)
	}
	if _, err := Compare(side(0, 10), append(side(0, 10), side(0, 10)...)); err == nil || !strings.Contains(err.Error(), "is there twice") {
		t.Errorf("twice: %v", err)
	}
	if _, err := Compare(nil, side(0, 10)); err == nil {
		t.Error("a side without results")
	}
	if c, err := Compare([]*Result{sampleConnections()}, []*Result{sampleConnections()}); err != nil || c.find(t, "connect.p99").Trend != Unknown {
		t.Errorf("connections: %v", err)
	}
}

// TestComparePartsOfARun checks that parts of one run count as one run, and runs of one name
// that follow each other as several.
func TestComparePartsOfARun(t *testing.T) {
	parts := side(0, 10, 11)
	parts[1].Started = parts[0].Started.Add(time.Second)
	for i, r := range parts {
		r.Config.Run, r.Config.Offset = "x", 2*i
	}
	later := side(10*time.Minute, 12)
	later[0].Config.Run = "x"
	c, err := Compare(append(parts, later...), side(time.Hour, 10))
	if err != nil || c.Base.Runs != 2 || c.find(t, "p50").Base[0] > 11100 {
		t.Errorf("%+v, %v", c.Base, err)
	}
}

// TestChangeThresholds judges changes.
func TestChangeThresholds(t *testing.T) {
	clear := func() ([]*Result, []*Result) { return side(0, 10, 10, 10, 10, 10), side(time.Hour, 12, 12, 12, 12, 12) }
	noisy := func() ([]*Result, []*Result) { return side(0, 10, 30, 20, 15), side(time.Hour, 40, 11, 39, 16) }
	single := func() ([]*Result, []*Result) { return side(0, 10), side(time.Hour, 12) }
	for _, c := range []struct {
		sides  func() ([]*Result, []*Result)
		expr   string
		failed bool
		want   string
	}{
		{clear, "p99>+10%", true, "FAIL p99 = +20.0 % (fails above +10 %; p=0.008)"},
		{clear, "p99>+30%", false, "PASS p99 = +20.0 % (fails above +30 %; p=0.008)"},
		{clear, "p50 >= +5 %", true, "FAIL p50 = +20.0 % (fails at +5 % or above; p=0.008)"},
		{clear, "send.rate<-0.1%", true, "FAIL send.rate = -0.2 % (fails below -0.1 %; p=0.008)"},
		{clear, "send.rate<-5%", false, "PASS send.rate = -0.2 % (fails below -5 %; p=0.008)"},
		{clear, "loss>0%", false, "PASS loss = 0.0 % (fails above 0 %; p=1.000)"},
		{noisy, "p99>+10%", false, "PASS p99 = +57.2 % (fails above +10 %; p=0.486; within noise)"},
		{single, "p99>+10%", true, "FAIL p99 = +20.0 % (fails above +10 %; noise is unknown)"},
		{single, "max<-10%", false, "PASS max = +20.0 % (fails below -10 %; noise is unknown)"},
	} {
		base, next := c.sides()
		both, err := Compare(base, next)
		if err != nil {
			t.Fatal(err)
		}
		th, err := ParseChange(c.expr)
		if err != nil {
			t.Errorf("%s: %v", c.expr, err)
			continue
		}
		failed := both.Judge([]*ChangeThreshold{th})
		if got := both.Verdicts[0].String(); got != c.want || failed != c.failed {
			t.Errorf("%s: %s, want %s", c.expr, got, c.want)
		}
	}
	base, next := single()
	next[0].Lost, next[0].Errors = 6, 3
	base[0].Errors = 0
	both, err := Compare(base, next)
	if err != nil {
		t.Fatal(err)
	}
	base[0].Service = NewHistogram()
	from0, _ := ParseChange("errors>+10%")
	missing, _ := ParseChange("service.p99>+10%")
	if !both.Judge([]*ChangeThreshold{from0, missing}) || both.Verdicts[0].String() != "FAIL errors = was 0 (fails above +10 %; noise is unknown)" ||
		both.Verdicts[1].String() != "FAIL service.p99>+10%: not all runs measured it" {
		t.Errorf("%s; %s", both.Verdicts[0].String(), both.Verdicts[1].String())
	}
	for _, bad := range []string{"", "p99", "p99>10%", "p99>+10", "p99>20ms", "p99>+x%", "p99==+1%", "p99!=+1%", "speed>+1%", "p99>+inf%", "loss", "p99>%", "p99>+%"} {
		if _, err := ParseChange(bad); err == nil {
			t.Errorf("%q is no error", bad)
		}
	}
}

// TestCompareReports checks that each report of a comparison has what it needs, that the JSON
// fits its schema, and that hostile text stays text.
func TestCompareReports(t *testing.T) {
	b, err := os.ReadFile("compare.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("compare.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("compare.json")
	if err != nil {
		t.Fatal(err)
	}
	bad := hostile()
	bad.Kind, bad.Started = KindMessages, bad.Started.Add(time.Hour)
	connections := sampleConnections()
	connections.Started = connections.Started.Add(time.Hour)
	for name, sides := range map[string][2][]*Result{
		"runs": {side(0, 10, 11, 12, 13), side(time.Hour, 20, 21, 22, 23)}, "one": {side(0, 10), side(time.Hour, 10)},
		"real": {{sample(20, 1000)}, {sample(30, 2000)}}, "connections": {{sampleConnections()}, {connections}}, "hostile": {{sample(10, 1000)}, {bad}},
		"empty": {{{Kind: KindMessages}}, {{Kind: KindMessages, Seconds: 1}}},
	} {
		for _, r := range append(sides[0], sides[1]...) {
			for _, h := range []**Histogram{&r.Latency, &r.Service, &r.Lag, &r.Ack, &r.Connect} {
				if *h == nil {
					*h = NewHistogram()
				}
			}
		}
		c, err := Compare(sides[0], sides[1])
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, expr := range []string{"p99>+10%", "rate<-5%", "errors>+1%"} {
			th, err := ParseChange(expr)
			if err != nil {
				t.Fatal(err)
			}
			c.Judge([]*ChangeThreshold{th})
		}
		var out bytes.Buffer
		if err := CompareJSON(&out, c); err != nil {
			t.Fatal(err)
		}
		if err := valid(t, schema, out.Bytes()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		out.Reset()
		if err := CompareText(nothing{})(&out, c); err != nil || bytes.ContainsAny(out.Bytes(), "\x1b\u202e") {
			t.Errorf("%s: %v, %q", name, err, out.String())
		}
		out.Reset()
		if err := CompareHTML(&out, c); err != nil || strings.Count(out.String(), "<script>") != 1 || strings.Contains(out.String(), "NaN") ||
			strings.Contains(out.String(), "Inf") {
			t.Errorf("%s: %v, %d bytes", name, err, out.Len())
		}
		for figure := range strings.SplitSeq(out.String(), "<figure>") {
			if strings.Contains(figure, "<svg") && (!strings.Contains(figure, "line old") || !strings.Contains(figure, "line new")) {
				t.Errorf("%s: a chart has not both sides: %.200s", name, figure)
			}
		}
	}
}
