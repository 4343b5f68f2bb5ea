package bench

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// LimitError is a limit of this machine that a run would exceed. Without the check it would
// look like a fault of the server.
type LimitError struct{ What, Remedy string }

// Error returns the limit and what would exceed it.
func (e *LimitError) Error() string { return e.What }

// Hint returns what to do.
func (e *LimitError) Hint() string { return e.Remedy }

// spareFiles is the number of files that a process needs besides its connections.
const spareFiles = 32

// Preflight returns a *LimitError if this machine does not allow so many connections: it
// limits open files, and the ports of one address towards one server. sources is the number
// of local addresses, 0 to ignore ports.
func Preflight(connections, sources int) error {
	if have := Descriptors(); have > 0 && connections+spareFiles > have {
		return &LimitError{
			What:   fmt.Sprintf("%d connections need %d open files, but the limit is %d", connections, connections+spareFiles, have),
			Remedy: fmt.Sprintf("raise it with ulimit -n %d, LimitNOFILE= of a service, or /etc/security/limits.conf", connections+spareFiles),
		}
	}
	if low, high, ok := portRange(); ok && sources > 0 {
		if ports := high - low + 1; connections > ports*sources {
			return &LimitError{
				What: fmt.Sprintf("%d connections to one server from %d address(es), but there are %d local ports (%d to %d) for each",
					connections, sources, ports, low, high),
				Remedy: "give several addresses with --bind a,b,c, or widen the range: sysctl -w net.ipv4.ip_local_port_range='1024 65535'",
			}
		}
	}
	return nil
}

// portRange returns the range of ports that the system uses for outgoing connections.
func portRange() (low, high int, ok bool) {
	b, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return 0, 0, false
	}
	f := bytes.Fields(b)
	if len(f) != 2 {
		return 0, 0, false
	}
	low, err1 := strconv.Atoi(string(f[0]))
	high, err2 := strconv.Atoi(string(f[1]))
	return low, high, err1 == nil && err2 == nil && low <= high
}
