package bench

import (
	"errors"
	"fmt"
	"time"

	"mqtt/internal/conn"
	"mqtt/internal/proto"
)

// Carrier says where messages have the header by which they are counted and timed.
type Carrier int

const (
	InPayload  Carrier = iota // in the first HeaderSize bytes
	InProperty                // in a user property, which requires MQTT 5
	NoHeader                  // messages are counted, but neither distinguished nor timed
)

// Role is what a client does.
type Role int

const (
	Publisher Role = iota
	Subscriber
	Idler
	ClockClient // compares clocks with other processes
)

// Order says when subscribers are connected.
type Order int

const (
	Before  Order = iota // before the first message
	Late                 // after the last message, to receive retained messages all at once
	Offline              // before the first message and after the last, to receive the backlog of their sessions
)

// Phases has the times that the steps of opening a connection took. The dial function sets
// them; a step that was not necessary is 0. Connect is for TCP, Unix for a local socket.
type Phases struct{ Resolve, Connect, Unix, Proxy, TLS, WebSocket time.Duration }

// Plan describes a run.
type Plan struct {
	// Configure returns the configuration of a client. number is the number of the client
	// among those of its role. The dial function of the configuration must set *phases.
	// Configure is called once for each client, by any goroutine.
	Configure func(role Role, number int, phases *Phases) (*conn.Config, error)
	// Disconnect is sent to end connections; nil: a DISCONNECT without reason.
	Disconnect *proto.Disconnect
	// EndSessions says that Disconnect ends sessions at the server, so those of clients that
	// have lost their connection must be ended, too.
	EndSessions bool
	// Backoff says how often a client connects again after it lost its connection. Tries 0:
	// never.
	Backoff conn.Backoff

	Publishers, Subscribers int
	Open                    bool          // the run lasts until ctx ends, which is not an error
	Offset                  int           // of client numbers, if several machines share the work
	Clients                 int           // connections that are only kept open; Publishers and Subscribers are 0 then
	Ramp                    float64       // connections opened per second; 0: as fast as possible
	Hold                    time.Duration // how long Clients are kept open; 0: until ctx ends
	Wills                   bool          // cut Clients at the end and wait for their wills
	WillTopic               *Template     // of their wills
	Churn                   float64       // connections cut and opened again per second

	Topic          *Template
	Filter         *Template // nil: the topics of Topic
	Shared         string    // group of a shared subscription; empty: not shared
	QoS            byte      // of messages and subscriptions
	Retain         bool
	Clear          bool        // remove retained messages at the end
	Props          proto.Props // of PUBLISH
	SubscribeProps proto.Props // of SUBSCRIBE
	Order          Order

	// NewCheck returns a function that says what is wrong with the payload of a message. Each
	// subscriber has its own. Such messages count as received, and as errors of the kind
	// KindInvalid. nil: payloads are not checked.
	NewCheck func() func(m *proto.Publish) error

	Carrier  Carrier
	Size     int       // bytes of a random payload, if Payload and Text are nil
	Payload  []byte    // of all messages
	Text     *Template // of payloads that differ
	Rate     float64   // messages per second of all publishers; 0: as fast as the window allows
	Burst    int       // messages due at the same time
	Window   int       // for the result only: the clients' configuration has the window
	Messages uint64    // of all publishers; 0: no limit
	Duration time.Duration
	Warmup   time.Duration
	Drain    time.Duration // without any message, after which missing messages are lost
	StartAt  time.Time     // zero: when all clients are connected
	RunName  string        // the same for all processes that measure together; empty: only this one

	// Precise makes the operating system wake publishers within a few microseconds, if it
	// can.
	Precise bool
	// Hurry, when it is closed, ends the run without waiting for clients to disconnect. It
	// may be nil.
	Hurry <-chan struct{}
	// Watch is called about once a second. It may be nil.
	Watch func(*Progress)
	// Config has those fields of the result's configuration that the run does not know.
	Config Config
	// The rest is for the result only.
	Tool          string // version
	Title         string // name of the run for a person; may be empty
	ServerVersion string // what the server says that it is, see Identify
	Command       string // the command line of this process, with secrets replaced
}

// Check returns an error if p cannot be executed.
func (p *Plan) Check() error {
	wrong := func(text string, args ...any) error { return fmt.Errorf(text, args...) }
	switch {
	case p.Configure == nil:
		return errors.New("no way to connect")
	case p.Publishers < 0 || p.Subscribers < 0 || p.Clients < 0 || p.Offset < 0:
		return errors.New("a negative number of clients")
	case p.Publishers+p.Subscribers+p.Clients == 0:
		return errors.New("no clients")
	case p.Clients > 0 && p.Publishers+p.Subscribers > 0:
		return errors.New("idle clients together with publishers or subscribers")
	case int64(p.Offset)+int64(max(p.Publishers, p.Subscribers, p.Clients)) >= warmBit:
		return errors.New("too many clients")
	case p.Clients > 0:
		return nil
	case p.Topic == nil && p.Publishers > 0:
		return errors.New("no topic")
	case p.Topic == nil && p.Filter == nil:
		return errors.New("no topic")
	case p.QoS > 2:
		return wrong("QoS %d", p.QoS)
	case p.Rate < 0 || p.Ramp < 0 || p.Churn < 0:
		return errors.New("a negative rate")
	case p.Carrier == InPayload && p.Publishers > 0 && p.Payload == nil && p.Text == nil && p.Size < HeaderSize:
		return wrong("a payload of %d bytes cannot carry a header of %d", p.Size, HeaderSize)
	case p.Publishers > 0 && p.Messages == 0 && p.Duration == 0 && p.Order != Before:
		return errors.New("subscribers connect after the last message, but the number of messages is not limited")
	case (p.Order != Before) && (p.Publishers == 0 || p.Subscribers == 0):
		return errors.New("late and offline subscribers need publishers in the same run")
	case p.Order == Late && !p.Retain:
		return errors.New("late subscribers get retained messages alone")
	case p.Order == Late && p.Shared != "":
		return errors.New("a shared subscription gets no retained messages, which late subscribers wait for")
	case p.Order == Late && p.Warmup > 0, p.Order == Offline && p.Warmup > 0:
		return errors.New("late and offline subscribers have no warm-up")
	case p.Order == Late && !(p.Topic.Has('n') && (p.Topic.Has('i') || p.Publishers == 1) || p.Topic.Has('i') && p.Messages == uint64(p.Publishers)):
		return errors.New("each retained message needs a topic of its own: %n in the topic, and %i with several publishers")
	}
	if p.Topic != nil && p.Publishers > 0 {
		b := p.Topic.Append(nil, p.Offset, 0)
		if err := proto.CheckTopic(string(b)); err != nil {
			return err
		}
	}
	return nil
}

// countsAll reports whether messages of any origin count: this process has no publishers,
// and those of other processes are not known, because the run has no name.
func (p *Plan) countsAll() bool { return p.Publishers == 0 && p.RunName == "" }

// countsRetained reports whether the messages that a server sends because of a new
// subscription count.
func (p *Plan) countsRetained() bool { return p.Order == Late || p.countsAll() }

// filter returns the filter of a subscriber, without $share and group.
func (p *Plan) filter(number int) string {
	t := p.Filter
	if t == nil {
		t = p.Topic
	}
	return t.filter(number)
}
