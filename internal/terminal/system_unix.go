//go:build unix

package terminal

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

const (
	keyboard   = "/dev/tty"
	canSuspend = true
)

// suspend stops the process group, and returns when it is continued. Without a shell that could continue
// it, the system does not stop it: then suspend returns after stopTime.
func suspend() {
	continued := make(chan os.Signal, 1)
	signal.Notify(continued, syscall.SIGCONT)
	defer signal.Stop(continued)
	if syscall.Kill(0, syscall.SIGTSTP) != nil {
		return
	}
	select {
	case <-continued:
	case <-time.After(stopTime):
	}
}

// stopTime is more than the system needs to stop a process.
const stopTime = 200 * time.Millisecond

// prepareOutput does nothing: terminals need no mode for escape sequences.
func prepareOutput(*os.File) error { return nil }
