package bench

import (
	"math"
	"sort"
)

// pace is the schedule of a run as a pure function: when message n of publisher i is due.
// Publishers take turns, so that the messages of all publishers together are evenly spaced,
// or come in bursts.
type pace struct {
	rate       float64 // messages per second of all publishers; 0 is a closed loop
	burst      uint64  // messages due at the same time, at least 1
	publishers uint64
}

// due returns when message n of publisher i is due, in nanoseconds from the start of the
// schedule.
func (p *pace) due(i int, n uint64) int64 {
	k := n*p.publishers + uint64(i)
	k -= k % p.burst
	return int64(math.Round(float64(k) * 1e9 / p.rate))
}

// share returns how many of total messages publisher i sends.
func (p *pace) share(i int, total uint64) uint64 {
	n := total / p.publishers
	if uint64(i) < total%p.publishers {
		n++
	}
	return n
}

// before returns how many messages of publisher i, at most quota, are due before end, which
// is in nanoseconds from the start of the schedule.
func (p *pace) before(i int, end int64, quota uint64) uint64 {
	if quota == math.MaxUint64 {
		quota = uint64(float64(max(end, 0))*p.rate/1e9)/p.publishers + p.burst + 1
	}
	return uint64(sort.Search(int(min(quota, math.MaxInt)), func(n int) bool { return p.due(i, uint64(n)) >= end }))
}
