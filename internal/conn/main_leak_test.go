package conn

import (
	"testing"

	"go.uber.org/goleak"

	"mqtt/internal/paralleltest"
)

// TestMain checks that no test leaves a goroutine running.
func TestMain(m *testing.M) {
	paralleltest.Allow(8)
	goleak.VerifyTestMain(m)
}
