//go:build unix

package check

import (
	"os"
	"os/exec"
	"syscall"
)

// grouped gives a command a process group of its own, which SIGTERM reaches as a whole.
func grouped(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGTERM) }
}

// killGroup ends what is left of the group of a command that has ended.
func killGroup(p *os.Process) { syscall.Kill(-p.Pid, syscall.SIGKILL) } //nolint:errcheck // there may be nothing left
