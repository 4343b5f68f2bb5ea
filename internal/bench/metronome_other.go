//go:build !linux

package bench

// metronome is not needed where the runtime's own timers are precise.
func (r *run) metronome() (stop func()) { return func() {} }
