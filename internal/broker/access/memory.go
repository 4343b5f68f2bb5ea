package access

import (
	"sync"
	"time"
)

// Limits of a memory.
const (
	rememberFor  = 5 * time.Minute
	rememberMost = 10_000 // sums
)

// memory holds the fingerprints of passwords for rememberFor. It drops all of them when there are too many.
type memory struct {
	mu    sync.Mutex
	until map[[32]byte]time.Time
}

func (m *memory) has(sum [32]byte) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	until, ok := m.until[sum]
	return ok && time.Now().Before(until)
}

func (m *memory) add(sum [32]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if len(m.until) >= rememberMost {
		for s, until := range m.until {
			if now.After(until) {
				delete(m.until, s)
			}
		}
	}
	if m.until == nil || len(m.until) >= rememberMost {
		m.until = make(map[[32]byte]time.Time)
	}
	m.until[sum] = now.Add(rememberFor)
}
