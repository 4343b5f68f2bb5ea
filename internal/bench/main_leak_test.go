package bench

import (
	"testing"

	"go.uber.org/goleak"

	"mqtt/internal/paralleltest"
)

// TestMain checks that no test leaves a goroutine running.
func TestMain(m *testing.M) {
	paralleltest.Allow(4)
	goleak.VerifyTestMain(m)
}
