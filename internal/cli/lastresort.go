package cli

import "time"

// EndAfter ends the process with ExitTimeout when wait has passed and a write to stdout or stderr has
// blocked for StuckAfter since: nothing else ends a run whose stderr nobody reads. The caller calls
// stop when the run has ended. A wait of 0 means no limit.
func (e *Env) EndAfter(wait time.Duration) (stop func()) {
	var streams []*Stream
	for _, w := range []any{e.Out, e.Err} {
		if s, ok := w.(*Stream); ok {
			streams = append(streams, s)
		}
	}
	if wait <= 0 || e.Exit == nil || len(streams) == 0 {
		return func() {}
	}
	over := make(chan struct{})
	look := Stuck(streams...)
	timer := time.AfterFunc(wait, func() { // ends with the run
		look()
		for t := time.NewTicker(StuckAfter); ; {
			select {
			case <-over:
				t.Stop()
				return
			case <-t.C:
				if look() {
					e.Exit(ExitTimeout)
				}
			}
		}
	})
	return func() {
		timer.Stop()
		close(over)
	}
}
