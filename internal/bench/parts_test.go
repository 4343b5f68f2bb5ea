package bench

import (
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"mqtt/internal/proto"
)

// TestTemplate is trap 56.
func TestTemplate(t *testing.T) {
	for _, c := range []struct{ text, topics, filter, want string }{
		{"a/b", "a/b", "a/b", `^a/b$`},
		{"a/%i/b", "a/7/b", "a/7/b", `^a/7/b$`},
		{"a/%n", "a/%n", "a/+", `^a/42$`},
		{"x%i-%r/%n%n/c", "x7-%r/%n%n/c", "+/+/c", `^x7-\d{10}/4242/c$`},
		{"100%%/%i", "100%%/7", "100%/7", `^100%/7$`},
		{"%t %u", "%t %u", "+", `^\d{19} [0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`},
	} {
		p, err := Compile(c.text, "inrtu")
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got := string(p.Append(nil, 7, 42)); !regexp.MustCompile(c.want).MatchString(got) {
			t.Errorf("%s: %q", c.text, got)
		}
		if p.forClient(7) != c.topics || p.filter(7) != c.filter {
			t.Errorf("%s: topic %q, filter %q", c.text, p.forClient(7), p.filter(7))
		}
		if got := matches(c.filter, c.topics); got != matchesAll {
			t.Errorf("%s does not match all of %s", c.filter, c.topics)
		}
	}
	for _, bad := range []string{"%", "a%", "%x", "%t"} {
		if _, err := Compile(bad, "inr"); err == nil {
			t.Errorf("%q is no error", bad)
		}
	}
}

// TestMatches is trap 55.
func TestMatches(t *testing.T) {
	for _, c := range []struct {
		filter, topics string
		want           match
	}{
		{"a/b", "a/b", matchesAll}, {"a/b", "a/c", matchesNone}, {"a/b", "a", matchesNone}, {"a", "a/b", matchesNone}, {"#", "a/%n", matchesAll},
		{"+/+", "a/%n", matchesAll}, {"a/5", "a/%n", matchesSome}, {"a/#", "a", matchesAll}, {"a/+", "a", matchesNone}, {"+/5/#", "a/x%n/c/d", matchesSome},
		{"b/#", "a/%n", matchesNone}, {"#", "$x/a", matchesNone}, {"+/a", "$x/a", matchesNone}, {"$x/#", "$x/a", matchesAll}, {"100%", "100%%", matchesAll},
	} {
		if got := matches(c.filter, c.topics); got != c.want {
			t.Errorf("%s matches %s: %v, want %v", c.filter, c.topics, got, c.want)
		}
		if !strings.Contains(c.topics, "%") && (c.want == matchesAll) != proto.Match(c.filter, []byte(c.topics)) {
			t.Errorf("%s matches %s: proto.Match disagrees", c.filter, c.topics)
		}
	}
}

func TestHeader(t *testing.T) {
	h := header{run: 0xDEADBEEF, publisher: 1<<31 - 1, warm: true, seq: 1<<63 + 5, intended: 1795184645123456789, late: 1<<32 - 1}
	payload := make([]byte, HeaderSize+3)
	h.put(payload)
	var got header
	if !got.find(&proto.Publish{Payload: payload}, InPayload) || got != h {
		t.Errorf("%+v, want %+v", got, h)
	}
	ps, text := withHeader(proto.Props(nil).AppendPair("mqtt-bench-not", "x"))
	h.putText(text)
	if got = (header{}); !got.find(&proto.Publish{Props: ps}, InProperty) || got != h {
		t.Errorf("%+v, want %+v", got, h)
	}
	if err := ps.Check(proto.PUBLISH); err != nil {
		t.Error(err)
	}
	for n := range HeaderSize {
		if got.find(&proto.Publish{Payload: payload[:n]}, InPayload) {
			t.Errorf("%d bytes are a header", n)
		}
	}
	if got.find(&proto.Publish{Payload: payload}, InProperty) {
		t.Error("a header without a property")
	}
}

// TestPace checks that messages of all publishers together are evenly spaced, and that a longer
// schedule begins like a shorter one. Trap 58.
func TestPace(t *testing.T) {
	for _, c := range []struct {
		rate       float64
		burst      uint64
		publishers uint64
	}{{1000, 1, 3}, {0.3, 1, 2}, {20000, 10, 7}, {1e6, 1, 100}, {333.3, 5, 5}} {
		p := pace{c.rate, c.burst, c.publishers}
		var due []int64
		for n := range uint64(200) {
			for i := range int(c.publishers) {
				due = append(due, p.due(i, n))
			}
		}
		if !slices.IsSorted(due) {
			t.Errorf("%+v: out of order", c)
		}
		for k, at := range due {
			want := float64(uint64(k)-uint64(k)%c.burst) * 1e9 / c.rate
			if d := float64(at) - want; d < -1 || d > 1 {
				t.Fatalf("%+v: message %d is due at %d, not %f", c, k, at, want)
			}
		}
		var n, share uint64
		end := int64(100 * 1e9 / c.rate)
		for i := range int(c.publishers) {
			n += p.before(i, end, math.MaxUint64)
			share += p.share(i, 12345)
		}
		if want := (100 + c.burst - 1) / c.burst * c.burst; n != want || share != 12345 {
			t.Errorf("%+v: %d messages before the 101st, want %d; shares are %d in all", c, n, want, share)
		}
	}
}

// TestThreshold is trap 9.
func TestThreshold(t *testing.T) {
	r := sample(10, 1000)
	r.Sent, r.Expected, r.Received, r.Lost, r.Duplicated, r.Errors, r.ReceiveRate, r.SendRate = 1000, 1000, 995, 5, 2, 1, 99.5, 100
	r.Reordered = 0
	ms := func(d time.Duration) string { return d.String() }
	for _, c := range []struct {
		expr   string
		failed bool
	}{
		{"p99>" + ms(r.Latency.At(99)-time.Microsecond), true}, {"p99>1h", false}, {"p99.9<1h", true}, {"p999<1h", true}, {"p50 >= 0ms", true},
		{"latency.p99>1h", false}, {"service.p99.99>1ns", true}, {"lag.max>1h", false}, {"connect.p99>1h", false}, {"mean<1us", false},
		{"ack.min>0ns", true}, {"loss", true}, {"loss>0", true}, {"loss>5", false}, {"loss>=5", true}, {"lost>0.4%", true}, {"loss>0.5%", false},
		{"dup", true}, {"dup>2", false}, {"reorder", false}, {"errors", true}, {"errors>1", false}, {"rate<100", true}, {"rate<99.5/s", false},
		{"send.rate<100", false}, {"rate<0.1k", true}, {"received==995", true}, {"received!=995", false}, {"sent<=999", false},
	} {
		th, err := ParseThreshold(c.expr)
		if err != nil {
			t.Errorf("%s: %v", c.expr, err)
			continue
		}
		if got := r.Judge([]*Threshold{th}); got != c.failed {
			t.Errorf("%s: failed %v: %s", c.expr, got, r.Verdicts[0].String())
		}
	}
	for _, bad := range []string{"", "p99", "p99>", "p99>fast", "p100>1s", "p>1s", "lags>1s", "loss>-1", "loss>x", "rate<10%", "loss>1/s", "foo.p99>1s",
		"p99=20ms", "errors!1", "max", "p99.9.9>1s", "connect>1s"} {
		if _, err := ParseThreshold(bad); err == nil {
			t.Errorf("%q is no error", bad)
		}
	}
	for _, metric := range strings.Fields("p99 p50 p99.9 min mean max latency.p99 service.max lag.p50 ack.p99 connect.p99") {
		for _, op := range operators {
			for _, limit := range strings.Fields("20 0 0.5 .5 5.") {
				_, err := ParseThreshold(metric + op + limit)
				if want := limit + " has no unit: write " + limit + "ms or " + limit + "s"; err == nil || !strings.HasSuffix(err.Error(), want) {
					t.Errorf("%s%s%s: error %v, want %q", metric, op, limit, err, want)
				}
			}
		}
	}
	r.Connect = NewHistogram()
	if th, _ := ParseThreshold("connect.p99>1h"); !r.Judge([]*Threshold{th}) || r.Verdicts[0].Reason == "" {
		t.Error("a threshold passes although its metric was not measured")
	}
	th, _ := ParseThreshold("dup")
	if r.Accounted = false; !r.Judge([]*Threshold{th}) || r.Verdicts[0].Reason == "" {
		t.Error("a threshold passes although duplicates are not known")
	}
}

// TestHistogramMerges checks that merged histograms equal the histogram of all values. Trap 52.
func TestHistogramMerges(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 9))
	whole := NewHistogram()
	parts := []*Histogram{NewHistogram(), NewHistogram(), NewHistogram()}
	for range 10000 {
		d := time.Duration(rnd.ExpFloat64() * 1e6)
		whole.Record(d)
		parts[rnd.IntN(3)].Record(d)
	}
	merged := NewHistogram()
	for _, p := range parts {
		merged.Merge(p)
	}
	a, err := whole.MarshalJSON()
	b, err2 := merged.MarshalJSON()
	if err != nil || err2 != nil || string(a) != string(b) {
		t.Errorf("%s\n%s\n%v %v", a, b, err, err2)
	}
	var sum uint64
	p := Point{Latency: whole}
	for _, n := range p.Heat() {
		sum += n
	}
	if sum != 10000 {
		t.Errorf("the column of a heat map has %d, not 10000", sum)
	}
	h := NewHistogram()
	h.Record(-5)
	h.Record(3 * time.Hour)
	if h.Min() != 1 || h.Max() < time.Hour || h.Count() != 2 {
		t.Errorf("min %s max %s count %d", h.Min(), h.Max(), h.Count())
	}
}

// TestSeriesGetsCoarser checks that a long series has fewer, wider points with the same totals.
func TestSeriesGetsCoarser(t *testing.T) {
	var points []Point
	for i := range 9 {
		p := Point{Sent: uint64(i), Connections: uint64(i), Latency: emptyHistogram()}
		p.Latency.Record(time.Millisecond)
		points = append(points, p)
	}
	half := coarser(points)
	var sent, latencies uint64
	for _, p := range half {
		sent += p.Sent
		latencies += uint64(p.Latency.Count())
	}
	if len(half) != 5 || sent != 36 || latencies != 9 || half[1].Connections != 3 {
		t.Errorf("%d points with %d messages, %d latencies", len(half), sent, latencies)
	}
}

// TestPreflight is trap 62.
func TestPreflight(t *testing.T) {
	if err := Preflight(1, 1); err != nil {
		t.Errorf("one connection: %v", err)
	}
	if Descriptors() > 0 {
		if err := Preflight(Descriptors(), 0); err == nil || !strings.Contains(err.Error(), "open files") {
			t.Errorf("all descriptors: %v", err)
		}
	}
	if _, _, ok := portRange(); ok {
		low, high, _ := portRange()
		if n := high - low + 2; n+spareFiles < Descriptors() || Descriptors() == 0 {
			err := Preflight(n, 1)
			if err == nil || !strings.Contains(err.Error(), "local ports") {
				t.Errorf("%d connections from one address: %v", n, err)
			}
			if err := Preflight(n, 2); err != nil {
				t.Errorf("%d connections from two addresses: %v", n, err)
			}
		}
	}
}
