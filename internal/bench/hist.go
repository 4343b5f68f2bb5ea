package bench

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"mqtt/internal/format"
)

// The size of the histogram on a terminal.
const (
	histRows    = 10
	histColumns = 8 + 2 + 2 + 12 + 8 // time, gaps, count and share
)

// AppendHistogram appends h as lines of text: a bar for each of at most 10 buckets, whose
// bounds grow by about the same factor, and the percentiles below them. A bucket that is
// not empty has at least the thinnest bar. No line is wider than width columns, which
// should be at least 36. Times below floor are not known and share the first row. An empty
// histogram appends nothing.
func AppendHistogram(dst []byte, h *Histogram, floor time.Duration, width int, colors Colors) []byte {
	if h.Count() == 0 {
		return dst
	}
	bounds := histBounds(max(h.Min(), floor), h.Max())
	counts := make([]uint64, len(bounds))
	row := 0
	h.Each(func(low, high time.Duration, n int64) {
		for ; row+1 < len(bounds) && high >= bounds[row+1]; row++ {
			if below := bounds[row+1] - low; below > 0 { // a bucket of h that spans two rows is divided
				part := int64(float64(n) * float64(below) / float64(high-low+1))
				counts[row] += uint64(part)
				low, n = bounds[row+1], n-part
			}
		}
		counts[row] += uint64(n)
	})
	highest := slices.Max(counts)
	total := uint64(h.Count())
	room := max(width-histColumns, 4)
	l := line{b: dst, end: "\n", room: width, width: width}
	for len(counts) > 1 && counts[0] == 0 { // only the lower bound of the first bucket of h is in it
		bounds, counts = bounds[1:], counts[1:]
	}
	for i, low := range bounds {
		name := format.Duration(low)
		if i == 0 && h.Min() < floor {
			name = "<" + format.Duration(floor)
			if len(bounds) > 1 {
				name = "<" + format.Duration(bounds[1])
			}
		}
		l.right(plain, name, 8)
		l.add(colors.Dim, " ┤")
		blocks := bar(counts[i], highest, room)
		l.left(colors.Hint, blocks, room)
		count, share := format.Count(counts[i]), format.Percent(counts[i], total)
		if counts[i] == 0 {
			count, share = "", ""
		}
		l.right(plain, count, 14)
		l.right(colors.Dim, share, 8)
		l.b = bytes.TrimRight(l.b, " ")
		l.newline()
	}
	l.newline()
	return appendPercentiles(&l, h, floor, colors)
}

// appendPercentiles appends a row of names and a row of times, with those percentiles that
// are significant.
func appendPercentiles(l *line, h *Histogram, floor time.Duration, colors Colors) []byte {
	shown := []quantile{{"min", 0}, {"p50", 50}, {"p90", 90}, {"p99", 99}}
	for _, q := range [...]quantile{{"p99.9", 99.9}, {"p99.99", 99.99}} {
		if significant(h, q.percent) {
			shown = append(shown, q)
		}
	}
	for len(shown) > 1 && 10*(len(shown)+1) > l.width { // leave room for the maximum
		shown = shown[:len(shown)-1]
	}
	shown = append(shown, quantile{"max", 100})
	for _, q := range shown {
		l.right(colors.Dim, q.name, 10)
	}
	l.newline()
	for _, q := range shown {
		x := h.At(q.percent)
		if q.percent == 0 {
			x = h.Min()
		}
		l.right(plain, timeText(x, floor), 10)
	}
	l.newline()
	return l.b
}

// significant reports whether h has enough values for a percentile to differ from their
// maximum: p99.9 of 500 values is always the maximum.
func significant(h *Histogram, percent float64) bool { return float64(h.Count())*(100-percent) > 99.9 }

// bar returns n as blocks, in eighths of a column. highest has width columns.
func bar(n, highest uint64, width int) string {
	if n == 0 || highest == 0 {
		return ""
	}
	eighths := max(int(math.Round(float64(n)/float64(highest)*float64(width)*8)), 1)
	s := strings.Repeat("█", eighths/8)
	if r := eighths % 8; r > 0 {
		s += string([]rune("▏▎▍▌▋▊▉")[r-1])
	}
	return s
}

// histBounds returns the ascending lower bounds of the rows from lo to hi: as many round
// times as histRows allows. Steps are equal if lo and hi are nearly the same. lo may be above hi: no
// time that was measured reaches the floor then.
func histBounds(lo, hi time.Duration) []time.Duration {
	hi = max(hi, lo)
	if float64(hi) < float64(lo)*1.1 {
		return evenSteps(lo, hi)
	}
	for _, steps := range [...]int{192, 96, 48, 24, 12, 6, 3, 2, 1} { // for each factor of ten
		if b := roundSteps(lo, hi, steps); len(b) > 0 && len(b) <= histRows {
			return b
		}
	}
	all := roundSteps(lo, hi, 1)
	every := (len(all) + histRows - 1) / histRows
	bounds := all[:0]
	for i := 0; i < len(all); i += every {
		bounds = append(bounds, all[i])
	}
	return bounds
}

// evenSteps returns the multiples of a round time from the last one not above lo to the
// last one not above hi.
func evenSteps(lo, hi time.Duration) []time.Duration {
	size := time.Duration(max(roundAbove(float64(hi-lo)/(histRows-2)), roundAbove(float64(hi)/1000), 1))
	var bounds []time.Duration
	for x := lo / size * size; x <= hi && len(bounds) < histRows; x += size {
		bounds = append(bounds, x)
	}
	return bounds
}

// roundSteps returns round times, so many for each factor of ten, from the last one not
// above lo to the last one not above hi. It returns nil if there are too many.
func roundSteps(lo, hi time.Duration, steps int) []time.Duration {
	lo, hi = max(lo, 1), max(hi, lo, 1)
	var bounds []time.Duration
	from := int(math.Floor(math.Log10(float64(lo)))) - 1
	for decade := from; decade < from+16; decade++ {
		for i := range steps {
			x := time.Duration(math.Round(roundStep(i, steps) * math.Pow(10, float64(decade))))
			switch {
			case x > hi:
				return bounds
			case x <= lo:
				bounds = append(bounds[:0], x)
			case x > bounds[len(bounds)-1]:
				if bounds = append(bounds, x); len(bounds) > histRows && steps > 1 {
					return nil
				}
			}
		}
	}
	return bounds
}

// roundStep returns the i-th of so many steps from 1 to below 10.
func roundStep(i, steps int) float64 {
	switch steps {
	case 2:
		return [...]float64{1, 3.2}[i]
	case 3: // equal factors, because a wide bucket would look like a peak
		return [...]float64{1, 2.2, 4.7}[i]
	case 6:
		return [...]float64{1, 1.5, 2.2, 3.3, 4.7, 6.8}[i]
	case 12:
		return [...]float64{1, 1.2, 1.5, 1.8, 2.2, 2.7, 3.3, 3.9, 4.7, 5.6, 6.8, 8.2}[i]
	}
	x, _ := strconv.ParseFloat(strconv.FormatFloat(math.Pow(10, float64(i)/float64(steps)), 'g', 3, 64), 64)
	return x
}
