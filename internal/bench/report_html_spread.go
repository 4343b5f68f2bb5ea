package bench

import (
	"math"
	"strconv"
	"time"

	"mqtt/internal/format"
)

// spread draws the percentiles of the whole run on an axis of percentiles.
func (p *page) spread(r *Result) {
	const height = 330.0
	kinds := [...]struct {
		class, name string
		h           *Histogram
		floor       time.Duration
	}{{"latency", "latency", r.Latency, r.Clock.floor()}, {"service", "service", r.Service, r.Clock.floor()},
		{"lag", "lag", r.Lag, 0}, {"acked", "ack", r.Ack, 0}}
	lo, hi, most := time.Duration(math.MaxInt64), time.Duration(0), int64(0)
	for _, k := range kinds {
		if k.h.Count() > 0 {
			lo, hi, most = min(lo, k.h.Min()), max(hi, k.h.Max()), max(most, k.h.Count())
		}
	}
	x, xs := percentileAxis(most, drawLeft, drawRight)
	y, ys := durationAxis(max(lo, time.Microsecond/2), hi, height-drawBottom, drawTop)
	p.open(height, "Times by percentile, both axes logarithmic")
	p.grid(&x, xs, &y, ys, "percentile: so many are at or below")
	for _, t := range xs {
		p.line("minor", x.place(t.value), drawTop, x.place(t.value), y.from)
	}
	var curves []curve
	for i := len(kinds) - 1; i >= 0; i-- { // latency last, on top
		k := kinds[i]
		if k.h.Count() == 0 {
			continue
		}
		c := curve{k.class, k.name, percentiles(k.h, &x, &y)}
		p.curve(c.class, c.vertices, false)
		if end := c.vertices[len(c.vertices)-1]; end.x < drawRight-60 { // the curve ends early and has its name there
			p.label("name "+c.class, end.x+6, end.y+4, c.name)
			continue
		}
		curves = append([]curve{c}, curves...)
	}
	p.names(drawRight+8, y.from, curves)
	const columns = 48
	for i := range columns {
		a, b := x.hi*float64(i)/columns, x.hi*float64(i+1)/columns
		part := 1 - math.Pow(10, -(a+b)/2)
		text := "percentile " + strconv.FormatFloat(part*100, 'g', 2+int(a+1), 64)
		for _, k := range kinds {
			if k.h.Count() > 0 {
				text += "\n" + k.name + " " + timeText(k.h.At(part*100), k.floor)
			}
		}
		p.tip(x.place(a), drawTop, x.place(b)-x.place(a), y.from-drawTop, text)
	}
	p.close()
}

// percentiles returns the curve of h, with a step for each bucket: up to the time of the
// bucket, then right by its share. The curve ends where one of all values is above.
func percentiles(h *Histogram, x, y *axis) []vertex {
	all := float64(h.Count())
	var places []vertex
	var sum float64
	last := -1.0
	h.Each(func(_, high time.Duration, n int64) {
		sum += float64(n)
		to := x.place(math.Log10(all))
		if sum < all {
			to = min(to, x.place(onPercentileAxis(sum/all)))
		}
		if to-last < 1.5 && sum < all { // narrower than the line
			return
		}
		h := y.place(float64(high))
		if last < 0 {
			places = append(places, vertex{x: x.from, y: h})
		} else {
			places = append(places, vertex{x: last, y: h})
		}
		places = append(places, vertex{x: to, y: h})
		last = to
	})
	return places
}

// heatClasses is the number of colors of a heat map.
const heatClasses = 8

// heat draws how many messages had which latency at which time.
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
	first, last = max(first-1, 0), min(last+1, len(edges)-1) // with an empty row
	for last-first < 8 {
		first, last = max(first-1, 0), min(last+1, len(edges)-1)
	}
	row := min(max(240/float64(last-first+1), 5), 14) // height
	height := drawTop + float64(last-first+1)*row + drawBottom
	y := axis{from: height - drawBottom, to: drawTop, log: true}
	y.lo, y.hi = float64(edges[first])/math.Pow(10, 1.0/8), float64(edges[last])
	_, all := durationAxis(time.Duration(y.lo), time.Duration(y.hi), 0, 1)
	ys := all[:0]
	for _, t := range all {
		if t.label != "" && t.value >= y.lo*0.999 && t.value <= y.hi*1.001 {
			ys = append(ys, t)
		}
	}
	p.open(height, "Latency over time: the darker, the more messages")
	p.rect("ground", drawLeft, drawTop, drawRight-drawLeft, y.from-drawTop)
	for class := 1; class <= heatClasses; class++ {
		p.Raw(`<path class="h`, strconv.Itoa(class), `" d="`)
		for i := range cells {
			a, b := o.x.place(o.all[i].from), o.x.place(min(o.all[i].to, o.end))
			for j, n := range cells[i] {
				if b > a && heatClass(n, most) == class {
					p.Raw("M")
					p.num(a)
					p.Raw(" ")
					p.num(y.from - float64(j-first)*row)
					p.Raw("h")
					p.num(b - a)
					p.Raw("v-")
					p.num(row)
					p.Raw("h-")
					p.num(b - a)
					p.Raw("Z")
				}
			}
		}
		p.Raw("\"/>\n")
	}
	p.grid(&o.x, o.xs, &y, ys, "time since the start")
	o.mark(p, drawTop, y.from)
	p.heatKey(most)
	o.tips(p, drawTop, y.from, latencyTip(r.Clock.floor()))
	p.close()
}

// heatClass returns the color of a cell: 0 if it is empty, else by the logarithm of n, so
// that a few late messages are visible beside a million others.
func heatClass(n, most uint64) int {
	if n == 0 {
		return 0
	}
	if most <= 1 {
		return heatClasses
	}
	return 1 + int(float64(heatClasses-1)*math.Log(float64(n))/math.Log(float64(most))+0.5)
}

// heatKey draws the meaning of the colors, to the right of the plot.
func (p *page) heatKey(most uint64) {
	const size = 14.0
	x, top := drawRight+14, drawTop+8
	p.label("what", x, top-2, shortNumber(roundCount(float64(most))))
	for class := heatClasses; class >= 1; class-- {
		p.rect("h"+strconv.Itoa(class), x, top+4+float64(heatClasses-class)*size, size, size)
	}
	p.label("what", x, top+4+heatClasses*size+13, "1")
}

// roundCount returns x with two significant digits.
func roundCount(x float64) float64 {
	d := math.Pow(10, max(math.Floor(math.Log10(x))-1, 0))
	return math.Round(x/d) * d
}

// phases draws the times of each step of connecting: a line from minimum to maximum and a
// box from p50 to p99.
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
		p.line(class, x.place(t.value), drawTop+16, x.place(t.value), bottom)
		if t.label != "" {
			p.label("tick mid", x.place(t.value), bottom+18, t.label)
		}
	}
	for i, name := range [...]string{"p50", "p99", "max"} {
		p.label("what end", right+90+float64(i)*68, drawTop+4, name)
	}
	for i, ph := range all {
		y := drawTop + 16 + row*(float64(i)+0.5)
		h := ph.Took
		p.label("tick end", left-12, y+4, ph.Name)
		p.line("whisker", x.place(float64(h.Min())), y, x.place(float64(h.Max())), y)
		a, b := x.place(float64(h.At(50))), x.place(float64(h.At(99)))
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
