//go:build unix

package config

import (
	"os"
	"os/exec"
	"syscall"
)

// TerminateGroup makes the end of cmd's context also terminate the processes that cmd has
// started. For that it puts cmd into a process group of its own, unless there is a
// terminal: a terminal does not let another group read, and it signals our whole group
// itself. cmd then stays in our group, and only cmd is terminated.
func TerminateGroup(cmd *exec.Cmd) {
	sign := -1 // a group
	if tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0); err == nil {
		tty.Close()
		sign = 1
	} else {
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	}
	cmd.Cancel = func() error { return syscall.Kill(sign*cmd.Process.Pid, syscall.SIGTERM) }
}
