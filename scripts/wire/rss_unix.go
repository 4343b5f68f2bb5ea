//go:build unix

package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
)

// peaks returns the peak resident sizes of a finished child and of wire, in KiB.
func peaks(child *os.ProcessState) (peak, floor int64, err error) {
	usage, ok := child.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0, 0, errors.New("this system does not report the memory of a child")
	}
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		return 0, 0, fmt.Errorf("own memory: %w", err)
	}
	unit := int64(1)
	if runtime.GOOS == "darwin" || runtime.GOOS == "ios" {
		unit = 1024 // bytes there, KiB elsewhere
	}
	return int64(usage.Maxrss) / unit, int64(own.Maxrss) / unit, nil
}
