package main

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"mqtt/internal/paralleltest"
)

// long selects the soak sizes, which scripts/soak.sh runs.
var long = flag.Bool("long", false, "run the soak sizes")

// waiting is how many tests run at once. Most of them start a process and wait for it, so that one
// processor serves several.
const waiting = 16

// leakless runs the tests and fails if they leave a goroutine. Commands of scripts are processes of
// their own.
type leakless struct{ m *testing.M }

func (l leakless) Run() int {
	paralleltest.Allow(waiting)
	status := l.m.Run()
	removeBuilt()
	if status != 0 {
		return status
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
