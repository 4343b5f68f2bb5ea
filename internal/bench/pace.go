package bench

import (
	"math"
	"sort"
)

// pace is the schedule of a run as a pure function: message n of publisher i is due
// at a time that follows from the rate alone. Publishers take turns, so that messages
// of all together are evenly spaced, in bursts where that was asked for.
type pace struct {
	rate       float64 // messages a second in all; 0 is a closed loop
	burst      uint64  // messages that are due at once, at least 1
	publishers uint64
}

// due returns when message n of publisher i is to be sent, nanoseconds from the
// schedule's start.
func (p *pace) due(i int, n uint64) int64 {
	k := n*p.publishers + uint64(i)
	k -= k % p.burst
	return int64(math.Round(float64(k) * 1e9 / p.rate))
}

// after returns when the schedule would go on behind message n of publisher i: so many
// messages take as many steps, though the last is due one step before their end.
func (p *pace) after(i int, n uint64) int64 {
	return int64(math.Round(float64(n*p.publishers+uint64(i)+1) * 1e9 / p.rate))
}

// share returns how many of total messages are publisher i's.
func (p *pace) share(i int, total uint64) uint64 {
	n := total / p.publishers
	if uint64(i) < total%p.publishers {
		n++
	}
	return n
}

// before tells how many of publisher i's messages are due before a time from the
// schedule's start, quota at most.
func (p *pace) before(i int, end int64, quota uint64) uint64 {
	if quota == math.MaxUint64 {
		quota = uint64(float64(max(end, 0))*p.rate/1e9)/p.publishers + p.burst + 1
	}
	return uint64(sort.Search(int(min(quota, math.MaxInt)), func(n int) bool { return p.due(i, uint64(n)) >= end }))
}
