package broker

import (
	"log/slog"
	"time"

	"mqtt/internal/proto"
)

// Options are the settings of a broker. The zero value is a broker in memory that allows everything
// to everyone, within the default limits. A limit of 0 means its default.
type Options struct {
	Log      *slog.Logger // nil: discard the log
	Auth     Auth         // nil: everyone may connect
	Enhanced Enhanced     // nil: a CONNECT with an Authentication Method is refused
	ACL      ACL          // nil: everyone may read and write everything
	Store    Store        // nil: memory only
	Fault    Fault        // nil: none

	MaxPacket      int           // largest packet accepted, in bytes; 16 MiB
	ReceiveMaximum uint16        // QoS 1 and 2 messages a client may have in flight; 1024
	Inflight       int           // QoS 1 and 2 messages in flight to a client; 2048
	QueueMessages  int           // backlog of one session, in messages; 100,000
	QueueBytes     int           // backlog of one session, in bytes; 64 MiB
	HighWater      int           // buffered bytes of one connection from which publishers are slowed; 256 KiB
	Patience       time.Duration // how long publishers wait for a subscriber that reads nothing; 1 s
	Memory         int64         // bytes of all sessions, queues, buffers and retained messages; 1 GiB

	Connections    int           // at the same time; 100,000
	ConnectRate    float64       // new connections per second; 0 means no limit
	ConnectTimeout time.Duration // from accepting a connection to its CONNECT; 10 s
	Subscriptions  int           // of one session; 10,000
	TopicLevels    int           // of a topic name or filter; 128
	Retained       int           // retained messages; 1,000,000

	TopicAliasMaximum    uint16 // accepted from clients, and the most used towards a client; 64
	KeepAliveMaximum     uint16 // seconds; 0 means no limit
	SessionExpiryMaximum uint32 // seconds; 0 means no limit

	SysInterval         time.Duration             // between two rounds of $SYS messages; 10 s; negative: no $SYS
	Version             string                    // for $SYS/broker/version
	ResponseInformation func(id *Identity) string // nil: none is sent

	// DollarTopics are first levels, such as $aws, of topics that begin with $ and to which clients
	// may publish as to others. Each must pass CheckDollarTopic.
	DollarTopics []string

	Without Without
}

// Without disables features, to test clients that must work without them.
type Without struct {
	QoS1, QoS2, Retain, Wildcards, Shared, Identifiers bool
}

// maximumQoS returns the highest QoS that is not disabled.
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
	never       = 0xFFFFFFFF // session expiry interval of a session that never expires
	softQueue   = 4096       // backlog of a connected session, in messages, from which publishers are slowed
	firstPacket = 1 << 19    // maximum size of CONNECT, in bytes: more than a sensible one needs
)

// or sets value to otherwise if it is zero.
func or[T int | int64 | uint16 | time.Duration](value *T, otherwise T) {
	if *value == 0 {
		*value = otherwise
	}
}

// fill sets the defaults.
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
