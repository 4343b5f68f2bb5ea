package broker

import (
	"sync/atomic"
	"time"
)

// counters are the broker's counters. A batch adds to them once.
type counters struct {
	connected       atomic.Int64
	connectedMax    atomic.Int64
	connects        atomic.Int64
	connectsRefused atomic.Int64
	sessions        atomic.Int64 // created since the start
	sessionsEnded   atomic.Int64
	expired         atomic.Int64
	subscriptions   atomic.Int64
	packetsReceived atomic.Int64
	logins          atomic.Int64
	answers         atomic.Int64
	published       atomic.Int64
	publishedBytes  atomic.Int64
	sent            atomic.Int64
	sentBytes       atomic.Int64
	dropped         atomic.Int64
	refused         atomic.Int64
	bytesReceived   atomic.Int64
	bytesSent       atomic.Int64
	walked          atomic.Int64 // retained topics that walks looked at
}

// tally is what one batch adds to the counters, and to the log.
type tally struct {
	packets, published, publishedBytes, sent, sentBytes, dropped, refused int
	answers                                                               int // packets sent other than PUBLISH

	left    []delivery // messages of shared subscriptions that a client cannot accept, for other members
	notes   []note     // for the log
	unnoted int        // number of notes beyond maxNotes
}

func (t *tally) add(to *counters) {
	if t.packets > 0 {
		to.packetsReceived.Add(int64(t.packets))
	}
	if t.answers > 0 {
		to.answers.Add(int64(t.answers))
	}
	if t.published > 0 {
		to.published.Add(int64(t.published))
		to.publishedBytes.Add(int64(t.publishedBytes))
	}
	if t.sent > 0 {
		to.sent.Add(int64(t.sent))
		to.sentBytes.Add(int64(t.sentBytes))
	}
	if t.dropped > 0 {
		to.dropped.Add(int64(t.dropped))
	}
	if t.refused > 0 {
		to.refused.Add(int64(t.refused))
	}
}

// Stats are a broker's figures. Counters begin with the broker.
type Stats struct {
	Uptime time.Duration

	Connected       int64 // clients now
	ConnectedMost   int64 // maximum of Connected
	Connects        int64 // accepted connections
	ConnectsRefused int64 // refused with CONNACK
	Sessions        int64 // now, with and without a client
	SessionsExpired int64
	Subscriptions   int64

	Retained      int64 // messages
	RetainedBytes int64
	Memory        int64 // bytes of sessions, queues, buffers and retained messages, about

	Logins int64 // CONNECT packets received

	PacketsReceived  int64
	PacketsSent      int64
	BytesReceived    int64
	BytesSent        int64
	Published        int64 // PUBLISH packets received
	PublishedBytes   int64 // of payload
	Delivered        int64 // PUBLISH packets sent
	DeliveredBytes   int64 // of payload
	Dropped          int64 // messages a subscriber did not get: slow, queue full, too large, expired
	PublishesRefused int64 // no right, no such topic, or no room to retain it
}

// Stats returns the current figures.
func (b *Broker) Stats() Stats {
	c := &b.stats
	b.retained.mu.RLock()
	retained, bytes := b.retained.count, b.retained.bytes
	b.retained.mu.RUnlock()
	s := b.figures()
	s.Retained, s.RetainedBytes = int64(retained), int64(bytes)
	s.Sessions = c.sessions.Load() - c.sessionsEnded.Load()
	return s
}

// figures returns the figures that need no lock.
func (b *Broker) figures() Stats {
	c := &b.stats
	return Stats{
		Uptime:    time.Since(b.since),
		Connected: c.connected.Load(), ConnectedMost: c.connectedMax.Load(),
		Connects: c.connects.Load(), ConnectsRefused: c.connectsRefused.Load(),
		Sessions: c.sessions.Load() - c.sessionsEnded.Load(), SessionsExpired: c.expired.Load(),
		Subscriptions: c.subscriptions.Load(), Memory: b.memory.Load(),
		Logins: c.logins.Load(), PacketsSent: c.sent.Load() + c.answers.Load(),
		PacketsReceived: c.packetsReceived.Load(), BytesReceived: c.bytesReceived.Load(), BytesSent: c.bytesSent.Load(),
		Published: c.published.Load(), PublishedBytes: c.publishedBytes.Load(),
		Delivered: c.sent.Load(), DeliveredBytes: c.sentBytes.Load(),
		Dropped: c.dropped.Load(), PublishesRefused: c.refused.Load(),
	}
}
