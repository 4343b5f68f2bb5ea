package bench

import (
	"slices"
	"sort"
	"strings"
	"time"
)

// The number of thresholds that a drawing shows, and how far, as a factor, one may be from what was
// measured. One that is farther away would flatten the curves.
const (
	maxLimits     = 6
	maxLimitRange = 1000
)

// limit is the line of a threshold in the drawing of the latency.
type limit struct {
	at     time.Duration
	text   string
	failed bool
}

// limits returns the thresholds of r about the latency, ascending. Those with the same limit have
// one line.
func limits(r *Result) []limit {
	var all []limit
	for i := range r.Verdicts {
		v := &r.Verdicts[i]
		name, of := strings.CutPrefix(v.Metric, "latency.")
		if !v.Time || v.Limit <= 0 || !of && timeOf("latency."+name) == nil {
			continue
		}
		at, text := fromMicros(v.Limit), name+" "+v.condition()
		if j := slices.IndexFunc(all, func(l limit) bool { return l.at == at }); j >= 0 {
			all[j].text, all[j].failed = all[j].text+", "+text, all[j].failed || v.Failed
		} else if len(all) < maxLimits {
			all = append(all, limit{at, text, v.Failed})
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].at < all[j].at })
	return all
}

// limits draws those that are on the axis, with their names at the left.
func (p *page) limits(x, y *axis, all []limit) {
	above := y.from + labelHeight // the height of the name below
	for _, l := range all {
		if float64(l.at) < y.lo || float64(l.at) > y.hi {
			continue
		}
		class := "limit kept"
		if l.failed {
			class = "limit broken"
		}
		h := y.place(float64(l.at))
		p.line(class, x.from, h, x.to, h)
		name := min(h-5, above-labelHeight)
		if name < drawTop {
			name = h + labelHeight - 2
		}
		p.label(class, x.from+6, name, l.text)
		above = name
	}
}
