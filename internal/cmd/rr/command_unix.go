//go:build unix

package rr

import (
	"os/exec"
	"syscall"
)

// separate gives a command a process group of its own: Ctrl-C is meant for us, and what a command has started ends
// with it.
func separate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
}
