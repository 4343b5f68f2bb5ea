//go:build !unix

package conn

import (
	"net"
	"syscall"
	"time"
)

// source reads and writes the stream. It polls with a very near deadline.
type source struct {
	nc     net.Conn
	socket syscall.RawConn
	deadline
}

func (s *source) open(nc net.Conn) { s.nc, s.socket = nc, rawSocket(nc) }

// poll sets whether the next Read polls. now is the current time.
func (s *source) poll(on bool, now time.Time) {
	if on {
		s.invalidate()
		s.nc.SetReadDeadline(now.Add(time.Millisecond))
	}
}

// Read reads once.
func (s *source) Read(b []byte) (int, error) { return s.nc.Read(b) }

// write writes nothing: writing without waiting is not possible here.
func (s *source) write([]byte) (int, error) { return 0, nil }
