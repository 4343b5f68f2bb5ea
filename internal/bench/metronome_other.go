//go:build !linux

package bench

// metronome does nothing: the timers of the runtime are precise on these systems.
func (r *run) metronome() (stop func()) { return func() {} }
