package proxy

import (
	"fmt"
	"sync"
	"time"

	"mqtt/internal/format"
	"mqtt/internal/proxy"
)

// mostReports is how many reports about connections are written in a second. Without
// a limit, a hostile client could fill the disk on which they are kept.
const mostReports = 20

// reports writes what happens to connections, for people.
type reports struct {
	write func(line string)

	mu      sync.Mutex
	second  time.Time
	written int
	left    int // reports that were not written
}

// add writes a line, or counts it.
func (r *reports) add(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); now.Sub(r.second) >= time.Second {
		r.second, r.written = now, 0
		r.note()
	}
	if r.written == mostReports {
		r.left++
		return
	}
	r.written++
	r.write(line)
}

// note tells how many reports were not written. mu is held.
func (r *reports) note() {
	if r.left > 0 {
		r.write(fmt.Sprintf("mqtt proxy: %d more such lines were left out", r.left))
		r.left = 0
	}
}

func (r *reports) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.note()
}

// report is the Report of the proxy.
func (j *job) report(s proxy.Source, text string, err error) {
	if err == nil && j.e.Quiet {
		return
	}
	j.reports.add(failure("mqtt proxy: "+name(s)+": "+text, err))
}

// name names a connection.
func name(s proxy.Source) string {
	line := fmt.Sprintf("connection %d from %s", s.Connection, s.Address)
	if s.Client != "" {
		line += fmt.Sprintf(", client %.64q", s.Client)
	}
	return string(format.VisibleLine(nil, []byte(line)))
}

// failure appends the reason to a line, with a hint if there is one.
func failure(line string, err error) string {
	if err == nil {
		return line
	}
	line += ": " + err.Error()
	if hint := farHint(err); hint != "" {
		line += " - " + hint
	}
	return string(format.VisibleLine(nil, []byte(line)))
}
