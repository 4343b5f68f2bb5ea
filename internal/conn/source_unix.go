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

// source reads and writes the stream. A look takes what has come and does not wait for
// more: a deadline that has passed would not even try.
type source struct {
	nc      net.Conn
	raw     syscall.RawConn // nil where a stream is not a bare socket
	looking bool
	buf     []byte
	n       int
	err     error
	try     func(fd uintptr) bool // of raw.Read; made once, so that a look allocates nothing
	put     func(fd uintptr) bool // of raw.Write

	deadline
}

func (s *source) open(nc net.Conn) {
	s.nc = nc
	switch nc := nc.(type) {
	case *net.TCPConn:
		s.raw, _ = nc.SyscallConn()
	case *net.UnixConn:
		s.raw, _ = nc.SyscallConn()
	}
	s.try = func(fd uintptr) bool {
		s.n, s.err = readNow(fd, s.buf)
		return true
	}
	s.put = func(fd uintptr) bool {
		s.n, s.err = writeNow(fd, s.buf)
		return true
	}
}

// write sends as much of b as there is room for, a piece at the most, and does not wait
// for more. Where the stream is not a bare socket, or the deadline of writes has passed,
// that is nothing.
func (s *source) write(b []byte) (int, error) {
	if s.raw == nil {
		return 0, nil
	}
	s.buf = b[:min(len(b), piece)]
	err := s.raw.Write(s.put)
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

// look says whether the next Read is a look. now is the time it is made at.
func (s *source) look(on bool, now time.Time) {
	s.looking = on
	if !on {
		return
	}
	s.forget()
	if s.raw != nil {
		s.nc.SetReadDeadline(time.Time{})
		return
	}
	s.nc.SetReadDeadline(now.Add(glance))
}

// glance is how long a look takes where the stream is not a bare socket.
const glance = 50 * time.Microsecond

// Read reads once.
func (s *source) Read(b []byte) (int, error) {
	if !s.looking || s.raw == nil {
		return s.nc.Read(b)
	}
	s.buf = b
	err := s.raw.Read(s.try)
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
