package bench

import (
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"mqtt/internal/format"
	"mqtt/internal/report"
)

// CompareHTML writes c as a single HTML page without references to anything outside. Each
// chart has both sides.
func CompareHTML(w io.Writer, c *Comparison) error {
	title := "mqtt bench compare"
	p := page{report.NewPage(title, chartStyle)}
	failed, n := 0, len(c.Verdicts)
	for i := range c.Verdicts {
		if c.Verdicts[i].Failed {
			failed++
		}
	}
	p.Title(title, runs("base", c.Base.Runs)+", compared with "+runs("new", c.New.Runs), badge(failed, n), failed == 0)
	p.Facts([]report.Fact{{Name: "change", Value: c.summaryText()}})
	p.side("base", &c.Base)
	p.side("new", &c.New)
	if n > 0 {
		p.Table("Thresholds", true, "verdict", "--fail-if")
		for i := range c.Verdicts {
			v := &c.Verdicts[i]
			p.verdict(v.String(), v.Expression, v.Failed)
		}
		p.EndTable()
	}
	p.noteList(c.Notes)
	p.Table("Change", false, "", runs("base", c.Base.Runs), runs("new", c.New.Runs), "change", "verdict")
	for i := range c.Metrics {
		m := &c.Metrics[i]
		if !m.shown() {
			continue
		}
		p.changeRow(m)
	}
	p.EndTable()
	p.comparedCharts(c)
	return p.End(w, "Each value is the median of the runs of a side; p is of a Mann-Whitney U test. A change counts if p is at most "+
		strconv.FormatFloat(c.Alpha, 'f', -1, 64)+".")
}

// side appends which runs a side has, and the command line of the first one.
func (p *page) side(name string, s *Side) {
	r := s.results[0]
	facts := []report.Fact{{Name: name, Value: s.text()}}
	if r.ServerVersion != "" {
		facts = append(facts, report.Fact{Name: "server version", Value: r.ServerVersion})
	}
	if len(r.Machines) > 0 && r.Machines[0].Host != "" {
		facts = append(facts, report.Fact{Name: "host", Value: r.Machines[0].Host})
	}
	p.Facts(facts)
	if len(r.Machines) > 0 && r.Machines[0].Command != "" {
		p.Commands(r.Machines[0].Command)
	}
}

// changeRow appends a metric with its change, and whether that is more than noise.
func (p *page) changeRow(m *Metric) {
	class := map[string]string{Worse: "failed", Better: "passed"}[m.Trend]
	p.Raw("<tr>")
	for _, cell := range []string{m.Name, m.text(m.BaseMedian), m.text(m.NewMedian), m.changeText()} {
		p.Tag("td", "", cell)
	}
	p.Tag("td", class, m.trendText())
	p.Raw("</tr>\n")
}

// text returns the runs of s for a person.
func (s *Side) text() string {
	text := s.Server
	if title := s.results[0].Title; title != "" {
		text = title + " · " + text
	}
	for i, at := range s.Started {
		if i == 3 && len(s.Started) > 4 {
			text += " · and " + strconv.Itoa(len(s.Started)-3) + " more"
			break
		}
		text += " · " + at.UTC().Format("2006-01-02 15:04:05")
	}
	if s.Tool != "" {
		text += " · " + s.Tool
	}
	return text
}

// comparedCharts appends those charts for which there is data.
func (p *page) comparedCharts(c *Comparison) {
	all := append(sideRuns("base", "old", &c.Base), sideRuns("new", "new", &c.New)...)
	hist := func(name string, pick func(*Result) *Histogram) {
		for _, r := range all {
			if pick(r.Result).Count() > 0 {
				p.compared(name, "The runs by percentile, one line for each.", func() { p.comparedSpread(all, pick) })
				return
			}
		}
	}
	if c.Kind == KindConnections {
		hist("Connecting", func(r *Result) *Histogram { return r.Connect })
	} else {
		hist("Latency", func(r *Result) *Histogram { return r.Latency })
		hist("Acknowledgement", func(r *Result) *Histogram { return r.Ack })
	}
	over := func(name, about string, values func(*overTime, *Result) []float64, times bool) {
		if !slices.ContainsFunc(all, func(r sideRun) bool { return r.hasSeries(times) }) {
			return
		}
		p.compared(name, about, func() { p.comparedOverTime(all, values, times) })
	}
	if c.Kind == KindConnections {
		over("Connections", "Open at the end of each step.", func(o *overTime, _ *Result) []float64 {
			return o.values(func(s *slot) float64 { return float64(s.Connections) })
		}, false)
		return
	}
	over("Rate over time", "Messages received per second, or sent where nothing is received.", func(o *overTime, r *Result) []float64 {
		if r.Received == 0 {
			return slotRates(o.all, o.sending, func(s *slot) uint64 { return s.Sent })
		}
		return slotRates(o.all, o.end, func(s *slot) uint64 { return s.Received })
	}, false)
	for _, q := range []quantile{{"p50", 50}, {"p99", 99}} {
		over("Latency "+q.name+" over time", "On a logarithmic axis. Where a line stops, nothing was received.", func(o *overTime, _ *Result) []float64 {
			return o.values(func(s *slot) float64 {
				if s.Latency.Count() == 0 {
					return -1
				}
				return float64(s.Latency.At(q.percent))
			})
		}, true)
	}
}

// sideRun is a run of a side, with the class of its curves.
type sideRun struct {
	*Result
	name, class string
}

func sideRuns(name, class string, s *Side) []sideRun {
	var all []sideRun
	for i, r := range s.results {
		one := sideRun{r, "", class}
		if i == 0 { // the others have the same color
			one.name = name
		}
		all = append(all, one)
	}
	return all
}

// hasSeries reports whether r has values over time, and times if they are wanted.
func (r *sideRun) hasSeries(times bool) bool {
	return slices.ContainsFunc(r.Series.Points, func(p Point) bool { return !times || p.Latency.Count() > 0 })
}

// compared appends a drawing with its name and a description.
func (p *page) compared(name, about string, draw func()) {
	p.figure(name, about, func(*Result) { draw() }, nil)
}

// comparedSpread draws the percentiles of a histogram of all runs.
func (p *page) comparedSpread(all []sideRun, pick func(*Result) *Histogram) {
	const height = 330.0
	lo, hi, most := time.Duration(math.MaxInt64), time.Duration(0), int64(0)
	for _, r := range all {
		if h := pick(r.Result); h.Count() > 0 {
			lo, hi, most = min(lo, h.Min()), max(hi, h.Max()), max(most, h.Count())
		}
	}
	x, xs := percentileAxis(most, drawLeft, drawRight)
	y, ys := durationAxis(max(lo, time.Microsecond/2), hi, height-drawBottom, drawTop)
	p.open(height, "Times of both sides by percentile, both axes logarithmic")
	p.grid(&x, xs, &y, ys, "percentile: so many are at or below")
	var curves []curve
	for _, r := range all {
		if h := pick(r.Result); h.Count() > 0 {
			curves = append(curves, curve{r.class, r.name, percentiles(h, &x, &y)})
		}
	}
	p.curves(curves, y.from, false)
	for _, t := range xs {
		part := 1 - math.Pow(10, -t.value)
		text := t.label
		for _, r := range all {
			if h := pick(r.Result); h.Count() > 0 {
				text += "\n" + r.side() + " " + format.Duration(h.At(part*100))
			}
		}
		p.tip(x.place(t.value)-8, drawTop, 16, y.from-drawTop, text)
	}
	p.close()
}

// side returns the name of the side of r.
func (r *sideRun) side() string {
	if r.class == "old" {
		return "base"
	}
	return "new"
}

// curves draws curves and their names.
func (p *page) curves(all []curve, base float64, dots bool) {
	var named []curve
	for _, c := range all {
		if len(c.vertices) == 0 {
			continue
		}
		p.curve(c.class, c.vertices, dots)
		if c.name != "" {
			named = append(named, c)
		}
	}
	p.names(drawRight+8, base, named)
}

// comparedOverTime draws a value of all runs over the time since the start of each. times
// says that the values are times.
func (p *page) comparedOverTime(all []sideRun, values func(*overTime, *Result) []float64, times bool) {
	const height = 270.0
	var longest *overTime
	var axes []*overTime
	var drawn [][]float64
	lo, hi := math.Inf(1), 0.0
	for _, r := range all {
		o := newOverTime(r.Result, lineSlots)
		if times {
			o.all = joinTail(o.all, o.sending, o.end)
		}
		if longest == nil || o.end > longest.end {
			longest = o
		}
		v := values(o, r.Result)
		for _, x := range v {
			if x >= 0 {
				lo, hi = min(lo, x), max(hi, x)
			}
		}
		axes, drawn = append(axes, o), append(drawn, v)
	}
	var y axis
	var ys []tick
	if times {
		y, ys = durationAxis(time.Duration(min(lo, hi)), time.Duration(hi), height-drawBottom, drawTop)
	} else {
		y, ys = countAxis(hi, height-drawBottom, drawTop)
	}
	p.open(height, "Both sides over time")
	p.grid(&longest.x, longest.xs, &y, ys, "time since the start of each run")
	var curves []curve
	for i, o := range axes {
		o.x, o.xs = longest.x, longest.xs
		curves = append(curves, curve{all[i].class, all[i].name, o.curve(&y, drawn[i])})
	}
	p.curves(curves, y.from, false)
	p.close()
}
