//go:build !unix

package main

import (
	"os"
	"syscall"
)

func moreSignals() map[string]os.Signal { return nil }

func terminalAttributes() *syscall.SysProcAttr { return nil }
