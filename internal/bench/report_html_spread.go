package bench

import (
	"math"
	"strconv"
	"time"

	"mqtt/internal/format"
)

// spread draws percentiles of the whole run: to the right, every step leaves a tenth.
func (p *page) spread(r *Result) {
	const height = 330.0
	kinds := [...]struct {
		class, name string
		h           *Histogram
	}{{"latency", "latency", r.Latency}, {"service", "service", r.Service}, {"lag", "lag", r.Lag}, {"acked", "ack", r.Ack}}
	lo, hi, most := time.Duration(math.MaxInt64), time.Duration(0), int64(0)
	for _, k := range kinds {
		if k.h.Count() > 0 {
			lo, hi, most = min(lo, k.h.Min()), max(hi, k.h.Max()), max(most, k.h.Count())
		}
	}
	x, xs := nines(most, drawLeft, drawRight)
	y, ys := durationAxis(max(lo, time.Microsecond/2), hi, height-drawFoot, drawTop)
	p.open(height, "Times by percentile, both axes logarithmic")
	p.grid(&x, xs, &y, ys, "percentile: so many are at or below")
	for _, t := range xs {
		p.line("minor", x.at(t.v), drawTop, x.at(t.v), y.from)
	}
	var curves []named
	for i := len(kinds) - 1; i >= 0; i-- { // latency on top
		k := kinds[i]
		if k.h.Count() == 0 {
			continue
		}
		c := named{k.class, k.name, percentiles(k.h, &x, &y)}
		p.curve(c.class, c.places, false)
		if end := c.places[len(c.places)-1]; end.x < drawRight-60 { // ends early: its name stands there
			p.label("name "+c.class, end.x+6, end.y+4, c.name)
			continue
		}
		curves = append([]named{c}, curves...)
	}
	p.names(drawRight+8, y.from, curves)
	const columns = 48
	for i := range columns {
		a, b := x.hi*float64(i)/columns, x.hi*float64(i+1)/columns
		part := 1 - math.Pow(10, -(a+b)/2)
		text := "percentile " + strconv.FormatFloat(part*100, 'g', 2+int(a+1), 64)
		for _, k := range kinds {
			if k.h.Count() > 0 {
				text += "\n" + k.name + " " + format.Duration(k.h.At(part*100))
			}
		}
		p.tip(x.at(a), drawTop, x.at(b)-x.at(a), y.from-drawTop, text)
	}
	p.close()
}

// percentiles makes the staircase of h: up to the time of a bucket, then to the right
// over its part. The last of n times stands where one of n is above.
func percentiles(h *Histogram, x, y *axis) []place {
	all := float64(h.Count())
	var places []place
	var sum float64
	last := -1.0
	h.Each(func(_, high time.Duration, n int64) {
		sum += float64(n)
		to := x.at(math.Log10(all))
		if sum < all {
			to = min(to, x.at(nine(sum/all)))
		}
		if to-last < 1.5 && sum < all { // finer than a line is wide
			return
		}
		at := y.at(float64(high))
		if last < 0 {
			places = append(places, place{x: x.from, y: at})
		} else {
			places = append(places, place{x: last, y: at})
		}
		places = append(places, place{x: to, y: at})
		last = to
	})
	return places
}

// Classes of a heat map, from few to many.
const heatClasses = 8

// heat draws how many messages had which latency when.
func (p *page) heat(r *Result) {
	o := newOverTime(r, heatSlots)
	edges := HeatEdges()
	cells := make([][]uint64, len(o.all))
	first, last := len(edges), 0
	var most uint64
	for i := range o.all {
		if o.all[i].Latency.Count() == 0 {
			continue
		}
		cells[i] = o.all[i].Heat()
		for row, n := range cells[i] {
			if n > 0 {
				first, last, most = min(first, row), max(last, row), max(most, n)
			}
		}
	}
	if most == 0 {
		return
	}
	first, last = max(first-1, 0), min(last+1, len(edges)-1) // a row of air
	for last-first < 8 {
		first, last = max(first-1, 0), min(last+1, len(edges)-1)
	}
	row := min(max(240/float64(last-first+1), 5), 14)
	height := drawTop + float64(last-first+1)*row + drawFoot
	y := axis{from: height - drawFoot, to: drawTop, log: true}
	y.lo, y.hi = float64(edges[first])/math.Pow(10, 1.0/8), float64(edges[last])
	_, all := durationAxis(time.Duration(y.lo), time.Duration(y.hi), 0, 1)
	ys := all[:0]
	for _, t := range all {
		if t.label != "" && t.v >= y.lo*0.999 && t.v <= y.hi*1.001 {
			ys = append(ys, t)
		}
	}
	p.open(height, "Latency over time: the darker, the more messages")
	p.rect("ground", drawLeft, drawTop, drawRight-drawLeft, y.from-drawTop)
	for class := 1; class <= heatClasses; class++ {
		p.raw(`<path class="h`, strconv.Itoa(class), `" d="`)
		for i := range cells {
			a, b := o.x.at(o.all[i].from), o.x.at(min(o.all[i].to, o.end))
			for j, n := range cells[i] {
				if b > a && heatClass(n, most) == class {
					p.raw("M")
					p.num(a)
					p.raw(" ")
					p.num(y.from - float64(j-first)*row)
					p.raw("h")
					p.num(b - a)
					p.raw("v-")
					p.num(row)
					p.raw("h-")
					p.num(b - a)
					p.raw("Z")
				}
			}
		}
		p.raw("\"/>\n")
	}
	p.grid(&o.x, o.xs, &y, ys, "time since the start")
	o.mark(p, drawTop, y.from)
	p.heatKey(most)
	o.tips(p, drawTop, y.from, latencyTip)
	p.close()
}

// heatClass returns 0 for none, then by the logarithm, so that a few late messages
// are seen beside a million in time.
func heatClass(n, most uint64) int {
	if n == 0 {
		return 0
	}
	if most <= 1 {
		return heatClasses
	}
	return 1 + int(float64(heatClasses-1)*math.Log(float64(n))/math.Log(float64(most))+0.5)
}

// heatKey draws what the colours mean, at the right.
func (p *page) heatKey(most uint64) {
	const size = 14.0
	x, top := drawRight+14, drawTop+8
	p.label("what", x, top-2, short(roundCount(float64(most))))
	for class := heatClasses; class >= 1; class-- {
		p.rect("h"+strconv.Itoa(class), x, top+4+float64(heatClasses-class)*size, size, size)
	}
	p.label("what", x, top+4+heatClasses*size+13, "1")
}

// roundCount keeps two digits of x.
func roundCount(x float64) float64 {
	d := math.Pow(10, max(math.Floor(math.Log10(x))-1, 0))
	return math.Round(x/d) * d
}

// phases draws how long each step of connecting took: from the least to the most,
// thick from p50 to p99.
func (p *page) phases(r *Result) {
	var all []Phase
	for _, ph := range r.Phases {
		if ph.Took.Count() > 0 {
			all = append(all, ph)
		}
	}
	if r.Connect.Count() > 0 {
		all = append(all, Phase{"connect", r.Connect})
	}
	lo, hi := time.Duration(math.MaxInt64), time.Duration(0)
	for _, ph := range all {
		lo, hi = min(lo, ph.Took.Min()), max(hi, ph.Took.Max())
	}
	const left, right, row = 100.0, drawWidth - 230, 30.0
	height := drawTop + 16 + row*float64(len(all)) + 26
	x, xs := durationAxis(lo, hi, left, right)
	bottom := height - 26
	p.open(height, "Times of the steps of a connection, logarithmic")
	for _, t := range xs {
		class := "grid"
		if t.label == "" {
			class = "minor"
		}
		p.line(class, x.at(t.v), drawTop+16, x.at(t.v), bottom)
		if t.label != "" {
			p.label("tick mid", x.at(t.v), bottom+18, t.label)
		}
	}
	for i, name := range [...]string{"p50", "p99", "max"} {
		p.label("what end", right+90+float64(i)*68, drawTop+4, name)
	}
	for i, ph := range all {
		y := drawTop + 16 + row*(float64(i)+0.5)
		h := ph.Took
		p.label("tick end", left-12, y+4, ph.Name)
		p.line("whisker", x.at(float64(h.Min())), y, x.at(float64(h.Max())), y)
		a, b := x.at(float64(h.At(50))), x.at(float64(h.At(99)))
		p.rect("box", a-1, y-6, max(b-a, 2), 12)
		p.line("middle", a, y-9, a, y+9)
		for j, q := range [...]float64{50, 99, 100} {
			p.label("figure end", right+90+float64(j)*68, y+4, format.Duration(h.At(q)))
		}
		p.tip(left, y-row/2, right-left, row, ph.Name+"\nmin "+format.Duration(h.Min())+"\np50 "+format.Duration(h.At(50))+
			"\np99 "+format.Duration(h.At(99))+"\nmax "+format.Duration(h.Max())+"\n"+format.Count(uint64(h.Count()))+" times")
	}
	p.close()
}
