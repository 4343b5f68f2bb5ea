package bench

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Bounds of what is recorded, in nanoseconds. What is longer counts as longest.
const (
	longest   = int64(time.Hour)
	fine      = 3 // significant digits of a whole run
	coarse    = 2 // of a point of a series
	maxDigits = 5
	maxBytes  = 8 << 20 // of an encoded histogram that is read
)

// Histogram is a distribution of times in an HDR histogram. It is not for more than
// one goroutine.
type Histogram struct{ h *hdrhistogram.Histogram }

// NewHistogram returns an empty one of three significant digits.
func NewHistogram() *Histogram { return newHistogram(fine) }

func newHistogram(digits int) *Histogram {
	return &Histogram{hdrhistogram.New(1, longest, digits)}
}

// Record counts d. Below a nanosecond it counts as one; that is no more than what
// clocks do.
func (h *Histogram) Record(d time.Duration) { h.RecordMany(d, 1) }

// RecordMany counts d n times.
func (h *Histogram) RecordMany(d time.Duration, n int64) {
	h.h.RecordValues(min(max(int64(d), 1), longest), n) // in range, so there is no error
}

// Merge adds what o counted. Nil is nothing.
func (h *Histogram) Merge(o *Histogram) {
	if o != nil {
		h.h.Merge(o.h)
	}
}

// Reset makes h empty again.
func (h *Histogram) Reset() { h.h.Reset() }

// Clone returns a copy.
func (h *Histogram) Clone() *Histogram {
	c := newHistogram(int(h.h.SignificantFigures()))
	c.h.Merge(h.h)
	return c
}

// Count tells how many times were recorded; 0 for nil.
func (h *Histogram) Count() int64 {
	if h == nil {
		return 0
	}
	return h.h.TotalCount()
}

// Min, Mean and Max are 0 when nothing was recorded.
func (h *Histogram) Min() time.Duration {
	if h.Count() == 0 {
		return 0
	}
	return time.Duration(h.h.Min())
}

// Mean is the mean of the buckets' middles.
func (h *Histogram) Mean() time.Duration {
	if h.Count() == 0 {
		return 0
	}
	return time.Duration(math.Round(h.h.Mean()))
}

// Max is the upper end of the highest bucket in use.
func (h *Histogram) Max() time.Duration {
	if h.Count() == 0 {
		return 0
	}
	return time.Duration(h.h.Max())
}

// At returns the time that p per cent of all are at or below, 0 when nothing was
// recorded. p is from 0 to 100.
func (h *Histogram) At(p float64) time.Duration {
	if h.Count() == 0 {
		return 0
	}
	return time.Duration(h.h.ValueAtPercentile(p))
}

// Each calls f for every bucket in use, in ascending order, with its lowest and
// highest time and its count.
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

// UpTo returns for each limit, ascending, how many are at or below it: a bucket
// counts where its lowest time does.
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

// HeatEdges returns the upper ends of the rows of a heat map, ascending: eight an
// octave of ten, from 1 µs to 100 s. What is above the last belongs to it.
func HeatEdges() []time.Duration {
	edges := make([]time.Duration, 0, 65)
	for i := range 65 {
		edges = append(edges, time.Duration(math.Round(1e3*math.Pow(10, float64(i)/8))))
	}
	return edges
}

// Heat returns the counts between HeatEdges: a column of a heat map.
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

// shape is a Histogram's JSON: what a person wants to read, and all of it in
// HdrHistogram's own compressed form.
type shape struct {
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

// MarshalJSON writes the summary and, if anything was recorded, the histogram.
func (h *Histogram) MarshalJSON() ([]byte, error) {
	s := shape{
		Count: h.Count(), Min: Micros(h.Min()), Mean: Micros(h.Mean()), P50: Micros(h.At(50)), P90: Micros(h.At(90)),
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

// UnmarshalJSON reads what MarshalJSON wrote. The summary is not believed.
func (h *Histogram) UnmarshalJSON(b []byte) error {
	var s shape
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
