package proxy

import (
	"fmt"
	"slices"
	"sync"

	"mqtt/internal/format"
	"mqtt/internal/proxy"
	"mqtt/internal/rules"
)

// mostShown is how often a violation of one rule by one side is written with its evidence. The end
// has the counts.
const mostShown = 10

// verdict collects violations.
type verdict struct {
	write func(line string)

	mu     sync.Mutex
	counts map[broken]int
}

// broken is a rule that one side broke.
type broken struct {
	rule string
	role rules.Role
}

func newVerdict(write func(line string)) *verdict {
	return &verdict{write: write, counts: make(map[broken]int)}
}

// add is the Violation of the proxy.
func (v *verdict) add(s proxy.Source, x rules.Violation) {
	v.mu.Lock()
	defer v.mu.Unlock()
	key := broken{x.Name() + ", MQTT " + x.Version.String(), x.Broken}
	v.counts[key]++
	if v.counts[key] > mostShown {
		return
	}
	line := fmt.Appendf(nil, "mqtt proxy: violation: %s: the %s broke %s (%s): %s Seen: %s", name(s), x.Broken, key.rule, x.Level, x.Text, x.Got)
	if len(x.Packet) > 0 {
		line = fmt.Appendf(line, "; packet %x", x.Packet[:min(len(x.Packet), 64)])
		if len(x.Packet) > 64 {
			line = append(line, "..."...)
		}
	}
	v.write(string(format.VisibleLine(nil, line)))
}

// summary writes how often each rule was broken, and reports whether one was.
func (v *verdict) summary() bool {
	if v == nil {
		return false
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	var lines []string
	for key, n := range v.counts {
		times := "once"
		if n > 1 {
			times = format.Count(uint64(n)) + " times"
		}
		lines = append(lines, fmt.Sprintf("the %s broke %s: %s", key.role, key.rule, times))
	}
	slices.Sort(lines)
	for _, line := range lines {
		v.write("mqtt proxy: " + line)
	}
	return len(lines) > 0
}
