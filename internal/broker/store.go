package broker

import (
	"context"
	"time"

	"mqtt/internal/proto"
)

// Store keeps what must outlive the process: sessions that outlive their
// connection, their subscriptions, queues and exchanges, retained messages and
// wills that wait. A nil Store in Options is memory only.
//
// The methods that record are called in the order in which things happen, from many
// goroutines, often with a session's lock held: they only take note and never wait
// for the disk. Every one of them is called between a Begin and its End. Commit
// waits. What leaves for a client leaves after a Commit that began after all that
// it promises was recorded, so an acknowledgement means that the message is kept.
//
// Commit must never cut between a Begin and its End: a QoS 2 message and the
// identifier under which it came are kept together or not at all.
type Store interface {
	Load(ctx context.Context) (*Image, error)

	Begin()
	End()
	Commit() error // returns when all that was recorded before is durable

	PutSession(s SessionRecord)
	DropSession(client string) // with all that belongs to it
	PutSubscription(client string, s SubscriptionRecord)
	DropSubscription(client, filter string)

	Enqueue(client string, e Entry)                    // a message waits for the session
	InFlight(client string, seq uint64, packet uint16) // it was sent under this identifier
	Pubrec(client string, seq uint64)                  // QoS 2: PUBREL is next
	Settle(client string, seq uint64)                  // done with, one way or another

	Accept(client string, packet uint16)  // a QoS 2 message came under this identifier
	Release(client string, packet uint16) // and its PUBREL

	PutRetained(m *Message)
	DropRetained(topic []byte)
}

// Image is all that a Store kept, with each session's entries in the order in which
// they were first sent or, where they were not, queued.
type Image struct {
	Sessions []SessionImage
	Retained []*Message
}

// SessionImage is a session as the Store kept it.
type SessionImage struct {
	SessionRecord
	Subscriptions []SubscriptionRecord
	Entries       []Entry
	Accepted      []uint16
}

// SessionRecord is a session without its messages.
type SessionRecord struct {
	Client  string
	User    string // whose it is, by Identity.User
	Named   bool
	Unowned bool      // that was not kept: User is the user name of who made it, certificate or not
	Expiry  uint32    // seconds; 0xFFFFFFFF is never
	Left    time.Time // when its connection ended, zero while connected
	Will    *Message  // that waits, nil if none
	WillDue time.Time // zero while connected: then it is due when the broker is back
	Delay   uint32    // of the will, seconds
}

// SubscriptionRecord is a subscription with its identifier, 0 if it has none.
type SubscriptionRecord struct {
	proto.Subscription
	ID uint32

	Walking bool   // the retained messages are not all delivered yet
	From    string // the topic at which their delivery goes on
}

// Entry is a message of one session. Message is shared between sessions: the same
// pointer is the same message.
type Entry struct {
	Seq      uint64
	Message  *Message
	QoS      byte
	Retain   bool
	IDs      proto.Props // subscription identifiers
	Share    string      // the shared subscription's whole filter, "" if none
	PacketID uint16      // 0 if it was not sent yet
	Released bool        // PUBREC came
}
