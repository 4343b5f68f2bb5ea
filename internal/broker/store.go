package broker

import (
	"context"
	"time"

	"mqtt/internal/proto"
)

// Store saves what must survive the process: sessions that outlive their connection, with
// subscriptions, queues and messages in flight; retained messages; and delayed wills. Without a
// Store the broker keeps everything in memory only.
//
// The recording methods are called in the order of events, from many goroutines, often with a
// session's lock held. They only take note and never wait for the disk. Each is called between a
// Begin and its End. Only Commit waits. The broker sends an acknowledgement after a Commit that
// began after everything that the acknowledgement promises was recorded, so an acknowledged message
// is durable.
//
// Commit must not separate what is recorded between a Begin and its End: a QoS 2 message and its
// packet identifier are saved together or not at all.
type Store interface {
	Load(ctx context.Context) (*Image, error)

	Begin()
	End()
	Commit() error // returns when everything recorded before is durable

	PutSession(s SessionRecord)
	DropSession(client string) // with everything that belongs to it
	PutSubscription(client string, s SubscriptionRecord)
	DropSubscription(client, filter string)

	Enqueue(client string, e Entry)                    // the message is queued for the session
	InFlight(client string, seq uint64, packet uint16) // it was sent with this packet identifier
	Pubrec(client string, seq uint64)                  // QoS 2: PUBREL is next
	Settle(client string, seq uint64)                  // completed or dropped

	Accept(client string, packet uint16)  // a QoS 2 message arrived with this packet identifier
	Release(client string, packet uint16) // its PUBREL arrived

	PutRetained(m *Message)
	DropRetained(topic []byte)
}

// Image is the whole saved state. The entries of each session are in the order in which they were
// first sent or, if they were not sent, queued.
type Image struct {
	Sessions []SessionImage
	Retained []*Message
}

// SessionImage is the saved state of one session.
type SessionImage struct {
	SessionRecord
	Subscriptions []SubscriptionRecord
	Entries       []Entry
	Accepted      []uint16
}

// SessionRecord describes a session without its messages.
type SessionRecord struct {
	Client  string
	User    string // its owner, by Identity.User
	Named   bool
	Unowned bool      // the owner is unknown: User is the user name of CONNECT, with or without a certificate
	Expiry  uint32    // seconds; 0xFFFFFFFF is never
	Left    time.Time // end of its connection, zero while connected
	Will    *Message  // delayed will, nil if none
	WillDue time.Time // zero while connected: then it is due after the restart
	Delay   uint32    // Will Delay Interval, seconds
}

// SubscriptionRecord describes a subscription.
type SubscriptionRecord struct {
	proto.Subscription
	ID uint32

	Walking bool   // not all retained messages have been delivered
	From    string // the topic where their delivery continues
}

// Entry is a message of one session. Sessions share a Message: the same pointer is the same
// message.
type Entry struct {
	Seq      uint64
	Message  *Message
	QoS      byte
	Retain   bool
	IDs      proto.Props // subscription identifiers, as properties
	Share    string      // whole filter of the shared subscription, "" if none
	PacketID uint16      // 0 if it was not sent yet
	Released bool        // PUBREC arrived
}
