package connect

import (
	"testing"
	"time"
)

// A delay of nothing between connections is none that a server should have to bear.
func TestReconnectDelay(t *testing.T) {
	for text, want := range map[string][2]time.Duration{
		"0": {leastDelay, leastDelay}, "0..1s": {leastDelay, time.Second}, "1ms..5ms": {leastDelay, leastDelay}, "1s..30s": {time.Second, 30 * time.Second},
	} {
		b, err := (&SessionFlags{ReconnectDelay: text}).Backoff(false)
		if got := [2]time.Duration{b.Min, b.Max}; got != want || err != nil {
			t.Errorf("%s: %v, %v, want %v", text, got, err, want)
		}
	}
}
