package bench

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// minTick is the shortest time between two wake-ups.
const minTick = int64(100 * time.Microsecond)

// metronome wakes the process when messages are due. If all goroutines sleep, the runtime
// rounds its timers to a millisecond. A timerfd that the runtime polls wakes it in time, and
// it then also checks its own timers. stop ends the goroutine and waits for it.
func (r *run) metronome() (stop func()) {
	p := r.plan
	if !p.Precise || p.Rate <= 0 || p.Publishers == 0 {
		return func() {}
	}
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return func() {}
	}
	f := os.NewFile(uintptr(fd), "timer")
	over := make(chan struct{})
	go func() {
		defer close(over)
		var b [8]byte
		for k := uint64(0); ; {
			from := r.start
			if r.now() < from && r.warm < from {
				from = r.warm
			}
			now := r.now()
			due := now
			if now < from {
				due, k = from, 0
			} else {
				k = uint64(float64(now-from+minTick)*p.Rate/1e9) + 1
				k += (r.pace.burst - k%r.pace.burst) % r.pace.burst
				due = from + int64(float64(k)*1e9/p.Rate)
			}
			if arm(fd, max(due-now, 1000)) != nil {
				return
			}
			if _, err := f.Read(b[:]); err != nil {
				return
			}
		}
	}()
	return func() {
		f.Close()
		<-over
	}
}

// arm sets the timer to expire once, after so many nanoseconds.
func arm(fd int, after int64) error {
	return unix.TimerfdSettime(fd, 0, &unix.ItimerSpec{Value: unix.NsecToTimespec(after)}, nil)
}
