package bench

import (
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

// usage is how hard this process worked while it measured.
type usage struct {
	base, held uint64     // resident bytes with the first connection, and with all
	mu         sync.Mutex // of what stands between here and timer
	at         time.Time
	cpu        time.Duration
	timer      *time.Timer

	cores float64
	pause time.Duration // longest stop of the garbage collector while measuring
}

// begin starts the measurement after a while, when the warm-up is over.
func (u *usage) begin(after time.Duration) {
	u.at, u.cpu = time.Now().Add(after), -1
	if after <= 10*time.Millisecond {
		u.at, u.cpu = time.Now(), processorTime()
		return
	}
	u.timer = time.AfterFunc(after, func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.at, u.cpu = time.Now(), processorTime()
	})
}

// end ends it.
func (u *usage) end() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.timer != nil && u.timer.Stop() || u.cpu < 0 {
		return // the warm-up was not over
	}
	if wall := time.Since(u.at); wall > 0 {
		u.cores = float64(processorTime()-u.cpu) / float64(wall)
	}
	u.pause = longestPause(u.at)
}

// longestPause is the longest stop of the garbage collector since a time, of the last 256 stops. Package
// runtime/metrics knows them too, and costs every start of the program a tenth of a millisecond.
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

// machine says what a Result tells of this process.
func (r *run) machine() Machine {
	u := &r.usage
	held := u.held
	if held == 0 {
		held = resident()
	}
	return Machine{
		OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.GOMAXPROCS(0), Go: runtime.Version(),
		CPU: u.cores, GC: Micros(u.pause), Memory: held, MemoryBase: u.base, Descriptors: Descriptors(),
	}
}

// settled gives back what opening connections took and tells what is left resident.
// Each collection halves the stacks that had to grow.
func settled() uint64 {
	for range 3 {
		runtime.GC()
	}
	debug.FreeOSMemory()
	return resident()
}

// frugal has the garbage collector run often, so that what lasts is not strewn over
// many pages among what does not. restore ends that.
func frugal() (restore func()) {
	before := debug.SetGCPercent(10)
	return func() { debug.SetGCPercent(before) }
}
