package broker

import (
	"log/slog"
	"time"

	"mqtt/internal/proto"
)

// Options are a broker's settings. The zero value is a broker in memory that lets
// everybody do everything within the default limits: a limit of 0 is its default.
type Options struct {
	Log      *slog.Logger // nil: nothing is logged
	Auth     Auth         // nil: everybody may connect
	Enhanced Enhanced     // nil: a CONNECT with an Authentication Method is refused
	ACL      ACL          // nil: everybody may read and write everything
	Store    Store        // nil: memory only
	Fault    Fault        // nil: none

	MaxPacket      int           // bytes of the largest packet taken; 16 MiB
	ReceiveMaximum uint16        // QoS 1 and 2 messages that a client may have in flight; 1024
	Inflight       int           // and that we have in flight to one, at most; 2048
	QueueMessages  int           // messages that wait for one session; 100,000
	QueueBytes     int           // bytes of them; 64 MiB
	HighWater      int           // bytes waiting for one connection from which publishers are slowed; 256 KiB
	Patience       time.Duration // how long publishers wait for one that takes nothing; 1 s
	Memory         int64         // bytes of all sessions, queues, buffers and retained messages; 1 GiB

	Connections    int           // at once; 100,000
	ConnectRate    float64       // new connections a second; 0 is no limit
	ConnectTimeout time.Duration // from the connection to its CONNECT; 10 s
	Subscriptions  int           // of one session; 10,000
	TopicLevels    int           // of a topic name or filter; 128
	Retained       int           // messages; 1,000,000

	TopicAliasMaximum    uint16 // that we take, and at most use towards a client; 64
	KeepAliveMaximum     uint16 // seconds; 0 is no limit
	SessionExpiryMaximum uint32 // seconds; 0 is no limit

	SysInterval         time.Duration             // between two rounds of $SYS messages; 10 s, negative: no $SYS
	Version             string                    // for $SYS/broker/version
	ResponseInformation func(id *Identity) string // nil: none is given

	// DollarTopics are first levels, such as $aws, of topics that begin with $ and that clients may
	// publish to like others. Each must pass CheckDollarTopic.
	DollarTopics []string

	Without Without
}

// Without takes features away, for the test of clients that must do without.
type Without struct {
	QoS1, QoS2, Retain, Wildcards, Shared, Identifiers bool
}

// maximumQoS is what is left of QoS.
func (w *Without) maximumQoS() byte {
	switch {
	case w.QoS1:
		return 0
	case w.QoS2:
		return 1
	}
	return 2
}

const (
	never       = 0xFFFFFFFF // a session expiry interval that never ends
	softQueue   = 4096       // messages that wait for a connected session before publishers are slowed
	firstPacket = 1 << 19    // bytes: more than any CONNECT that one can mean
)

// or is value where it is set, and otherwise the default.
func or[T int | int64 | uint16 | time.Duration](value *T, otherwise T) {
	if *value == 0 {
		*value = otherwise
	}
}

// fill puts the defaults in.
func (o *Options) fill() {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	or(&o.MaxPacket, 16<<20)
	o.MaxPacket = min(o.MaxPacket, proto.MaxPacket)
	or(&o.ReceiveMaximum, 1024)
	or(&o.Inflight, 2048)
	o.Inflight = min(o.Inflight, 65535)
	or(&o.QueueMessages, 100_000)
	or(&o.QueueBytes, 64<<20)
	or(&o.HighWater, 256<<10)
	or(&o.Patience, time.Second)
	or(&o.Memory, 1<<30)
	or(&o.Connections, 100_000)
	or(&o.ConnectTimeout, 10*time.Second)
	or(&o.Subscriptions, 10_000)
	or(&o.TopicLevels, 128)
	or(&o.Retained, 1_000_000)
	or(&o.TopicAliasMaximum, 64)
	or(&o.SysInterval, 10*time.Second)
	if o.SessionExpiryMaximum == 0 {
		o.SessionExpiryMaximum = never
	}
	if o.Version == "" {
		o.Version = "mqtt"
	}
}
