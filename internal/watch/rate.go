package watch

import "time"

// windowTicks is the number of intervals that a rate is measured over.
const windowTicks = 4

// A counter counts messages and remembers how many came in each of the last intervals.
type counter struct {
	count  uint64
	seen   uint64 // count at the last tick
	deltas [windowTicks]uint32
}

// tick ends an interval.
func (c *counter) tick(slot int) {
	c.deltas[slot] = uint32(min(c.count-c.seen, 1<<32-1))
	c.seen = c.count
}

// tickEvery is the length of an interval. Rates are averages of the last windowTicks of them.
const tickEvery = time.Second

// Tick measures rates if an interval has passed since the last call that did. It is called several
// times a second.
func (m *Model) Tick(now time.Time) {
	if m.ticked.IsZero() {
		m.ticked = now
	}
	passed := now.Sub(m.ticked)
	if passed < tickEvery {
		return
	}
	slot := m.ticks % windowTicks
	m.ticks++
	m.ticked = now
	m.window[slot] = passed
	m.total.count = m.received
	m.total.tick(slot)
	if m.paused {
		return
	}
	m.rates++
	m.root.tickAll(slot)
}

// tickAll ends an interval of n and all nodes below it. The depth is at most maxDepth.
func (n *node) tickAll(slot int) {
	n.tick(slot)
	for _, k := range n.kids {
		k.tickAll(slot)
	}
}

// restartRates forgets the rates of all nodes.
func (m *Model) restartRates() {
	var restart func(*node)
	restart = func(n *node) {
		n.seen, n.deltas = n.count, [windowTicks]uint32{}
		for _, k := range n.kids {
			restart(k)
		}
	}
	restart(&m.root)
	m.rates++
}

// rate returns the messages a second of c.
func (m *Model) rate(c *counter) float64 {
	var messages uint64
	var passed time.Duration
	for i, d := range c.deltas {
		messages += uint64(d)
		passed += m.window[i]
	}
	if passed == 0 {
		return 0
	}
	return float64(messages) / passed.Seconds()
}
