package bench

import (
	"os"
	"runtime"
	"strconv"
	"strings"
)

// maxHostText is the largest size of a text about this machine in a result, in bytes.
const maxHostText = 100

// describeHost sets what identifies this machine: its name, system and processor, as far as they
// are known.
func (m *Machine) describeHost() {
	name, _ := os.Hostname()
	m.Host = hostText(name)
	if runtime.GOOS != "linux" {
		return
	}
	release, _ := os.ReadFile("/etc/os-release")
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	m.System = hostText(releaseName(string(release)))
	if k := hostText(string(kernel)); k != "" {
		if m.System != "" {
			m.System += ", "
		}
		m.System += "kernel " + k
	}
	cpus, _ := os.ReadFile("/proc/cpuinfo")
	m.Processor = hostText(processorName(string(cpus)))
}

// releaseName returns the PRETTY_NAME of /etc/os-release, "" if there is none.
func releaseName(file string) string {
	for line := range strings.Lines(file) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "PRETTY_NAME="); ok {
			if text, err := strconv.Unquote(value); err == nil {
				return text
			}
			return strings.Trim(value, "'")
		}
	}
	return ""
}

// processorName returns the model of the first processor of /proc/cpuinfo, "" if there is none.
func processorName(file string) string {
	for line := range strings.Lines(file) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return value
		}
	}
	return ""
}

// hostText returns s on one line, and not too long.
func hostText(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	return strings.ToValidUTF8(s[:min(len(s), maxHostText)], "")
}
