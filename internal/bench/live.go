package bench

import "strconv"

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

// AppendLiveLine appends l as one line for a log or a program: words of the form
// key=value, always all of them and in the same order. Times are in microseconds unless
// the key says otherwise. p50 to max are of the last step, 0 if nothing was received. done
// is from 0 to 1, or ? if it is not known.
func AppendLiveLine(dst []byte, l *Live) []byte {
	dst = append(dst, "phase="...)
	for i := range len(l.Phase) { // without spaces
		c := l.Phase[i]
		if c <= ' ' {
			c = '-'
		}
		dst = append(dst, c)
	}
	number := func(name string, x float64, digits int) {
		dst = append(append(append(dst, ' '), name...), '=')
		dst = strconv.AppendFloat(dst, x, 'f', digits, 64)
	}
	count := func(name string, n uint64) {
		dst = append(append(append(dst, ' '), name...), '=')
		dst = strconv.AppendUint(dst, n, 10)
	}
	number("seconds", l.Elapsed.Seconds(), 3)
	if l.Done >= 0 {
		number("done", l.Done, 3)
	} else {
		dst = append(dst, " done=?"...)
	}
	count("connections", uint64(max(l.Connections, 0)))
	count("sent", l.Sent)
	count("received", l.Received)
	count("errors", l.Errors)
	number("send_rate", l.SendRate, 1)
	number("receive_rate", l.ReceiveRate, 1)
	number("ack_rate", l.AckRate, 1)
	number("open_rate", l.OpenRate, 1)
	number("p50", Micros(l.Recent.At(50)), 1)
	number("p90", Micros(l.Recent.At(90)), 1)
	number("p99", Micros(l.Recent.At(99)), 1)
	number("p999", Micros(l.Recent.At(99.9)), 1)
	number("max", Micros(l.Recent.Max()), 1)
	number("lag_p99", Micros(l.LagP99), 1)
	return append(dst, '\n')
}
