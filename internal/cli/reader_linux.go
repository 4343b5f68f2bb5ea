package cli

import "golang.org/x/sys/unix"

const (
	pollHalfClosed = unix.POLLRDHUP
	pipeAtomic     = 4096 // PIPE_BUF: a write of that size does not block if the pipe has any room
)
