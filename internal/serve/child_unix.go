//go:build unix

package serve

import (
	"os/exec"
	"syscall"
)

// ownProcessGroup gives the command a process group of its own: Ctrl-C does not reach it, and the
// programs that it has started end with it.
func ownProcessGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
}
