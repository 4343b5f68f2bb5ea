package broker

import "time"

// memoryUse is the purpose of memory. Only forConnection may use all of it, because a client that
// connects to free memory needs some, too.
type memoryUse byte

const (
	forConnection memoryUse = iota
	forTransit              // packets in transit, in both directions, which may be slow
	forSession              // sessions that outlive their connections, their wills and subscriptions
	forInFlight             // QoS 1 and 2 messages that are sent at once, until acknowledged
	forBacklog              // messages that are queued or retained
)

// reserve returns how many bytes of memory messages must leave for other purposes.
func (o *Options) reserve() int64 { return min(max(o.Memory/8, 256<<10), o.Memory/2) }

// available returns how many bytes are left for a purpose. kept is true for data that the Store
// holds. It counts against Options.Memory alone, because otherwise it could grow with each restart.
// Other data may exceed Options.Memory by as much as was restored beyond it.
func (b *Broker) available(u memoryUse, kept bool) int64 {
	most, memory := b.maxMemory.Load(), b.memory.Load()
	if least := max(b.opt.Memory, memory+b.opt.reserve()); least < most { // part of the restored data is gone
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

// warn logs a shortage, at most once in 10 seconds. No lock is held.
func (b *Broker) warn(s shortage) {
	const pause = 10 * time.Second
	now, last := 1+time.Since(b.since), time.Duration(b.warned.Load())
	if (last == 0 || now-last >= pause) && b.warned.CompareAndSwap(int64(last), int64(now)) {
		b.opt.Log.Warn("limit reached", "limit", s.limit, "refused", s.refused, "memory", b.memory.Load())
	}
}
