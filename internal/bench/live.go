package bench

import (
	"strconv"
	"strings"
	"time"

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

// AppendLiveLine appends l as a short line for a log, such as
//
//	[ 2s/6s] sent 1,000 (500/s) p50 602µs p99 20.1ms lost 37
//
// It begins with the time of the phase and, if it is known, of the whole phase. Counts are totals, rates
// and latencies of the last step; lost is what is missing so far.
func AppendLiveLine(dst []byte, l *Live) []byte {
	dst = append(append(append(dst, '['), l.clock()...), ']')
	if l.Phase != "sending" {
		dst = append(append(append(dst, ' '), l.Phase...), ':')
	}
	count := func(name string, n uint64, rate float64) {
		dst = append(append(append(dst, ' '), name...), ' ')
		dst = append(dst, format.Count(n)...)
		if rate > 0 {
			dst = append(append(append(dst, " ("...), strings.ReplaceAll(format.Rate(rate), " ", "")...), ')')
		}
	}
	word := func(name, value string) {
		dst = append(append(append(append(dst, ' '), name...), ' '), value...)
	}
	if !l.messages() {
		dst = append(append(dst, ' '), format.Count(uint64(max(l.Connections, 0)))...)
		dst = append(append(append(dst, " of "...), format.Count(uint64(max(l.Wanted, 0)))...), " connections"...)
		if l.OpenRate > 0 {
			dst = append(append(append(dst, " ("...), strings.ReplaceAll(format.Rate(l.OpenRate), " ", "")...), ')')
		}
	} else if l.Sent > 0 || l.SendRate > 0 || l.Received == 0 {
		count("sent", l.Sent, l.SendRate)
	} else {
		count("received", l.Received, l.ReceiveRate)
	}
	if l.Recent.Count() > 0 {
		word("p50", format.Duration(l.Recent.At(50)))
		word("p99", format.Duration(l.Recent.At(99)))
	}
	if l.Missing >= 0 && l.messages() {
		word("lost", format.Count(uint64(l.Missing)))
	}
	if l.LagP99 > lateLag {
		word("lag", format.Duration(l.LagP99))
	}
	if l.Errors > 0 {
		word("errors", format.Count(l.Errors))
	}
	return append(dst, '\n')
}

// clock returns the time of the phase, and how long it takes in all or how much of it is done, if that
// is known.
func (l *Live) clock() string {
	elapsed := wholeSeconds(l.Elapsed)
	if l.Remaining < 0 || l.Remaining == 0 && l.Done < 1 {
		if l.Done >= 0 {
			return elapsed + " " + strconv.Itoa(int(min(l.Done, 1)*100)) + "%"
		}
		return elapsed
	}
	all := wholeSeconds((l.Elapsed + l.Remaining).Round(time.Second))
	all = strings.TrimSuffix(strings.TrimSuffix(all, "00s"), "00m")
	return strings.Repeat(" ", max(len(all)-len(elapsed), 0)) + elapsed + "/" + all
}
