package bench

import (
	"slices"
	"testing"
	"time"
)

// BenchmarkMetronome sleeps until messages are due, 777 a second, with and without the metronome, and reports by how much
// half of them are late.
func BenchmarkMetronome(b *testing.B) {
	for name, precise := range map[string]bool{"without": false, "with": true} {
		b.Run(name, func(b *testing.B) {
			p := &Plan{Precise: precise, Rate: 777, Publishers: 1}
			r := &run{plan: p, base: time.Now(), pace: pace{rate: p.Rate, burst: 1, publishers: 1}}
			defer r.metronome()()
			var late []time.Duration
			for b.Loop() {
				due := r.at(r.pace.due(0, uint64(len(late))))
				time.Sleep(time.Until(due))
				late = append(late, time.Since(due))
			}
			slices.Sort(late)
			b.ReportMetric(float64(late[len(late)/2].Nanoseconds()), "median-late-ns")
		})
	}
}
