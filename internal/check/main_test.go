package check

import (
	"testing"

	"mqtt/internal/paralleltest"
)

func TestMain(m *testing.M) {
	paralleltest.Allow(16)
	m.Run()
}
