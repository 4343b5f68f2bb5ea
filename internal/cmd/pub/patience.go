package pub

import (
	"context"
	"time"

	"mqtt/internal/cli"
)

// patience ends a run whose messages are not acknowledged for as long as -W allows. The time also
// counts while there is no connection. It does not count while nothing is owed: a stream may pause.
// The zero value never ends a run.
type patience struct {
	limit   time.Duration
	timer   *time.Timer
	running bool
	acked   uint64 // acknowledgements up to the last look
}

// start returns a context that ends with the cause cli.ErrTimeout. The time counts from now on.
func (p *patience) start(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if limit == 0 {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	p.limit, p.running = limit, true
	p.timer = time.AfterFunc(limit, func() { cancel(cli.ErrTimeout) })
	return ctx, func() {
		p.timer.Stop()
		cancel(nil)
	}
}

// look is told how many acknowledgements have come so far, and whether the server owes more.
func (p *patience) look(acked uint64, owes bool) {
	switch {
	case p.timer == nil:
	case !owes && p.running:
		p.timer.Stop()
		p.running = false
	case owes && (!p.running || acked != p.acked):
		p.timer.Reset(p.limit)
		p.running = true
	}
	p.acked = acked
}
