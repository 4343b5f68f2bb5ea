package cmdtest

import (
	"errors"
	"sync"
)

// Full is a stdout that takes nothing, as a full disk does.
type Full struct{}

// Write fails.
func (Full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// Stuck is a stdout whose writes block until Release.
type Stuck struct {
	*Transcript

	blocked, released chan struct{}
	once              [2]sync.Once
}

// NewStuck returns a Stuck.
func NewStuck() *Stuck {
	return &Stuck{Transcript: newTranscript(), blocked: make(chan struct{}), released: make(chan struct{})}
}

// Write waits for Release.
func (s *Stuck) Write(b []byte) (int, error) {
	s.once[0].Do(func() { close(s.blocked) })
	<-s.released
	return s.Transcript.Write(b)
}

// Blocked is closed when a write has begun.
func (s *Stuck) Blocked() <-chan struct{} { return s.blocked }

// Release lets all writes continue.
func (s *Stuck) Release() { s.once[1].Do(func() { close(s.released) }) }
