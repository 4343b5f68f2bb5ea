package bench

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// LimitError is a limit of this machine that a run cannot be within. It would look
// like a failing server.
type LimitError struct{ What, Remedy string }

// Error names the limit.
func (e *LimitError) Error() string { return e.What }

// Hint says what to do.
func (e *LimitError) Hint() string { return e.Remedy }

// spare is how many descriptors a process has besides its connections.
const spare = 32

// Preflight returns a *LimitError if this machine does not allow so many connections
// at once: descriptors, and ports of one address towards one server. sources is how
// many local addresses are used, 0 where ports do not matter.
func Preflight(connections, sources int) error {
	if have := Descriptors(); have > 0 && connections+spare > have {
		return &LimitError{
			What:   fmt.Sprintf("%d connections need %d open files, but the limit is %d", connections, connections+spare, have),
			Remedy: fmt.Sprintf("raise it with ulimit -n %d, LimitNOFILE= of a service, or /etc/security/limits.conf", connections+spare),
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

// portRange is the range of ports that the system gives out.
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
