package transport

import (
	"errors"
	"net"
	"os"
	"time"
)

// Linger prepares to close a connection to whose peer the last bytes have been written: it shuts
// down the sending half, and reads until the peer closes its half, d has passed, or most bytes have
// come; a most of 0 means no limit. To close a connection with unread bytes would discard what the peer
// has not read yet. Linger returns at once if the connection has no method CloseWrite.
//
// Another goroutine may set the read deadline of the connection meanwhile: Linger sets it again.
func Linger(conn net.Conn, d time.Duration, most int) {
	half, ok := conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	drain(conn, d, most)
}

// AwaitClose reads until the peer closes its half of the stream, or d has passed. Unlike Linger it
// leaves the sending half open: some peers take its end for the end of the connection, and do not read
// what came before. AwaitClose returns at once if the connection has no method CloseWrite.
func AwaitClose(conn net.Conn, d time.Duration) {
	if _, ok := conn.(interface{ CloseWrite() error }); ok {
		drain(conn, d, 0)
	}
}

// drain reads until the stream ends, d has passed, or most bytes have come; a most of 0 means no limit.
func drain(conn net.Conn, d time.Duration, most int) {
	end := time.Now().Add(d)
	buf := make([]byte, 4<<10)
	for total := 0; most == 0 || total < most; {
		conn.SetReadDeadline(end)
		n, err := conn.Read(buf)
		if err != nil && (!errors.Is(err, os.ErrDeadlineExceeded) || !time.Now().Before(end)) {
			return
		}
		total += n
	}
}
