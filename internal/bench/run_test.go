package bench

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mqtt/internal/conn"
	"mqtt/internal/proto"
)

// TestCountsEqualTheServers compares the counts with those of the server. Traps 48 and 60.
func TestCountsEqualTheServers(t *testing.T) {
	for qos := range byte(3) {
		synctest.Test(t, func(t *testing.T) {
			r := newRelay(t)
			p := r.plan(t)
			p.Publishers, p.Subscribers, p.QoS, p.Messages = 7, 0, qos, 4321
			res := r.run(t, p)
			if int(res.Sent) != r.taken || r.taken != 4321 || int(res.BytesSent) != r.bytes {
				t.Errorf("QoS %d: bench sent %d messages, %d bytes; the server took %d, %d", qos, res.Sent, res.BytesSent, r.taken, r.bytes)
			}
			if want := min(uint64(qos), 1) * 4321; res.Acknowledged != want || res.Ack.Count() != int64(want) {
				t.Errorf("QoS %d: acknowledged %d (%d timed), not %d", qos, res.Acknowledged, res.Ack.Count(), want)
			}
		})
	}
}

// TestFaultsAreCounted lets the relay drop, repeat and swap known numbers of messages.
func TestFaultsAreCounted(t *testing.T) {
	const pubs, each = 5, 400
	faults := func(_ string, n int) fault {
		switch {
		case n%100 == 7:
			return drop
		case n%50 == 11:
			return repeat
		case n%25 == 13:
			return swap
		}
		return pass
	}
	for qos := range byte(3) {
		for _, rate := range []float64{0, 5000} {
			synctest.Test(t, func(t *testing.T) {
				r := newRelay(t)
				r.fault = faults
				p := r.plan(t)
				p.Publishers, p.Subscribers, p.QoS, p.Messages, p.Rate = pubs, 2, qos, pubs*each, rate
				p.Filter, _ = Compile("b/+", "i")
				res := r.run(t, p)
				want := Result{Sent: pubs * each, Expected: 2 * pubs * each, Lost: 2 * pubs * 4, Duplicated: 2 * pubs * 8, Reordered: 2 * pubs * 16}
				want.Received = want.Expected - want.Lost + want.Duplicated
				if res.Sent != want.Sent || res.Expected != want.Expected || res.Received != want.Received || res.Lost != want.Lost ||
					res.Duplicated != want.Duplicated || res.Reordered != want.Reordered || res.Foreign != 0 || !res.Accounted {
					t.Errorf("QoS %d, rate %v: sent %d expected %d received %d lost %d duplicated %d reordered %d foreign %d, want %d %d %d %d %d %d 0",
						qos, rate, res.Sent, res.Expected, res.Received, res.Lost, res.Duplicated, res.Reordered, res.Foreign,
						want.Sent, want.Expected, want.Received, want.Lost, want.Duplicated, want.Reordered)
				}
				if res.Drained.Complete || res.Legal.Loss != (qos == 0) || res.Legal.Duplicate != (qos == 1) || res.Legal.Reorder {
					t.Errorf("QoS %d: drained %+v, legal %+v", qos, res.Drained, res.Legal)
				}
			})
		}
	}
}

// TestStopShows lets the server stop for 2 s of 10 s. The percentiles of an open loop show it,
// because messages that could not be sent count from when they were due. Traps 49 and 50.
func TestStopShows(t *testing.T) {
	for qos := range byte(2) {
		synctest.Test(t, func(t *testing.T) {
			r := newRelay(t)
			began := time.Now()
			r.stop = func() time.Time {
				if d := time.Since(began); d > 4*time.Second && d < 6*time.Second {
					return began.Add(6 * time.Second)
				}
				return time.Time{}
			}
			p := r.plan(t)
			p.Messages, p.Duration, p.Rate, p.QoS = 0, 10*time.Second, 200, qos
			res := r.run(t, p)
			if res.Sent != 2000 || res.Lost != 0 {
				t.Errorf("sent %d, lost %d", res.Sent, res.Lost)
			}
			// A fifth of all was due while it stopped, evenly: 95 % of the waits are below 2 s less
			// 5/20 of it.
			if p99, p50 := res.Latency.At(99), res.Latency.At(50); p99 < 1850*time.Millisecond || p99 > 2*time.Second || p50 > 5*time.Millisecond {
				t.Errorf("QoS %d: p50 %s, p99 %s", qos, p50, p99)
			}
			if most := res.Latency.Max(); most < 1980*time.Millisecond || most > 2010*time.Millisecond {
				t.Errorf("QoS %d: max %s", qos, most)
			}
		})
	}
}

// TestDelayIsMeasured checks that a delay of 50 ms is p50 and p99.
func TestDelayIsMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		r.delay = 50 * time.Millisecond
		p := r.plan(t)
		p.Publishers, p.Subscribers, p.Messages, p.Duration, p.Rate, p.QoS = 4, 4, 0, 3*time.Second, 1000, 1
		res := r.run(t, p)
		for _, h := range []*Histogram{res.Latency, res.Service} {
			for _, q := range []float64{50, 99} {
				if d := h.At(q) - r.delay; d < -time.Millisecond || d > time.Millisecond {
					t.Errorf("p%v is off by %s", q, d)
				}
			}
		}
		if res.Latency.Count() != 3000 || res.Sent != 3000 || res.Received != 3000 {
			t.Errorf("%d timed, %d sent, %d received, want 3000", res.Latency.Count(), res.Sent, res.Received)
		}
	})
}

// TestWarmupIsNotCounted checks that exactly the messages of the measured part count.
func TestWarmupIsNotCounted(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{0, 500} {
		synctest.Test(t, func(t *testing.T) {
			r := newRelay(t)
			r.delay = time.Millisecond
			p := r.plan(t)
			p.Publishers, p.Messages, p.Duration, p.Warmup, p.Rate, p.QoS = 3, 0, 2*time.Second, time.Second, rate, 1
			p.Subscribers = 3
			res := r.run(t, p)
			if rate > 0 && (res.Sent != 1000 || r.taken != 1500) {
				t.Errorf("sent %d, the server took %d; want 1000, 1500", res.Sent, r.taken)
			}
			if res.Sent >= uint64(r.taken) || res.Received != res.Sent || res.Lost+res.Duplicated+res.Reordered != 0 || res.Acknowledged != res.Sent {
				t.Errorf("rate %v: the server took %d; sent %d received %d acknowledged %d lost %d duplicated %d reordered %d",
					rate, r.taken, res.Sent, res.Received, res.Acknowledged, res.Lost, res.Duplicated, res.Reordered)
			}
			if n := len(res.Series.Points); n < 2 || n > 3 {
				t.Errorf("%d points of 2 s", n)
			}
			var sent uint64
			for _, q := range res.Series.Points {
				sent += q.Sent
			}
			if sent != res.Sent {
				t.Errorf("the points have %d messages, the result %d", sent, res.Sent)
			}
		})
	}
}

// TestRateOfAShortRun checks that n messages take n steps of the schedule, also in a short run, and
// that in a closed loop a message takes until it is acknowledged.
func TestRateOfAShortRun(t *testing.T) {
	for _, c := range []struct {
		rate     float64
		messages uint64
		duration time.Duration
		want     float64
	}{{10, 0, time.Second, 10}, {1, 2, 0, 1}, {30, 7, 0, 30}, {0, 20, 0, 200}} {
		synctest.Test(t, func(t *testing.T) {
			r := newRelay(t)
			r.delay = 100 * time.Millisecond
			p := r.plan(t)
			p.Topic, _ = Compile("b", "")
			p.Rate, p.Messages, p.Duration, p.QoS, p.Publishers = c.rate, c.messages, c.duration, 1, 3
			res := r.run(t, p)
			if math.Abs(res.SendRate-c.want) > 0.001*c.want || res.ReceiveRate > 1.001*c.want || res.Received != res.Sent || res.Lost != 0 {
				t.Errorf("%+v: sent at %v, received at %v a second", c, res.SendRate, res.ReceiveRate)
			}
		})
	}
}

// TestHeaderInProperty checks that messages with a literal payload have a header in a user
// property.
func TestHeaderInProperty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		r.fault = func(_ string, n int) fault {
			if n == 5 {
				return drop
			}
			return pass
		}
		p := r.plan(t)
		p.Payload, p.Carrier, p.Messages = []byte("hi"), InProperty, 50
		p.Props = p.Props.AppendPair("k", "v")
		res := r.run(t, p)
		if res.Received != 49 || res.Lost != 1 || res.Latency.Count() != 49 || !res.Accounted || res.BytesReceived != 98 {
			t.Errorf("received %d, lost %d, timed %d", res.Received, res.Lost, res.Latency.Count())
		}
	})
}

// TestNoHeader checks that without a header the result has counts only and says so.
func TestNoHeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		r.fault = func(_ string, n int) fault {
			if n == 5 {
				return drop
			}
			return pass
		}
		p := r.plan(t)
		p.Payload, p.Carrier, p.Messages = []byte("hi"), NoHeader, 50
		res := r.run(t, p)
		if res.Received != 49 || res.Lost != 1 || res.Accounted || res.Latency.Count() != 0 {
			t.Errorf("received %d, lost %d, accounted %v", res.Received, res.Lost, res.Accounted)
		}
		if len(res.Notes) == 0 || res.Notes[0].About != "accounting" {
			t.Errorf("notes %v", res.Notes)
		}
	})
}

// TestSubscribersOnly checks that messages of any publisher count in a run without publishers and
// name, and that a number of messages ends it.
func TestSubscribersOnly(t *testing.T) {
	for _, number := range []uint64{0, 50} {
		synctest.Test(t, func(t *testing.T) {
			r := newRelay(t)
			var over sync.WaitGroup
			feed := r.plan(t)
			feed.Subscribers, feed.Messages, feed.Rate, feed.Duration = 0, 0, 20, 20*time.Second
			over.Go(func() { Run(t.Context(), feed) })
			p := r.plan(t)
			p.Publishers, p.Messages = 0, number
			p.StartAt = time.Now().Add(time.Second)
			if number == 0 {
				p.Duration = 5 * time.Second
			}
			res, err := Run(t.Context(), p)
			over.Wait()
			r.working.Wait()
			want := number
			if number == 0 {
				want = 100
			}
			if err != nil || res.Received < want || res.Received > want+1 || res.BytesReceived != 64*res.Received || res.Foreign != 0 || res.Accounted {
				t.Errorf("%d: %v, received %d, foreign %d", number, err, res.Received, res.Foreign)
			}
			if res.ReceiveRate < 19.5 || res.ReceiveRate > 21 || res.Seconds < float64(want)/20-0.1 || res.Seconds > float64(want)/20+0.1 {
				t.Errorf("%d: %v a second, in %v s", number, res.ReceiveRate, res.Seconds)
			}
			if text := said(t, res); !strings.Contains(text, "give publishers and subscribers the same --run NAME, and merge their results") {
				t.Error(text)
			}
		})
	}
}

// TestNoAcknowledgements checks that a run ends although the server never acknowledges.
func TestNoAcknowledgements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		r.mute = true
		p := r.plan(t)
		p.QoS, p.Subscribers, p.Messages, p.Duration, p.Rate = 1, 0, 0, 2*time.Second, 100
		began := time.Now()
		res := r.run(t, p)
		if res.Sent != 20 || res.Acknowledged != 0 || time.Since(began) > 15*time.Second {
			t.Errorf("sent %d, acknowledged %d in %s", res.Sent, res.Acknowledged, time.Since(began))
		}
		if !strings.Contains(noted(res), "never sent") {
			t.Errorf("notes: %s", noted(res))
		}
	})
}

func noted(r *Result) string {
	var s []string
	for _, n := range r.Notes {
		s = append(s, n.Text)
	}
	return strings.Join(s, "\n")
}

// TestRefused checks that refused messages count as errors and are not expected.
func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		r.deny = proto.QuotaExceeded
		p := r.plan(t)
		p.QoS, p.Messages = 1, 30
		res, err := Run(t.Context(), p)
		r.working.Wait()
		var refused *PublishError
		if !errors.As(err, &refused) || refused.Reason != proto.QuotaExceeded {
			t.Errorf("error %v", err)
		}
		if res.Errors != 30 || res.Expected != 0 || res.Lost != 0 || res.Acknowledged != 0 {
			t.Errorf("errors %d expected %d lost %d", res.Errors, res.Expected, res.Lost)
		}
	})
}

// TestInterrupted checks that an interrupted run returns what it has measured.
func TestInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		p := r.plan(t)
		p.Messages, p.Duration, p.Rate = 0, time.Hour, 100
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		res, err := Run(ctx, p)
		r.working.Wait()
		if !errors.Is(err, context.DeadlineExceeded) || res == nil || res.Sent < 290 || res.Sent > 301 || res.Received != res.Sent {
			t.Fatalf("error %v, result %+v", err, res)
		}
	})
}

// TestWills checks that the latency of wills is measured from the cut of their clients.
func TestWills(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		r.delay = 20 * time.Millisecond
		p := &Plan{Clients: 9, Hold: time.Second, Wills: true, Drain: time.Second, Configure: r.configure}
		p.WillTopic, _ = Compile("gone/%i", "i")
		configure := p.Configure
		p.Configure = func(role Role, n int, took *Phases) (_ *conn.Config, err error) {
			cfg, err := configure(role, n, took)
			if role == Idler {
				cfg.Connect.Will = &proto.Will{Topic: string(p.WillTopic.Append(nil, n, 0)), Payload: []byte("x")}
			}
			return cfg, err
		}
		res := r.run(t, p)
		if res.Expected != 9 || res.Received != 9 || res.Lost != 0 || res.Latency.Count() != 9 || res.Connections.Peak != 9 {
			t.Errorf("expected %d received %d lost %d peak %d", res.Expected, res.Received, res.Lost, res.Connections.Peak)
		}
		if d := res.Latency.At(50) - r.delay; d < -time.Millisecond || d > time.Millisecond {
			t.Errorf("p50 is off by %s", d)
		}
	})
}
