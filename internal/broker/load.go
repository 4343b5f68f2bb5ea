package broker

import (
	"math"
	"runtime"
	"strconv"
	"sync"
	"time"
)

// loads computes moving averages per minute over three time spans, with the names that mosquitto
// uses.
type loads struct {
	mu   sync.Mutex
	at   time.Time // of the last measurement
	last [len(loadNames)]int64
	mean [len(loadNames)][len(loadSpans)]float64
	heap int64 // bytes, maximum
}

var loadNames = [...]string{
	"messages/received", "messages/sent", "publish/dropped", "publish/received", "publish/sent", "bytes/received", "bytes/sent", "sockets", "connections",
}

var loadSpans = [...]struct {
	name string
	time time.Duration
}{{"1min", time.Minute}, {"5min", 5 * time.Minute}, {"15min", 15 * time.Minute}}

// counts returns the counters of loadNames, in their order.
func (s *Stats) counts() [len(loadNames)]int64 {
	return [...]int64{s.PacketsReceived, s.PacketsSent, s.Dropped, s.Published, s.Delivered, s.BytesReceived, s.BytesSent, s.Connects, s.Logins}
}

// measure updates the averages, which begin at 0.
func (l *loads) measure(s *Stats, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	counts := s.counts()
	if since := now.Sub(l.at); !l.at.IsZero() && since > 0 {
		for i := range counts {
			each := float64(counts[i]-l.last[i]) * float64(time.Minute) / float64(since)
			for j, span := range loadSpans {
				fade := math.Exp(-float64(since) / float64(span.time))
				l.mean[i][j] = each*(1-fade) + l.mean[i][j]*fade
			}
		}
	}
	l.at, l.last = now, counts
}

// row is a topic below $SYS/broker and its value.
type row struct{ topic, value string }

// rows returns the averages.
func (l *loads) rows() (all []row) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, name := range loadNames {
		for j, span := range loadSpans {
			all = append(all, row{"load/" + name + "/" + span.name, strconv.FormatFloat(l.mean[i][j], 'f', 2, 64)})
		}
	}
	return all
}

// memory returns the bytes of heap in use, and their maximum over all calls.
func (l *loads) memory() (now, most int64) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	now = int64(m.HeapAlloc)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heap = max(l.heap, now)
	return now, l.heap
}
