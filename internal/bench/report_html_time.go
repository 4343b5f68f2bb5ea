package bench

import (
	"math"
	"time"

	"mqtt/internal/format"
)

// Slots that drawings over time have at most: as many as can be told apart.
const (
	lineSlots = 320
	heatSlots = 240
	dotSlots  = 40 // up to which every slot of a line has a dot
)

// ends returns when sending ended and when the run did, in seconds.
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

// overTime is what drawings over time share.
type overTime struct {
	all     []slot
	sending float64 // when it ended, in seconds
	end     float64 // of the run
	x       axis
	xs      []tick
}

func newOverTime(r *Result, most int) *overTime {
	o := &overTime{all: slots(&r.Series, most)}
	o.sending, o.end = ends(r, o.all)
	o.x, o.xs = clockAxis(o.end, drawLeft, drawRight)
	return o
}

// middle returns where a slot is drawn: in the middle of what of it is on the axis.
func (o *overTime) middle(s *slot) float64 { return o.x.at((s.from + min(s.to, o.end)) / 2) }

// of returns a value of each slot.
func (o *overTime) of(value func(*slot) float64) []float64 {
	all := make([]float64, len(o.all))
	for i := range o.all {
		all[i] = value(&o.all[i])
	}
	return all
}

// curve makes a line of the values of the slots, through their middles and from end to
// end of what has values: a slot alone is a level line. Below 0 there is a gap.
func (o *overTime) curve(y *axis, values []float64) []place {
	places := make([]place, 0, len(o.all)+2)
	for i := range o.all {
		s, v := &o.all[i], values[i]
		if v < 0 {
			places = append(places, place{gap: true})
			continue
		}
		at := place{x: o.middle(s), y: y.at(v), dot: true}
		if len(places) == 0 || places[len(places)-1].gap {
			places = append(places, place{x: o.x.at(s.from), y: at.y})
		}
		places = append(places, at)
		if i+1 == len(o.all) || values[i+1] < 0 {
			places = append(places, place{x: o.x.at(s.to), y: at.y})
		}
	}
	return places
}

// tips writes what each slot says when it is pointed at.
func (o *overTime) tips(p *page, top, bottom float64, say func(i int, s *slot) string) {
	for i := range o.all {
		s := &o.all[i]
		if a, b := o.x.at(s.from), o.x.at(s.to); b > a {
			p.tip(a, top, b-a, bottom-top, slotTime(s.from)+" to "+slotTime(s.to)+"\n"+say(i, s))
		}
	}
}

// slotTime is a time since the start for a tip.
func slotTime(x float64) string {
	if x < 60 {
		return number(x) + " s"
	}
	return format.Duration(time.Duration(x * 1e9))
}

// mark draws where sending ended, if the drawing goes on behind it.
func (o *overTime) mark(p *page, top, bottom float64) {
	if x := o.x.at(o.sending); drawRight-x > 3 {
		p.line("mark", x, top, x, bottom)
		if drawRight-x > 50 {
			p.label("what", x+5, top+10, "draining")
		}
	}
}

// rates draws messages a second.
func (p *page) rates(r *Result) {
	const height = 270.0
	o := newOverTime(r, lineSlots)
	came := paces(o.all, o.end, func(s *slot) uint64 { return s.Received })
	sent := paces(o.all, o.sending, func(s *slot) uint64 { return s.Sent })
	name, class := "received", "received"
	if r.Received == 0 && r.Acknowledged > 0 {
		name, class = "acked", "acked"
		came = paces(o.all, o.end, func(s *slot) uint64 { return s.Acknowledged })
	}
	most := 0.0
	for i := range o.all {
		most = max(most, sent[i], came[i])
	}
	target := r.Config.Rate
	if target > most*1.5 { // it would push the curves to the floor; the notes tell of it
		target = 0
	}
	y, ys := countAxis(max(most, target), height-drawFoot, drawTop)
	p.open(height, "Messages a second over time")
	p.grid(&o.x, o.xs, &y, ys, "time since the start")
	o.mark(p, drawTop, y.from)
	if target > 0 {
		p.line("target", o.x.from, y.at(target), o.x.to, y.at(target))
		p.label("what", o.x.from+6, y.at(target)-5, "asked for: "+format.Rate(target))
	}
	var curves []named
	dots := len(o.all) <= dotSlots
	if r.Sent > 0 {
		c := named{"sent", "sent", o.curve(&y, sent)}
		p.area(c.class, c.places, y.from)
		curves = append(curves, c)
	}
	if r.Received+r.Acknowledged > 0 {
		curves = append(curves, named{class, name, o.curve(&y, came)})
	}
	for _, c := range curves {
		p.curve(c.class, c.places, dots)
	}
	p.names(drawRight+8, y.from, curves)
	for i := range o.all {
		if o.all[i].Errors > 0 {
			p.dot("error", o.middle(&o.all[i]), y.from, 3.5)
		}
	}
	o.tips(p, drawTop, y.from, func(i int, s *slot) string {
		text := "sent " + format.Rate(max(sent[i], 0)) + "\n" + name + " " + format.Rate(max(came[i], 0))
		if s.Errors > 0 {
			text += "\nerrors " + format.Count(s.Errors)
		}
		return text
	})
	p.close()
}

// latencies draws percentiles over time.
func (p *page) latencies(r *Result) {
	const height = 310.0
	o := newOverTime(r, lineSlots)
	lo, hi := time.Duration(math.MaxInt64), time.Duration(0)
	for i := range o.all {
		if h := o.all[i].Latency; h.Count() > 0 {
			lo, hi = min(lo, h.At(50)), max(hi, h.Max())
		}
	}
	y, ys := durationAxis(lo, hi, height-drawFoot, drawTop)
	p.open(height, "Percentiles of latency over time, logarithmic")
	p.grid(&o.x, o.xs, &y, ys, "time since the start")
	o.mark(p, drawTop, y.from)
	var curves []named
	for _, q := range [...]struct {
		class, name string
		percent     float64
	}{{"max", "max", 100}, {"p99", "p99", 99}, {"p90", "p90", 90}, {"p50", "p50", 50}} {
		curves = append(curves, named{q.class, q.name, o.curve(&y, o.of(func(s *slot) float64 {
			if s.Latency.Count() == 0 {
				return -1
			}
			return float64(s.Latency.At(q.percent))
		}))})
	}
	for _, c := range curves {
		p.curve(c.class, c.places, len(o.all) <= dotSlots)
	}
	p.names(drawRight+8, y.from, curves)
	o.tips(p, drawTop, y.from, latencyTip)
	p.close()
}

func latencyTip(_ int, s *slot) string {
	h := s.Latency
	if h.Count() == 0 {
		return "nothing received"
	}
	return "p50 " + format.Duration(h.At(50)) + "\np90 " + format.Duration(h.At(90)) + "\np99 " + format.Duration(h.At(99)) +
		"\nmax " + format.Duration(h.Max()) + "\n" + format.Count(uint64(h.Count())) + " messages"
}

// open connections over time.
func (p *page) connections(r *Result) {
	const height = 230.0
	o := newOverTime(r, lineSlots)
	most := 0.0
	for i := range o.all {
		most = max(most, float64(o.all[i].Connections))
	}
	y, ys := countAxis(most, height-drawFoot, drawTop)
	p.open(height, "Open connections over time")
	p.grid(&o.x, o.xs, &y, ys, "time since the start")
	c := named{"sent", "open", o.curve(&y, o.of(func(s *slot) float64 { return float64(s.Connections) }))}
	p.area(c.class, c.places, y.from)
	p.curve(c.class, c.places, len(o.all) <= dotSlots)
	p.names(drawRight+8, y.from, []named{c})
	for i := range o.all {
		if o.all[i].Errors > 0 {
			p.dot("error", o.middle(&o.all[i]), y.from, 3.5)
		}
	}
	opened := paces(o.all, o.end, func(s *slot) uint64 { return s.Opened })
	o.tips(p, drawTop, y.from, func(i int, s *slot) string {
		text := format.Count(s.Connections) + " open\n" + format.Rate(max(opened[i], 0)) + " opened"
		if s.Errors > 0 {
			text += "\nerrors " + format.Count(s.Errors)
		}
		return text
	})
	p.close()
}
