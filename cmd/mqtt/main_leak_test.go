package main

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// leakless runs the tests, which must leave no goroutine behind. A script's commands are processes of their own.
type leakless struct{ m *testing.M }

func (l leakless) Run() int {
	status := l.m.Run()
	if status != 0 {
		return status
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
