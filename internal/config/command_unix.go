//go:build unix

package config

import (
	"os"
	"os/exec"
	"syscall"
)

// Leash has the end of cmd's context end what cmd has started too. That takes a process group of their own, which a
// terminal does not let read: where there is a terminal it has a group of its own to tell, and the command stays in ours.
func Leash(cmd *exec.Cmd) {
	to := -1
	if tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0); err == nil {
		tty.Close()
		to = 1
	} else {
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	}
	cmd.Cancel = func() error { return syscall.Kill(to*cmd.Process.Pid, syscall.SIGTERM) }
}
