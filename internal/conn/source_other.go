//go:build !unix

package conn

import (
	"net"
	"time"
)

// source reads the stream. A look is a read with a very near deadline.
type source struct {
	nc net.Conn
	deadline
}

func (s *source) open(nc net.Conn) { s.nc = nc }

// look says whether the next Read is a look. now is the time it is made at.
func (s *source) look(on bool, now time.Time) {
	if on {
		s.forget()
		s.nc.SetReadDeadline(now.Add(time.Millisecond))
	}
}

// Read reads once.
func (s *source) Read(b []byte) (int, error) { return s.nc.Read(b) }

// write would send what there is room for without waiting; it leaves that to Write.
func (s *source) write([]byte) (int, error) { return 0, nil }
