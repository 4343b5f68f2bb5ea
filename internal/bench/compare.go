package bench

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"golang.org/x/perf/benchmath"
)

// CompareSchema names the format of a Comparison's JSON.
const CompareSchema = "mqtt-bench-compare/1"

// significance is the largest p-value at which a difference counts as a change.
const significance = 0.05

// Comparison compares the runs of two sides, such as two versions of a server.
type Comparison struct {
	Schema      string          `json:"schema"`
	Kind        string          `json:"kind"` // of all results
	Base        Side            `json:"base"`
	New         Side            `json:"new"`
	Alpha       float64         `json:"alpha"`                 // the largest p-value of a change
	Differences []Difference    `json:"differences,omitempty"` // settings that the sides do not share
	Metrics     []Metric        `json:"metrics"`
	Summary     string          `json:"summary"` // the trend of all metrics together: better, worse, mixed, same or unknown
	Notes       []Note          `json:"notes,omitempty"`
	Verdicts    []ChangeVerdict `json:"verdicts,omitempty"` // of thresholds, in the order they were given
}

// Side has the runs of one side.
type Side struct {
	Runs    int         `json:"runs"`
	Started []time.Time `json:"started"` // of each run
	Tool    string      `json:"tool,omitempty"`
	Server  string      `json:"server"`
	results []*Result
}

// Difference is a setting that the sides do not share.
type Difference struct {
	Name string `json:"name"`
	Base string `json:"base"`
	New  string `json:"new"`
}

// Trends of a Metric.
const (
	Better  = "better"
	Worse   = "worse"
	Same    = "same"    // the sides do not differ by more than noise
	Mixed   = "mixed"   // some metrics are better, and others worse
	Unknown = "unknown" // there are too few runs to tell change from noise
)

// Metric is a measurement of all runs of both sides.
type Metric struct {
	Name       string    `json:"name"` // as in --fail-if
	Unit       string    `json:"unit"` // µs, /s, %, cores, bytes, or empty for a count
	Base       []float64 `json:"base"` // one value for each run that measured it
	New        []float64 `json:"new"`
	BaseMedian float64   `json:"base_median"`
	NewMedian  float64   `json:"new_median"`
	Change     *float64  `json:"change"` // from BaseMedian to NewMedian in percent; null from 0 to another value
	P          *float64  `json:"p"`      // of a Mann-Whitney U test; null with one run a side
	Trend      string    `json:"trend"`
}

// Compare compares the results of two sides. Results of one side that are parts of one run
// are merged first.
func Compare(base, next []*Result) (*Comparison, error) {
	if len(base) == 0 || len(next) == 0 {
		return nil, errors.New("a comparison needs results on both sides")
	}
	c := &Comparison{Schema: CompareSchema, Kind: base[0].Kind, Alpha: significance}
	var err error
	if c.Base, err = newSide(base); err != nil {
		return nil, fmt.Errorf("base: %w", err)
	}
	if c.New, err = newSide(next); err != nil {
		return nil, fmt.Errorf("new: %w", err)
	}
	for _, r := range slices.Concat(base, next) {
		if r.Kind != c.Kind {
			return nil, fmt.Errorf("a result of %s does not compare with one of %s", r.Kind, c.Kind)
		}
	}
	c.Differences = differences(c.Base.results[0], c.New.results[0])
	for _, m := range metrics(c.Kind) {
		if one := m.compare(&c.Base, &c.New); len(one.Base) > 0 && len(one.New) > 0 {
			c.Metrics = append(c.Metrics, one)
		}
	}
	c.Summary = c.summary()
	c.Notes = c.notes()
	return c, nil
}

// newSide returns a side with the runs of all. Parts of one run are merged.
func newSide(all []*Result) (Side, error) {
	var runs [][]*Result
	for i, r := range all {
		if slices.ContainsFunc(all[:i], r.equal) {
			return Side{}, fmt.Errorf("the result that began at %s is there twice", r.Started.Format(time.RFC3339Nano))
		}
		at := slices.IndexFunc(runs, func(run []*Result) bool { return together(append(slices.Clone(run), r)) == nil })
		if at < 0 {
			runs = append(runs, []*Result{r})
		} else {
			runs[at] = append(runs[at], r)
		}
	}
	s := Side{Runs: len(runs)}
	for _, parts := range runs {
		r := parts[0]
		if len(parts) > 1 {
			var err error
			if r, err = Merge(parts); err != nil {
				return Side{}, err
			}
		}
		s.Started = append(s.Started, r.Started)
		s.results = append(s.results, r)
	}
	s.Tool, s.Server = s.results[0].Tool, s.results[0].Config.Server
	return s, nil
}

// madeUp is how topics begin whose name differs from run to run.
const madeUp = "mqtt-bench/"

// differences returns the settings that a and b do not share. Server, tool and the name of
// the run are expected to differ.
func differences(a, b *Result) []Difference {
	var all []Difference
	put := func(name string, set func(*Difference)) {
		if name == "tool" || name == "run" || name == "server" {
			return
		}
		i := slices.IndexFunc(all, func(d Difference) bool { return d.Name == name })
		if i < 0 {
			all = append(all, Difference{Name: name})
			i = len(all) - 1
		}
		set(&all[i])
	}
	for _, f := range settings(a) {
		put(f.Name, func(d *Difference) { d.Base = f.Value })
	}
	for _, f := range settings(b) {
		put(f.Name, func(d *Difference) { d.New = f.Value })
	}
	return slices.DeleteFunc(all, func(d Difference) bool {
		return d.Base == d.New || strings.HasPrefix(d.Base, madeUp) && strings.HasPrefix(d.New, madeUp)
	})
}

// compare returns the metric of both sides.
func (m *metric) compare(base, next *Side) Metric {
	one := Metric{Name: m.name, Unit: m.unit, Base: m.values(base), New: m.values(next)}
	if len(one.Base) == 0 || len(one.New) == 0 {
		return one
	}
	one.BaseMedian, one.NewMedian = median(one.Base), median(one.New)
	switch {
	case one.BaseMedian != 0:
		one.Change = pointer(100 * (one.NewMedian - one.BaseMedian) / one.BaseMedian)
	case one.NewMedian == 0:
		one.Change = pointer(0)
	}
	one.P, one.Trend = test(one.Base, one.New)
	if one.Trend == Worse && (one.NewMedian < one.BaseMedian) == m.lessIsBetter {
		one.Trend = Better
	}
	return one
}

// pointer returns a pointer to x.
func pointer(x float64) *float64 { return &x }

// values returns the value of each run of a side that measured it.
func (m *metric) values(s *Side) []float64 {
	values := []float64{} // not null in JSON
	for _, r := range s.results {
		if x, ok := m.value(r); ok {
			values = append(values, x)
		}
	}
	return values
}

// median returns the median of values.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}

// test returns the p-value of a Mann-Whitney U test and Worse if the samples differ by more
// than noise. With one run a side there is no p-value, and with few runs no p-value can be
// significant: then the trend is Unknown.
func test(base, next []float64) (p *float64, trend string) {
	if len(base) == 1 && len(next) == 1 {
		return nil, Unknown
	}
	if all := slices.Concat(base, next); slices.Min(all) == slices.Max(all) {
		return pointer(1), Same
	}
	limits := benchmath.DefaultThresholds
	limits.CompareAlpha = significance
	c := benchmath.AssumeNothing.Compare(benchmath.NewSample(slices.Clone(base), &limits), benchmath.NewSample(slices.Clone(next), &limits))
	switch {
	case c.P <= c.Alpha:
		return &c.P, Worse
	case leastP(len(base), len(next)) > c.Alpha:
		return &c.P, Unknown
	}
	return &c.P, Same
}

// leastP returns the p-value of samples of that size which are as different as possible: 2 of
// all ways to divide them.
func leastP(n, m int) float64 {
	ways := 1.0
	for i := 1; i <= n; i++ {
		ways *= float64(m+i) / float64(i)
	}
	return math.Min(2/ways, 1)
}

// summary returns the trend of all metrics together.
func (c *Comparison) summary() string {
	better, worse := len(c.withTrend(Better)) > 0, len(c.withTrend(Worse)) > 0
	switch {
	case better && worse:
		return Mixed
	case better:
		return Better
	case worse:
		return Worse
	case len(c.withTrend(Unknown)) > 0:
		return Unknown
	}
	return Same
}

// withTrend returns the names of the metrics with that trend.
func (c *Comparison) withTrend(trend string) (names []string) {
	for i := range c.Metrics {
		if m := &c.Metrics[i]; m.Trend == trend {
			names = append(names, m.Name)
		}
	}
	return names
}

// notes returns what a reader must know about the comparison.
func (c *Comparison) notes() []Note {
	var all []Note
	n, m := c.Base.Runs, c.New.Runs
	switch {
	case n == 1 && m == 1:
		all = append(all, Note{About: "noise", Text: "there is one run a side, so noise cannot be told from change", Remedy: "give 4 or more runs a side"})
	case leastP(n, m) > c.Alpha:
		all = append(all, Note{About: "noise",
			Text:   fmt.Sprintf("%d and %d runs are too few to tell noise from change: the p-value of any difference is at least %.2g", n, m, leastP(n, m)),
			Remedy: "give 4 or more runs a side"})
	}
	for _, d := range c.Differences {
		all = append(all, Note{About: "settings", Text: fmt.Sprintf("%s differs: %s in base, %s in new", d.Name, orNone(d.Base), orNone(d.New))})
	}
	for _, s := range []struct {
		name string
		side *Side
	}{{"base", &c.Base}, {"new", &c.New}} {
		var told []string // settings
		for _, r := range s.side.results[1:] {
			for _, d := range differences(s.side.results[0], r) {
				if slices.Contains(told, d.Name) {
					continue
				}
				told = append(told, d.Name)
				all = append(all, Note{About: "settings", Text: fmt.Sprintf("the runs of %s do not share %s: %s, %s", s.name, d.Name, orNone(d.Base), orNone(d.New))})
			}
		}
	}
	return all
}

// orNone returns the value of a setting, none if there is none.
func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
