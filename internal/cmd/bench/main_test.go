package bench

import (
	"testing"

	"mqtt/internal/paralleltest"
)

func TestMain(m *testing.M) {
	paralleltest.Allow(8)
	m.Run()
}
