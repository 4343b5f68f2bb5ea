//go:build unix && !linux

package cli

const (
	pollHalfClosed = 0
	pipeAtomic     = 512 // the least PIPE_BUF of POSIX; see reader_linux.go
)
