package serve

import (
	"os"
	"os/signal"
	"unsafe"

	"golang.org/x/sys/unix"
)

// reapOrphans collects the exit statuses of orphans if they become children of this process, as they do
// where it is process 1 of a container, so that they do not stay zombies. The process command is left to
// its own Wait. The goroutine ends with the returned function.
func reapOrphans(command int) (stop func()) {
	if !adopts() {
		return func() {}
	}
	children := make(chan os.Signal, 1)
	signal.Notify(children, unix.SIGCHLD)
	end, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			for reap(command) {
			}
			select {
			case <-children:
			case <-end:
				for reap(command) {
				}
				return
			}
		}
	}()
	return func() {
		signal.Stop(children)
		close(end)
		<-done
	}
}

// adopts reports whether orphans become children of this process.
func adopts() bool {
	if os.Getpid() == 1 {
		return true
	}
	var subreaper int32
	err := unix.Prctl(unix.PR_GET_CHILD_SUBREAPER, uintptr(unsafe.Pointer(&subreaper)), 0, 0, 0)
	return err == nil && subreaper != 0
}

// reap collects one child that has ended, and reports whether there was one other than command.
func reap(command int) bool {
	var info unix.Siginfo
	// WNOWAIT looks only: the status of the command must stay for its Wait.
	if err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil); err != nil {
		return err == unix.EINTR
	}
	pid := childOf(&info)
	if pid <= 0 || pid == command {
		return false
	}
	_, err := unix.Wait4(pid, nil, unix.WNOHANG, nil)
	return err == nil
}

// childOf returns the process identifier of a Siginfo about a child. The fields of that union have no names in
// package unix: they follow three 32-bit numbers, aligned to the size of a pointer.
func childOf(info *unix.Siginfo) int {
	const word = unsafe.Sizeof(uintptr(0))
	const offset = (12 + word - 1) / word * word
	return int(*(*int32)(unsafe.Add(unsafe.Pointer(info), offset)))
}
