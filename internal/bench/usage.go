package bench

import (
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

// usage measures the processor time and memory that this process uses during the
// measurement.
type usage struct {
	base, held uint64 // resident bytes with the first connection, and with all

	mu    sync.Mutex // guards the next three
	start time.Time
	cpu   time.Duration // at start, -1 before
	timer *time.Timer

	cores float64       // in use on average
	pause time.Duration // longest pause of the garbage collector
}

// begin starts to measure after the warm-up, which takes that long.
func (u *usage) begin(after time.Duration) {
	u.start, u.cpu = time.Now().Add(after), -1
	if after <= 10*time.Millisecond {
		u.start, u.cpu = time.Now(), processorTime()
		return
	}
	u.timer = time.AfterFunc(after, func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.start, u.cpu = time.Now(), processorTime()
	})
}

// end ends the measurement.
func (u *usage) end() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.timer != nil && u.timer.Stop() || u.cpu < 0 {
		return // the warm-up has not ended
	}
	if wall := time.Since(u.start); wall > 0 {
		u.cores = float64(processorTime()-u.cpu) / float64(wall)
	}
	u.pause = longestPause(u.start)
}

// longestPause returns the longest pause of the garbage collector since a time, among the
// last 256 pauses. Package runtime/metrics has them, too, but it would add a tenth of a
// millisecond to each start of the program.
func longestPause(since time.Time) (longest time.Duration) {
	var s debug.GCStats
	debug.ReadGCStats(&s)
	for i, end := range s.PauseEnd {
		if end.After(since) {
			longest = max(longest, s.Pause[i])
		}
	}
	return longest
}

// machine returns the description of this process for a Result.
func (r *run) machine() Machine {
	u := &r.usage
	held := u.held
	if held == 0 {
		held = resident()
	}
	m := Machine{
		Command: r.plan.Command, OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.GOMAXPROCS(0), Go: runtime.Version(),
		CPU: u.cores, GC: Micros(u.pause), Memory: held, MemoryBase: u.base, Descriptors: Descriptors(),
	}
	m.describeHost()
	return m
}

// settledMemory frees the memory that was needed only while connections opened, and returns
// the number of bytes that remain resident. Each collection halves the stacks that have
// grown.
func settledMemory() uint64 {
	for range 3 {
		runtime.GC()
	}
	debug.FreeOSMemory()
	return resident()
}

// compactMemory makes the garbage collector run often until restore is called, so that
// permanent memory is not spread over many pages between temporary memory.
func compactMemory() (restore func()) {
	before := debug.SetGCPercent(10)
	return func() { debug.SetGCPercent(before) }
}
