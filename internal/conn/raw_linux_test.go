package conn

import (
	"io"
	"net"
	"syscall"
	"testing"
)

// BenchmarkRawWrite writes a full queue to a socket that another goroutine drains: with the runtime's
// system call, and with the one that the runtime is not told of. cpu-ns/op is the processor time of
// both goroutines, which is comparable on a busy machine too.
func BenchmarkRawWrite(b *testing.B) {
	for _, k := range []struct {
		name  string
		write func(fd uintptr, b []byte) (int, error)
	}{
		{"runtime", func(fd uintptr, b []byte) (int, error) { return syscall.Write(int(fd), b) }},
		{"raw", writeNow},
	} {
		b.Run(k.name, func(b *testing.B) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			drained := make(chan error, 1)
			go func() { // ends when nc is closed
				c, err := l.Accept()
				if err == nil {
					_, err = io.Copy(io.Discard, struct{ io.Reader }{c})
					c.Close()
				}
				drained <- err
			}()
			nc, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				b.Fatal(err)
			}
			raw, err := nc.(*net.TCPConn).SyscallConn()
			if err != nil {
				b.Fatal(err)
			}
			queue := make([]byte, flushSize)
			b.SetBytes(flushSize)
			before := cpuTime(b)
			for b.Loop() {
				for left := queue; len(left) > 0; {
					raw.Write(func(fd uintptr) bool {
						n, err := k.write(fd, left)
						if err == syscall.EAGAIN {
							return false
						}
						if err != nil {
							b.Error(err)
							n = len(left)
						}
						left = left[n:]
						return true
					})
				}
			}
			b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
			nc.Close()
			if err := <-drained; err != nil {
				b.Error(err)
			}
		})
	}
}

// cpuTime returns the processor time that the process has used, in nanoseconds.
func cpuTime(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
