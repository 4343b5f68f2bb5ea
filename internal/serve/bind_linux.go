package serve

import (
	"os/exec"
	"syscall"
)

// bind has the system kill a command when the thread ends that started it, as those of a broker do that is killed.
func bind(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
}
