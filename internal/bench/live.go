package bench

import (
	"strconv"
	"strings"

	"mqtt/internal/format"
)

// measuring reports whether messages received in a phase belong to the measured part.
func measuring(phase string) bool { return phase == "sending" || phase == "draining" }

// Live is the state of a run: the last Progress, and the latency since the measured part
// began. It must not be used by several goroutines at once.
type Live struct {
	Progress
	Latency *Histogram // since the measured part began; nil if nothing was received
	Recent  *Histogram // of the last step; nil if nothing was received
}

// Take makes p the last Progress. It copies the parts of p that are good for the call only.
func (l *Live) Take(p *Progress) {
	l.Progress = *p
	l.Progress.Latency, l.Recent = nil, nil
	if p.Latency.Count() == 0 {
		return
	}
	l.Recent = p.Latency.Clone()
	if measuring(p.Phase) {
		if l.Latency == nil {
			l.Latency = newHistogram(coarse) // as p.Latency
		}
		l.Latency.Merge(p.Latency)
	}
}

// AppendLiveLine appends l as a short line for a log: words of the form key=value, with
// units. Rates and times are of the last step; those of which there is nothing are left out.
func AppendLiveLine(dst []byte, l *Live) []byte {
	start := len(dst)
	word := func(name, value string) {
		if len(dst) > start {
			dst = append(dst, ' ')
		}
		dst = append(append(dst, name...), '=')
		dst = append(dst, strings.ReplaceAll(value, " ", "")...)
	}
	word("phase", strings.ReplaceAll(l.Phase, " ", "-"))
	word("time", wholeSeconds(l.Elapsed))
	if l.Done >= 0 {
		word("done", strconv.Itoa(int(min(l.Done, 1)*100))+"%")
	}
	word("connections", strconv.Itoa(max(l.Connections, 0)))
	if l.OpenRate > 0 {
		word("opened", format.Rate(l.OpenRate))
	}
	if l.messages() {
		word("sent", format.Rate(l.SendRate))
		word("received", format.Rate(l.ReceiveRate))
	}
	if l.Recent.Count() > 0 {
		word("p50", format.Duration(l.Recent.At(50)))
		word("p99", format.Duration(l.Recent.At(99)))
		word("max", format.Duration(l.Recent.Max()))
	}
	if l.LagP99 > lateLag {
		word("lag", format.Duration(l.LagP99))
	}
	word("errors", strconv.FormatUint(l.Errors, 10))
	return append(dst, '\n')
}
