package bench

import "strconv"

// measuring tells whether what comes in a phase is of the measured part.
func measuring(phase string) bool { return phase == "sending" || phase == "draining" }

// Live is a run at one moment: the last Progress, and the latency since the measured
// part began. The zero Live has not begun. It is not for more than one goroutine.
type Live struct {
	Progress
	Latency *Histogram // since the measured part began; nil while nothing came
	Recent  *Histogram // of the last step; nil if nothing came
}

// Take makes p what l shows. It keeps no part of p that is good for the call only.
func (l *Live) Take(p *Progress) {
	l.Progress = *p
	l.Progress.Latency, l.Recent = nil, nil
	if p.Latency.Count() == 0 {
		return
	}
	l.Recent = p.Latency.Clone()
	if measuring(p.Phase) {
		if l.Latency == nil {
			l.Latency = newHistogram(coarse) // as what comes is
		}
		l.Latency.Merge(p.Latency)
	}
}

// AppendLiveLine appends l as one line for a log or a program: words of the form
// key=value, always all of them and in this order, times in microseconds where the
// key does not say otherwise. p50 to max are of the last step, 0 where nothing came;
// done is a part of 1, ? where nobody knows.
func AppendLiveLine(dst []byte, l *Live) []byte {
	dst = append(dst, "phase="...)
	for i := range len(l.Phase) { // a word stays one word
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
