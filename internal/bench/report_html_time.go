package bench

import (
	"math"
	"time"

	"mqtt/internal/format"
)

// The largest numbers of slots that a drawing over time has. More could not be
// distinguished.
const (
	lineSlots = 320
	heatSlots = 240
	dotSlots  = 40 // a line with more has no dots
)

// ends returns the times in seconds when sending and when the run ended.
func ends(r *Result, all []slot) (sending, end float64) {
	end = r.Seconds
	if n := len(all); n > 0 && !(end > all[n-1].from) {
		end = all[n-1].to
	}
	if sending = r.SendSeconds; !(sending > 0) {
		sending = end
	}
	return sending, end
}

// overTime is the common part of the drawings over time.
type overTime struct {
	all     []slot
	sending float64 // when sending ended, in seconds
	end     float64 // when the run ended
	x       axis
	xs      []tick
}

// newOverTime returns the common part for at most so many slots.
func newOverTime(r *Result, maxSlots int) *overTime {
	o := &overTime{all: slots(&r.Series, maxSlots)}
	o.sending, o.end = ends(r, o.all)
	o.x, o.xs = clockAxis(o.end, drawLeft, drawRight)
	return o
}

// middle returns the coordinate of a slot, the middle of its part that is on the axis.
func (o *overTime) middle(s *slot) float64 { return o.x.place((s.from + min(s.to, o.end)) / 2) }

// values returns a value of each slot.
func (o *overTime) values(value func(*slot) float64) []float64 {
	values := make([]float64, len(o.all))
	for i := range o.all {
		values[i] = value(&o.all[i])
	}
	return values
}

// curve returns the vertices of a line through the values at the middles of the slots. The
// line begins and ends at the ends of the outermost slots with a value, so that a single
// slot is a horizontal line. A negative value is a gap.
func (o *overTime) curve(y *axis, values []float64) []vertex {
	vertices := make([]vertex, 0, len(o.all)+2)
	for i := range o.all {
		s, v := &o.all[i], values[i]
		if v < 0 {
			vertices = append(vertices, vertex{gap: true})
			continue
		}
		p := vertex{x: o.middle(s), y: y.place(v), dot: true}
		if len(vertices) == 0 || vertices[len(vertices)-1].gap {
			vertices = append(vertices, vertex{x: o.x.place(s.from), y: p.y})
		}
		vertices = append(vertices, p)
		if i+1 == len(o.all) || values[i+1] < 0 {
			vertices = append(vertices, vertex{x: o.x.place(s.to), y: p.y})
		}
	}
	return vertices
}

// tips appends the text of each slot, which is shown under the pointer.
func (o *overTime) tips(p *page, top, bottom float64, text func(i int, s *slot) string) {
	for i := range o.all {
		s := &o.all[i]
		if a, b := o.x.place(s.from), o.x.place(s.to); b > a {
			p.tip(a, top, b-a, bottom-top, slotTime(s.from)+" to "+slotTime(s.to)+"\n"+text(i, s))
		}
	}
}

// slotTime returns a time since the start for a tip.
func slotTime(x float64) string {
	if x < 60 {
		return number(x) + " s"
	}
	return format.Duration(time.Duration(x * 1e9))
}

// mark draws the time when sending ended, if the drawing continues after it.
func (o *overTime) mark(p *page, top, bottom float64) {
	if x := o.x.place(o.sending); drawRight-x > 3 {
		p.line("mark", x, top, x, bottom)
		if drawRight-x > 50 {
			p.label("what", x+5, top+10, "draining")
		}
	}
}

// rates draws messages per second.
func (p *page) rates(r *Result) {
	const height = 270.0
	o := newOverTime(r, lineSlots)
	received := slotRates(o.all, o.end, func(s *slot) uint64 { return s.Received })
	sent := slotRates(o.all, o.sending, func(s *slot) uint64 { return s.Sent })
	name, class := "received", "received"
	if r.Received == 0 && r.Acknowledged > 0 {
		name, class = "acked", "acked"
		received = slotRates(o.all, o.end, func(s *slot) uint64 { return s.Acknowledged })
	}
	most := 0.0
	for i := range o.all {
		most = max(most, sent[i], received[i])
	}
	target := r.Config.Rate
	if target > most*1.5 { // the curves would be at the bottom; a note explains the difference
		target = 0
	}
	y, ys := countAxis(max(most, target), height-drawBottom, drawTop)
	strips := o.strips()
	p.open(height+float64(len(strips))*stripHeight, "Messages a second over time")
	p.grid(&o.x, o.xs, &y, ys, "time since the start")
	o.mark(p, drawTop, y.from)
	var curves []curve
	dots := len(o.all) <= dotSlots
	if r.Sent > 0 {
		c := curve{"sent", "sent", o.curve(&y, sent)}
		p.area(c.class, c.vertices, y.from)
		curves = append(curves, c)
	}
	if r.Received+r.Acknowledged > 0 {
		curves = append(curves, curve{class, name, o.curve(&y, received)})
	}
	for _, c := range curves {
		p.curve(c.class, c.vertices, dots)
	}
	if target > 0 { // on top of the line of what was sent, which is wider
		p.line("target", o.x.from, y.place(target), o.x.to, y.place(target))
		p.label("what", o.x.from+6, y.place(target)-6, "target "+format.Rate(target))
	}
	p.names(drawRight+8, y.from, curves)
	for i, s := range strips {
		p.strip(o, &s, height+float64(i)*stripHeight)
	}
	o.tips(p, drawTop, height+float64(len(strips))*stripHeight, func(i int, s *slot) string {
		text := "sent " + format.Rate(max(sent[i], 0)) + "\n" + name + " " + format.Rate(max(received[i], 0))
		if s.Lost > 0 {
			text += "\nlost " + format.Count(s.Lost)
		}
		if s.Errors > 0 {
			text += "\nerrors " + format.Count(s.Errors)
		}
		return text
	})
	p.close()
}

// strip is a row of bars below a drawing over time.
type strip struct {
	name, class string
	most        uint64
	count       func(*slot) uint64
}

// stripHeight is the height of a strip, with the space above its bars.
const stripHeight = 54.0

// strips returns the rows for loss and errors, without those that are empty.
func (o *overTime) strips() (all []strip) {
	for _, s := range [...]strip{
		{name: "lost", class: "lost", count: func(s *slot) uint64 { return s.Lost }},
		{name: "errors", class: "error", count: func(s *slot) uint64 { return s.Errors }},
	} {
		for i := range o.all {
			s.most = max(s.most, s.count(&o.all[i]))
		}
		if s.most > 0 {
			all = append(all, s)
		}
	}
	return all
}

// strip draws bars below top.
func (p *page) strip(o *overTime, s *strip, top float64) {
	const bar = stripHeight - 22 // height of the largest
	base := top + stripHeight - 8
	p.line("minor", o.x.from, base-bar, o.x.to, base-bar)
	p.line("base", o.x.from, base, o.x.to, base)
	p.label("tick end", o.x.from-9, base-bar+4, shortNumber(roundCount(float64(s.most))))
	p.label("tick end", o.x.from-9, base+4, "0")
	p.label("name "+s.class, o.x.to+8, base-bar/2+4, s.name)
	for i := range o.all {
		n := s.count(&o.all[i])
		a, b := o.x.place(o.all[i].from), o.x.place(min(o.all[i].to, o.end))
		if n == 0 {
			continue
		}
		h := max(bar*float64(n)/float64(s.most), 2)
		p.rect("bar "+s.class, a, base-h, max(b-a-1, 2), h)
	}
}

// latencies draws percentiles over time.
func (p *page) latencies(r *Result) {
	const height = 310.0
	o := newOverTime(r, lineSlots)
	o.all = joinTail(o.all, o.sending, o.end)
	lo, hi := time.Duration(math.MaxInt64), time.Duration(0)
	for i := range o.all {
		if h := o.all[i].Latency; h.Count() > 0 {
			lo, hi = min(lo, h.At(50)), max(hi, h.Max())
		}
	}
	marks := limits(r)
	for _, m := range marks {
		if m.at > lo/maxLimitRange && m.at < hi*maxLimitRange {
			lo, hi = min(lo, m.at), max(hi, m.at)
		}
	}
	y, ys := durationAxis(lo, hi, height-drawBottom, drawTop)
	p.open(height, "Percentiles of latency over time, logarithmic")
	p.grid(&o.x, o.xs, &y, ys, "time since the start")
	o.mark(p, drawTop, y.from)
	var curves []curve
	for _, q := range [...]struct {
		class, name string
		percent     float64
	}{{"max", "max", 100}, {"p99", "p99", 99}, {"p90", "p90", 90}, {"p50", "p50", 50}} {
		curves = append(curves, curve{q.class, q.name, o.curve(&y, o.values(func(s *slot) float64 {
			if s.Latency.Count() == 0 {
				return -1
			}
			return float64(s.Latency.At(q.percent))
		}))})
	}
	for _, c := range curves {
		p.curve(c.class, c.vertices, len(o.all) <= dotSlots)
	}
	p.names(drawRight+8, y.from, curves)
	p.limits(&o.x, &y, marks)
	o.tips(p, drawTop, y.from, latencyTip(r.Clock.floor()))
	p.close()
}

// latencyTip returns a function for the text of a slot with latencies. Times below floor are
// not known.
func latencyTip(floor time.Duration) func(int, *slot) string {
	return func(_ int, s *slot) string {
		h := s.Latency
		if h.Count() == 0 {
			return "nothing received"
		}
		return "p50 " + timeText(h.At(50), floor) + "\np90 " + timeText(h.At(90), floor) + "\np99 " + timeText(h.At(99), floor) +
			"\nmax " + timeText(h.Max(), floor) + "\n" + format.Count(uint64(h.Count())) + " messages"
	}
}

// connections draws the open connections over time.
func (p *page) connections(r *Result) {
	const height = 230.0
	o := newOverTime(r, lineSlots)
	most := 0.0
	for i := range o.all {
		most = max(most, float64(o.all[i].Connections))
	}
	y, ys := countAxis(most, height-drawBottom, drawTop)
	p.open(height+float64(len(o.strips()))*stripHeight, "Open connections over time")
	p.grid(&o.x, o.xs, &y, ys, "time since the start")
	c := curve{"open", "open", o.curve(&y, o.values(func(s *slot) float64 { return float64(s.Connections) }))}
	p.area(c.class, c.vertices, y.from)
	p.curve(c.class, c.vertices, len(o.all) <= dotSlots)
	p.names(drawRight+8, y.from, []curve{c})
	strips := o.strips()
	for i, s := range strips {
		p.strip(o, &s, height+float64(i)*stripHeight)
	}
	opened := slotRates(o.all, o.end, func(s *slot) uint64 { return s.Opened })
	o.tips(p, drawTop, y.from, func(i int, s *slot) string {
		text := format.Count(s.Connections) + " open\n" + format.Rate(max(opened[i], 0)) + " opened"
		if s.Errors > 0 {
			text += "\nerrors " + format.Count(s.Errors)
		}
		return text
	})
	p.close()
}
