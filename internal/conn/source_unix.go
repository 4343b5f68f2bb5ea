//go:build unix

package conn

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// source reads and writes the stream. On a bare socket it can also poll: read what has arrived
// without waiting. A read with a deadline that has passed would not even try.
type source struct {
	nc       net.Conn
	raw      syscall.RawConn // nil if the stream is not a bare socket
	socket   syscall.RawConn // below TLS and WebSocket, too; nil if there is none
	polling  bool
	buf      []byte
	n        int
	err      error
	rawRead  func(fd uintptr) bool // argument of raw.Read; made once, so that polling does not allocate
	rawWrite func(fd uintptr) bool // argument of raw.Write

	deadline
}

func (s *source) open(nc net.Conn) {
	s.nc, s.socket = nc, rawSocket(nc)
	switch nc := nc.(type) {
	case *net.TCPConn:
		s.raw, _ = nc.SyscallConn()
	case *net.UnixConn:
		s.raw, _ = nc.SyscallConn()
	}
	s.rawRead = func(fd uintptr) bool {
		s.n, s.err = readNow(fd, s.buf)
		return true
	}
	s.rawWrite = func(fd uintptr) bool {
		s.n, s.err = writeNow(fd, s.buf)
		return true
	}
}

// write writes up to writeMax bytes of b, as far as the socket has room, and does not wait. It
// writes nothing if the stream is not a bare socket, or if its write deadline has passed.
func (s *source) write(b []byte) (int, error) {
	if s.raw == nil {
		return 0, nil
	}
	s.buf = b[:min(len(b), writeMax)]
	err := s.raw.Write(s.rawWrite)
	s.buf = nil
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), err == nil && s.err == syscall.EAGAIN:
		return 0, nil
	case err != nil:
		return 0, err
	case s.err != nil:
		return 0, os.NewSyscallError("write", s.err)
	}
	return s.n, nil
}

// poll sets whether the next Read polls. now is the current time.
func (s *source) poll(on bool, now time.Time) {
	s.polling = on
	if !on {
		return
	}
	s.invalidate()
	if s.raw != nil {
		s.nc.SetReadDeadline(time.Time{})
		return
	}
	s.nc.SetReadDeadline(now.Add(pollTime))
}

// pollTime is how long polling waits if the stream is not a bare socket.
const pollTime = 50 * time.Microsecond

// Read reads once.
func (s *source) Read(b []byte) (int, error) {
	if !s.polling || s.raw == nil {
		return s.nc.Read(b)
	}
	s.buf = b
	err := s.raw.Read(s.rawRead)
	s.buf = nil
	switch {
	case err != nil:
		return 0, err
	case s.err == syscall.EAGAIN:
		return 0, os.ErrDeadlineExceeded
	case s.err != nil:
		return 0, os.NewSyscallError("read", s.err)
	case s.n == 0:
		return 0, io.EOF
	}
	return s.n, nil
}
