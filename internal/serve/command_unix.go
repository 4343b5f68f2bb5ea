//go:build unix

package serve

import (
	"os"
	"os/exec"
	"syscall"
)

// grouped gives a command a process group of its own, and returns what sends that a signal.
func grouped(cmd *exec.Cmd) func(*os.Process, os.Signal) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return func(p *os.Process, s os.Signal) error { return syscall.Kill(-p.Pid, s.(syscall.Signal)) }
}
