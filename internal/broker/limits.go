package broker

import "time"

// use is what memory is wanted for. None but the first may take all of it: who comes to
// clear it needs some, too.
type memoryUse byte

const (
	forConnection memoryUse = iota
	forTransit              // packets on their way in or out, which may be slow
	forSession              // sessions that outlive their connections, their wills, subscriptions
	forInFlight             // QoS 1 and 2 messages that are sent at once, until they are acknowledged
	forBacklog              // messages that wait or are retained
)

// reserve is what messages leave of the memory for the rest.
func (o *Options) reserve() int64 { return min(max(o.Memory/8, 256<<10), o.Memory/2) }

// room returns how many bytes there still are for a use. What is kept counts against
// Options.Memory alone, since it would have more after each restart; the rest may go beyond
// by what was restored beyond.
func (b *Broker) available(u memoryUse, kept bool) int64 {
	most, memory := b.maxMemory.Load(), b.memory.Load()
	if least := max(b.opt.Memory, memory+b.opt.reserve()); least < most { // that is gone in part
		b.maxMemory.CompareAndSwap(most, least)
		most = least
	}
	if kept {
		most = b.opt.Memory
	}
	left := most - memory
	switch u {
	case forTransit:
		left = min(left-b.opt.reserve()/4, b.opt.Memory/4*3-b.moving.Load())
	case forSession:
		left -= b.opt.reserve() / 2
	case forInFlight:
		left -= b.opt.reserve() / 4 * 3
	case forBacklog:
		left -= b.opt.reserve()
	}
	return left
}

const memoryLimit = "memory"

// shortage is a limit that was reached, and what was refused because of it.
type shortage struct{ limit, refused string }

// warn says so in the log, once in a while. No lock is held.
func (b *Broker) warn(s shortage) {
	const pause = 10 * time.Second
	now, last := 1+time.Since(b.since), time.Duration(b.warned.Load())
	if (last == 0 || now-last >= pause) && b.warned.CompareAndSwap(int64(last), int64(now)) {
		b.opt.Log.Warn("limit reached", "limit", s.limit, "refused", s.refused, "memory", b.memory.Load())
	}
}
