package bench

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// axis maps the values from lo to hi to the coordinates from from to to.
type axis struct {
	lo, hi   float64
	from, to float64
	log      bool
}

// place returns the coordinate of v. Values outside the axis are at its ends.
func (a *axis) place(v float64) float64 {
	f := 0.0
	switch {
	case a.hi <= a.lo:
	case a.log:
		f = math.Log(max(v, a.lo)/a.lo) / math.Log(a.hi/a.lo)
	default:
		f = (v - a.lo) / (a.hi - a.lo)
	}
	return a.from + min(max(f, 0), 1)*(a.to-a.from)
}

// tick is a line across a plot. Its label may be empty.
type tick struct {
	value float64
	label string
}

// countAxis returns an axis from 0 to a round number above hi.
func countAxis(hi, from, to float64) (axis, []tick) {
	if !(hi > 0) || math.IsInf(hi, 1) {
		hi = 1
	}
	size := math.Pow(10, math.Floor(math.Log10(hi/4)))
	for _, m := range [...]float64{1, 2, 2.5, 5, 10} {
		if hi/(size*m) <= 5 {
			size *= m
			break
		}
	}
	if hi >= 4 {
		size = max(size, 1)
	}
	n := math.Ceil(hi*1.02/size - 1e-9)
	var ticks []tick
	for i := 0.0; i <= n; i++ {
		ticks = append(ticks, tick{i * size, shortNumber(i * size)})
	}
	return axis{lo: 0, hi: n * size, from: from, to: to}, ticks
}

// shortNumber returns a number for an axis: 0, 250, 2.5k, 10M.
func shortNumber(x float64) string {
	unit := ""
	for _, u := range [...]string{"k", "M", "G", "T"} {
		if x < 1000 {
			break
		}
		x, unit = x/1000, u
	}
	return strconv.FormatFloat(x, 'g', 4, 64) + unit
}

// durationAxis returns a logarithmic axis in nanoseconds that contains lo and hi. It spans
// at least a factor of ten, so that small differences do not look large.
func durationAxis(lo, hi time.Duration, from, to float64) (axis, []tick) {
	low, high := roundBelow(max(float64(lo), 1)), roundAbove(max(float64(hi), float64(lo), 1))
	for turn := 0; high/low < 9.99; turn++ {
		if turn%2 == 0 || low <= 1 {
			high = roundAbove(high * 1.01)
		} else {
			low = roundBelow(low * 0.99)
		}
	}
	a := axis{lo: low, hi: high, from: from, to: to, log: true}
	decades := math.Log10(high / low)
	var ticks []tick
	for d := math.Pow(10, math.Floor(math.Log10(low)+1e-9)); d <= high*1.001; d *= 10 {
		for m := 1.0; m < 10; m++ {
			v := d * m
			if v < low*0.999 || v > high*1.001 {
				continue
			}
			switch {
			case m == 1 || decades < 2.5 && (m == 2 || m == 5):
				ticks = append(ticks, tick{v, tickTime(v)})
			case decades < 4.5:
				ticks = append(ticks, tick{v, ""})
			}
		}
	}
	return a, ticks
}

// roundBelow returns the largest number of the series 1, 2, 5, 10, … that is not above x.
func roundBelow(x float64) float64 {
	d := math.Pow(10, math.Floor(math.Log10(x)+1e-9))
	for _, m := range [...]float64{5, 2} {
		if d*m <= x*1.0001 {
			return d * m
		}
	}
	return d
}

// roundAbove returns the smallest number of the series 1, 2, 5, 10, … that is not below x.
func roundAbove(x float64) float64 {
	d := math.Pow(10, math.Floor(math.Log10(x)+1e-9))
	for _, m := range [...]float64{1, 2, 5} {
		if d*m >= x*0.9999 {
			return d * m
		}
	}
	return d * 10
}

// tickTime returns a round time in nanoseconds without trailing zeros: 2 ms.
func tickTime(ns float64) string {
	unit := "ns"
	for _, u := range [...]string{"µs", "ms", "s"} {
		if ns < 999.5 {
			break
		}
		ns, unit = ns/1000, u
	}
	return strconv.FormatFloat(ns, 'g', 4, 64) + " " + unit
}

// clockAxis returns an axis from 0 to seconds, with ticks at round times of a clock.
func clockAxis(seconds, from, to float64) (axis, []tick) {
	if !(seconds > 0) {
		seconds = 1
	}
	size := 0.0
	for _, s := range [...]float64{0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800,
		3600, 7200, 14400, 21600, 43200, 86400} {
		if size = s; seconds/s <= 10.5 {
			break
		}
	}
	for seconds/size > 10.5 {
		size *= 2
	}
	var ticks []tick
	for i := 0.0; i*size <= seconds*1.0001; i++ {
		ticks = append(ticks, tick{i * size, sinceStart(i*size, seconds)})
	}
	return axis{lo: 0, hi: seconds, from: from, to: to}, ticks
}

// sinceStart returns the time x on an axis of length seconds: 5 s, 1:30 or 2h05.
func sinceStart(x, length float64) string {
	switch n := int64(x + 0.5); {
	case length <= 120:
		return strconv.FormatFloat(x, 'g', 5, 64) + " s"
	case length < 7200:
		return fmt.Sprintf("%d:%02d", n/60, n%60)
	case length < 4*86400:
		return fmt.Sprintf("%dh%02d", n/3600, n/60%60)
	default:
		return fmt.Sprintf("%dd %02dh", n/86400, n/3600%24)
	}
}

// percentileAxis returns an axis for count values. Its unit is a factor of ten in the share
// of values above: 1 is 90 %, 2 is 99 %, and so on.
func percentileAxis(count int64, from, to float64) (axis, []tick) {
	a := axis{lo: 0, hi: min(max(math.Log10(float64(max(count, 1))), 1), 9), from: from, to: to}
	ticks := []tick{{0, "0%"}, {math.Log10(2), "50%"}, {1, "90%"}, {2, "99%"}, {3, "99.9%"}, {4, "99.99%"}, {5, "99.999%"},
		{6, "99.9999%"}, {7, "7 nines"}, {8, "8 nines"}, {9, "9 nines"}}
	for len(ticks) > 0 && ticks[len(ticks)-1].value > a.hi+1e-9 {
		ticks = ticks[:len(ticks)-1]
	}
	return a, ticks
}

// onPercentileAxis returns the value on that axis of part, which is below 1.
func onPercentileAxis(part float64) float64 { return -math.Log10(1 - part) }
