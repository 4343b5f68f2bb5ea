//go:build unix

package main

import (
	"os"
	"syscall"
)

func moreSignals() map[string]os.Signal {
	return map[string]os.Signal{"TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP, "STOP": syscall.SIGSTOP, "CONT": syscall.SIGCONT}
}

func terminalAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Setctty: true}
}
