//go:build unix

package serve

import (
	"os/exec"
	"syscall"
)

// OwnProcessGroup gives a command that was made with exec.CommandContext a process group of its own: Ctrl-C
// does not reach it, and the end of the context sends SIGTERM to the programs that it has started, too.
func OwnProcessGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
}

// KillProcessGroup kills what is left of the process group of a command that has ended.
func KillProcessGroup(cmd *exec.Cmd) {
	if cmd.Process != nil {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) //nolint:errcheck // there may be nothing left
	}
}
