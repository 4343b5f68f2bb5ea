package bench

import (
	"math"
	"math/rand/v2"
	"time"
)

// sample returns a result with realistic values that are always the same: so many seconds at so
// many messages per second, with a stall of the server of two seconds in the middle.
func sample(seconds int, rate float64) *Result {
	rnd := rand.New(rand.NewPCG(1, 2))
	r := &Result{
		Schema: Schema, Kind: KindMessages, Tool: "1.0.0",
		Started: time.Date(2026, 11, 20, 15, 4, 5, 0, time.UTC), Seconds: float64(seconds), SendSeconds: float64(seconds),
		ReceiveSeconds: float64(seconds),
		Config: Config{
			Server: "mqtt://broker.example:1883", Version: "5", Publishers: 100, Subscribers: 4, Topic: "bench/%i", Filter: "bench/+",
			Shared: "readers", QoS: 1, PayloadSize: 256, Rate: rate, Window: 20, Duration: float64(seconds), Warmup: 5, KeepAlive: 60,
		},
		Accounted: true, Drained: Drain{Seconds: 0.041, Complete: true}, Legal: Legal{Duplicate: true},
		Latency: NewHistogram(), Service: NewHistogram(), Lag: NewHistogram(), Ack: NewHistogram(), Connect: NewHistogram(),
		Connections: Connections{Wanted: 104, Opened: 104, Peak: 104, RampSeconds: 0.52},
		Series:      Series{Interval: 1},
		Clock:       Clock{Mode: "one process"},
		Machines: []Machine{{OS: "linux", Arch: "amd64", CPUs: 2, Go: "go1.26.8", CPU: 1.31, GC: 84, Memory: 31 << 20,
			Descriptors: 65536}},
	}
	tail := func(middle, wide float64) time.Duration {
		return time.Duration(middle * math.Exp(wide*rnd.NormFloat64()) * 1e3)
	}
	stall := seconds / 2
	var held uint64
	for s := range seconds {
		p := Point{Connections: 104, Latency: newHistogram(coarse), Sent: uint64(rate * (1 + 0.003*rnd.NormFloat64()))}
		draws := 120
		weight := max(int64(rate)/int64(draws), 1)
		stalled := seconds > 8 && (s == stall || s == stall+1)
		if stalled {
			held += p.Sent
		}
		for i := range draws {
			lag := tail(18, 0.6)
			service := tail(240, 0.35) + time.Duration(100e3*math.Sin(float64(s)/9)+100e3)
			if rnd.IntN(150) == 0 {
				service *= time.Duration(4 + rnd.IntN(20))
			}
			r.Lag.RecordMany(lag, weight)
			r.Ack.RecordMany(service*2/3+lag, weight)
			if stalled {
				continue
			}
			r.Service.RecordMany(service, weight)
			p.Latency.RecordMany(service+lag, weight)
			r.Latency.RecordMany(service+lag, weight)
			if seconds > 8 && s == stall+2 { // what was held comes now
				for j := range 2 {
					late := time.Duration(2e9*float64(i)/120)*time.Duration(j) + time.Duration(1e6*float64(i))
					p.Latency.RecordMany(late+service, weight)
					r.Latency.RecordMany(late+service, weight)
					r.Service.RecordMany(service, weight)
				}
			}
		}
		if !stalled {
			p.Received, p.Acknowledged = p.Sent+held, p.Sent+held
			held = 0
		}
		if s == stall+1 {
			p.Errors = 3
		}
		r.Sent += p.Sent
		r.Acknowledged += p.Acknowledged
		r.Received += p.Received
		r.Errors += p.Errors
		r.Series.Points = append(r.Series.Points, p)
	}
	r.Expected = r.Sent
	r.SendRate, r.ReceiveRate = float64(r.Sent)/r.Seconds, float64(r.Received)/r.Seconds
	r.BytesSent, r.BytesReceived = 256*r.Sent, 256*r.Received
	for _, ph := range []struct {
		name   string
		middle float64
	}{{"dns", 310}, {"tcp", 150}, {"tls", 2400}, {"connack", 480}, {"subscribe", 390}} {
		h := NewHistogram()
		for range 104 {
			d := tail(ph.middle, 0.5)
			h.Record(d)
			if ph.name != "subscribe" {
				r.Connect.Record(d + 3*time.Millisecond)
			}
		}
		r.Phases = append(r.Phases, Phase{ph.name, h})
	}
	if r.Errors > 0 {
		r.ErrorKinds = []ErrorKind{{"lost", "read from broker.example:1883: connection reset by peer", 2},
			{"connect", "dial broker.example:1883: i/o timeout", 1}}
		r.Notes = []Note{
			{"server", "the server read nothing for 2.00s in the middle of the run", ""},
			{"generator", "1.31 of 2 cores were busy: a part of the latency is the generator's own", "give the generator a machine of its own"},
		}
	}
	r.Verdicts = []Verdict{
		{Expression: "p99>20ms", Metric: "p99", Value: Micros(r.Latency.At(99)), Limit: 20e3, Time: true, Failed: r.Latency.At(99) > 20*time.Millisecond},
		{Expression: "loss>0", Metric: "loss", Value: 0, Limit: 0},
		{Expression: "rate<" + number(rate*0.9), Metric: "rate", Value: r.ReceiveRate, Limit: rate * 0.9},
	}
	return r
}

// sampleConnections returns the result of a run that only opened connections.
func sampleConnections() *Result {
	r := sample(20, 1000)
	c := &Result{
		Schema: Schema, Kind: KindConnections, Started: r.Started, Seconds: 20, Clock: r.Clock, Machines: r.Machines,
		Config:  Config{Server: "mqtts://[::1]:8883", Version: "3.1.1", Clients: 10000, Ramp: 1000, Duration: 20, KeepAlive: 60},
		Connect: r.Connect, Phases: r.Phases,
		Connections: Connections{Wanted: 10000, Opened: 9990, Failed: 10, Peak: 9990, RampSeconds: 10},
		Series:      Series{Interval: 1},
	}
	for s := range 20 {
		p := Point{Connections: uint64(min(s+1, 10) * 999)}
		if s < 10 {
			p.Opened = 999
			p.Errors = uint64(s / 9 * 10)
			c.Errors += p.Errors
		}
		c.Series.Points = append(c.Series.Points, p)
	}
	return c
}

// hostile returns a small result in which each text tries to break the format of a report.
func hostile() *Result {
	const bad = "</script><script>alert(1)</script>\"' onload=x &amp; \x1b[2J\x00\xff\u202e\ufffe]]>\n"
	r := sample(10, 1000)
	r.Tool, r.Kind, r.Clock.Mode, r.Title, r.ServerVersion = bad, bad, bad, bad, bad
	c := &r.Config
	c.Server, c.Version, c.Run, c.Topic, c.Filter, c.Shared = bad, bad, bad, bad, bad+"f", bad
	for i := range r.ErrorKinds {
		r.ErrorKinds[i].Kind, r.ErrorKinds[i].Text = bad, bad
	}
	for i := range r.Notes {
		r.Notes[i] = Note{bad, bad, bad}
	}
	for i := range r.Phases {
		r.Phases[i].Name = bad
	}
	for i := range r.Machines {
		m := &r.Machines[i]
		m.OS, m.Arch, m.Go, m.Command, m.Host, m.System, m.Processor = bad, bad, bad, bad, bad, bad, bad
	}
	for i := range r.Verdicts {
		r.Verdicts[i].Expression, r.Verdicts[i].Metric = bad, bad
	}
	r.Verdicts = append(r.Verdicts, Verdict{Expression: bad, Failed: true, Reason: bad})
	return r
}

// small returns a result of integers, which are exactly the same on every machine.
func small() *Result {
	times := func(ds ...time.Duration) *Histogram {
		h := NewHistogram()
		for _, d := range ds {
			h.Record(d)
		}
		return h
	}
	const us = time.Microsecond
	r := &Result{
		Schema: Schema, Kind: KindMessages, Tool: "1.0.0", Started: time.Date(2026, 11, 20, 15, 4, 5, 0, time.UTC),
		Seconds: 4, SendSeconds: 3, ReceiveSeconds: 4,
		Config: Config{Server: "mqtt://broker.example:1883", Version: "5", Publishers: 2, Subscribers: 1, Topic: "a/<b>", Filter: "a/<b>",
			QoS: 1, PayloadSize: -1, Rate: 4, Burst: 2, Window: 20, Messages: 12, KeepAlive: 60},
		Sent: 12, Acknowledged: 12, Expected: 12, Received: 12, Lost: 1, Duplicated: 1, Reordered: 2, Errors: 1,
		ErrorKinds: []ErrorKind{{"lost", "read: connection reset & closed", 1}}, Legal: Legal{Duplicate: true},
		SendRate: 4, ReceiveRate: 3, BytesSent: 4096, BytesReceived: 4096, Accounted: true, Drained: Drain{Seconds: 1},
		Latency:     times(100*us, 120*us, 130*us, 150*us, 150*us, 180*us, 200*us, 260*us, 900*us, 1200*us, 30000*us, 1500000*us),
		Service:     times(90*us, 110*us, 120*us, 140*us, 140*us, 170*us, 190*us, 250*us, 800*us, 1100*us, 29000*us, 1400000*us),
		Lag:         times(8*us, 9*us, 10*us, 10*us, 11*us, 12*us, 12*us, 13*us, 14*us, 18*us, 22*us, 70*us),
		Ack:         times(80*us, 100*us, 110*us, 130*us, 130*us, 160*us, 180*us, 240*us, 700*us, 1000*us, 28000*us, 1300000*us),
		Connect:     times(900*us, 1000*us, 1100*us),
		Phases:      []Phase{{"tcp", times(100*us, 110*us, 120*us)}, {"connack", times(800*us, 890*us, 980*us)}, {"tls", NewHistogram()}},
		Connections: Connections{Wanted: 3, Opened: 4, Lost: 1, Reconnected: 1, Peak: 3, RampSeconds: 0.004},
		Series: Series{Interval: 1, Points: []Point{
			{Sent: 4, Acknowledged: 4, Received: 4, Opened: 3, Connections: 3, Latency: times(100*us, 120*us, 130*us, 150*us)},
			{Sent: 4, Errors: 1, Connections: 2},
			{Sent: 4, Acknowledged: 6, Received: 6, Opened: 1, Connections: 3, Latency: times(150*us, 180*us, 200*us, 260*us, 900*us, 1500000*us)},
			{Acknowledged: 2, Received: 2, Connections: 3, Latency: times(1200*us, 30000*us)},
		}},
		Clock:    Clock{Mode: "estimated", Offset: 1250, Error: 40},
		Machines: []Machine{{OS: "linux", Arch: "arm64", CPUs: 2, Go: "go1.26", CPU: 0.5, GC: 84, Memory: 31 << 20}},
		Notes:    []Note{{"drain", "not everything came before nothing more arrived for 1.00s", "--drain waits longer"}, {"clock", "latency is between two clocks", ""}},
		Verdicts: []Verdict{
			{Expression: "p99>20ms", Metric: "p99", Value: 1.5e6, Limit: 20e3, Time: true, Failed: true},
			{Expression: "rate<2", Metric: "rate", Value: 3, Limit: 2},
			{Expression: "service.p50>1s", Metric: "service.p50", Limit: 1e6, Time: true, Failed: true, Reason: "nothing was measured"},
		},
	}
	return r
}
