package bench

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const (
	longest   = int64(time.Hour) // longer times count as longest
	fine      = 3                // significant digits of the histograms of a run
	coarse    = 2                // of a point of a series
	maxDigits = 5
	maxBytes  = 8 << 20 // of an encoded histogram that is read
)

// Histogram is a distribution of times in an HDR histogram. It must not be used by several
// goroutines at once.
type Histogram struct{ h *hdrhistogram.Histogram }

// NewHistogram returns an empty histogram with three significant digits.
func NewHistogram() *Histogram { return newHistogram(fine) }

func newHistogram(digits int) *Histogram {
	return &Histogram{hdrhistogram.New(1, longest, digits)}
}

// Record counts d. Times below a nanosecond count as a nanosecond, which is the resolution
// of clocks.
func (h *Histogram) Record(d time.Duration) { h.RecordMany(d, 1) }

// RecordMany counts d n times.
func (h *Histogram) RecordMany(d time.Duration, n int64) {
	h.h.RecordValues(min(max(int64(d), 1), longest), n) // in range, so there is no error
}

// Merge adds the counts of o, which may be nil.
func (h *Histogram) Merge(o *Histogram) {
	if o != nil {
		h.h.Merge(o.h)
	}
}

// Reset makes h empty.
func (h *Histogram) Reset() { h.h.Reset() }

// Clone returns a copy of h.
func (h *Histogram) Clone() *Histogram {
	c := newHistogram(int(h.h.SignificantFigures()))
	c.h.Merge(h.h)
	return c
}

// Count returns how many times were recorded. h may be nil.
func (h *Histogram) Count() int64 {
	if h == nil {
		return 0
	}
	return h.h.TotalCount()
}

// Min returns the lower end of the lowest bucket in use, 0 if h is empty.
func (h *Histogram) Min() time.Duration {
	if h.Count() == 0 {
		return 0
	}
	return time.Duration(h.h.Min())
}

// Mean returns the mean of the middles of all buckets in use, 0 if h is empty.
func (h *Histogram) Mean() time.Duration {
	if h.Count() == 0 {
		return 0
	}
	return time.Duration(math.Round(h.h.Mean()))
}

// Max returns the upper end of the highest bucket in use, 0 if h is empty.
func (h *Histogram) Max() time.Duration {
	if h.Count() == 0 {
		return 0
	}
	return time.Duration(h.h.Max())
}

// At returns percentile p, from 0 to 100: p percent of all times are at or below it. It
// returns 0 if h is empty.
func (h *Histogram) At(p float64) time.Duration {
	if h.Count() == 0 {
		return 0
	}
	return time.Duration(h.h.ValueAtPercentile(p))
}

// Each calls f for each bucket in use, in ascending order, with its lowest and its highest
// time and its count.
func (h *Histogram) Each(f func(low, high time.Duration, n int64)) {
	if h.Count() == 0 {
		return
	}
	for _, b := range h.h.Distribution() {
		if b.Count > 0 {
			f(time.Duration(b.From), time.Duration(b.To), b.Count)
		}
	}
}

// UpTo returns for each of the ascending limits how many times are at or below it. All
// times of a bucket count as its lowest time.
func (h *Histogram) UpTo(limits []time.Duration) []uint64 {
	counts := make([]uint64, len(limits))
	i := 0
	var sum uint64
	h.Each(func(low, _ time.Duration, n int64) {
		for i < len(limits) && low > limits[i] {
			counts[i] = sum
			i++
		}
		sum += uint64(n)
	})
	for ; i < len(limits); i++ {
		counts[i] = sum
	}
	return counts
}

// HeatEdges returns the ascending upper ends of the rows of a heat map: eight for each
// factor of ten, from 1 µs to 100 s. The last row also has all longer times.
func HeatEdges() []time.Duration {
	edges := make([]time.Duration, 0, 65)
	for i := range 65 {
		edges = append(edges, time.Duration(math.Round(1e3*math.Pow(10, float64(i)/8))))
	}
	return edges
}

// Heat returns a column of a heat map: the counts between HeatEdges.
func (p *Point) Heat() []uint64 {
	edges := HeatEdges()
	counts := p.Latency.UpTo(edges)
	for i := len(counts) - 1; i > 0; i-- {
		counts[i] -= counts[i-1]
	}
	var sum uint64
	for _, n := range counts {
		sum += n
	}
	counts[len(counts)-1] += uint64(p.Latency.Count()) - sum
	return counts
}

// histogramJSON is the JSON of a Histogram: a summary in microseconds, and the histogram in
// the compressed form of HdrHistogram.
type histogramJSON struct {
	Unit  string  `json:"unit"` // of the summary: us
	Count int64   `json:"count"`
	Min   float64 `json:"min"`
	Mean  float64 `json:"mean"`
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p999"`
	Max   float64 `json:"max"`
	HDR   string  `json:"hdr,omitempty"` // nanoseconds, V2 compressed, base64
}

// Micros returns d in microseconds.
func Micros(d time.Duration) float64 { return float64(d) / 1e3 }

// MarshalJSON returns the summary and, if h is not empty, the histogram.
func (h *Histogram) MarshalJSON() ([]byte, error) {
	s := histogramJSON{
		Unit: "us", Count: h.Count(), Min: Micros(h.Min()), Mean: Micros(h.Mean()), P50: Micros(h.At(50)), P90: Micros(h.At(90)),
		P99: Micros(h.At(99)), P999: Micros(h.At(99.9)), Max: Micros(h.Max()),
	}
	if s.Count > 0 {
		b, err := h.h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
		if err != nil {
			return nil, fmt.Errorf("encode histogram: %w", err)
		}
		s.HDR = string(b)
	}
	return json.Marshal(&s)
}

// UnmarshalJSON reads the result of MarshalJSON. It ignores the summary.
func (h *Histogram) UnmarshalJSON(b []byte) error {
	var s histogramJSON
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	h.h = newHistogram(fine).h
	if s.HDR == "" {
		return nil
	}
	if len(s.HDR) > maxBytes {
		return fmt.Errorf("histogram of %d bytes", len(s.HDR))
	}
	if _, err := base64.StdEncoding.DecodeString(s.HDR); err != nil {
		return fmt.Errorf("histogram: %w", err)
	}
	d, err := hdrhistogram.Decode([]byte(s.HDR))
	if err != nil {
		return fmt.Errorf("histogram: %w", err)
	}
	if n := d.SignificantFigures(); n < 1 || n > maxDigits {
		return fmt.Errorf("histogram of %d digits", n)
	}
	h.h = newHistogram(int(d.SignificantFigures())).h
	if dropped := h.h.Merge(d); dropped > 0 {
		return fmt.Errorf("histogram: %d times of more than %s", dropped, time.Duration(longest))
	}
	return nil
}
