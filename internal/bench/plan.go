package bench

import (
	"errors"
	"fmt"
	"time"

	"mqtt/internal/conn"
	"mqtt/internal/proto"
)

// Carrier says where messages carry what they are counted and timed by.
type Carrier int

const (
	InPayload  Carrier = iota // the first HeaderSize bytes
	InProperty                // a user property, MQTT 5 alone
	Nowhere                   // not at all: messages are counted, but neither told apart nor timed
)

// Role is what a client does.
type Role int

const (
	Publisher Role = iota
	Subscriber
	Idler
	Keeper // of the clock exchange
)

// Order says when subscribers are there.
type Order int

const (
	Before  Order = iota // before the first message
	Late                 // they come when all is published: with retained messages a storm of them
	Offline              // they subscribe, go away, and come back to what their sessions kept
)

// Phases is how long the byte stream of a connection took to open. The dial function
// fills it in; 0 is a phase that there was not. Connect is TCP's, Unix a local socket's.
type Phases struct{ Resolve, Connect, Unix, Proxy, TLS, WebSocket time.Duration }

// Plan is a run.
type Plan struct {
	// Configure makes the configuration of a client: its number among those of its
	// role, and where to put how long the stream took to open. It is called once a
	// client, on no particular goroutine. Window and Trace are as it sets them.
	Configure func(role Role, number int, took *Phases) (*conn.Config, error)
	// Goodbye ends a connection in order; nil is an ordinary DISCONNECT.
	Goodbye *proto.Disconnect
	// Backoff says how often a lost connection is replaced; Tries 0 is never.
	Backoff conn.Backoff

	Publishers, Subscribers int
	Open                    bool          // without an end of its own: ctx ends it, and that is no error
	Offset                  int           // of client numbers, where many machines share the work
	Clients                 int           // connections that are only held; then the others are 0
	Ramp                    float64       // connections opened a second; 0 is as fast as it goes
	Hold                    time.Duration // how long Clients are held; 0 is until ctx ends
	Wills                   bool          // Clients are cut at the end, and their wills are awaited
	WillTopic               *Template     // of their wills
	Churn                   float64       // connections cut and opened again a second

	Topic   *Template
	Filter  *Template // nil takes what Topic sends
	Shared  string    // the group of a shared subscription, empty for none
	QoS     byte      // of messages and subscriptions
	Retain  bool
	Clear   bool        // take retained messages back at the end
	Props   proto.Props // of PUBLISH
	SubProp proto.Props // of SUBSCRIBE
	Order   Order

	Carrier  Carrier
	Size     int       // bytes of a payload that is made up; used where Payload and Text are nil
	Payload  []byte    // literal
	Text     *Template // of a payload that varies
	Rate     float64   // messages a second in all; 0 is as fast as the window allows
	Burst    int       // messages due at once
	Window   int       // for the echo: the clients' Config has it
	Messages uint64    // in all; 0 is no bound
	Duration time.Duration
	Warmup   time.Duration
	Drain    time.Duration // how long nothing may come before what is missing is given up
	StartAt  time.Time     // zero is as soon as all are connected
	RunName  string        // of processes that measure together; empty for this one alone

	// Precise lets the operating system wake the schedule to a few microseconds,
	// where it can.
	Precise bool
	// Hurry, when closed, cuts goodbyes short; nil is never.
	Hurry <-chan struct{}
	// Watch is told how it goes, about once a second; nil is none.
	Watch func(*Progress)
	// Echo is what the result says about the configuration; the run fills in the rest.
	Echo Echo
	Tool string
}

// Check returns what cannot be carried out.
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
		return errors.New("clients that are held beside publishers or subscribers")
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
		return errors.New("subscribers come after the last message, but there is no end to them")
	case (p.Order != Before) && (p.Publishers == 0 || p.Subscribers == 0):
		return errors.New("late and offline subscribers need publishers in the same run")
	case p.Order == Late && !p.Retain:
		return errors.New("late subscribers get retained messages alone")
	case p.Order == Late && p.Warmup > 0, p.Order == Offline && p.Warmup > 0:
		return errors.New("there is no warm-up for subscribers that are away")
	case p.Order == Late && !(p.Topic.Has('n') || p.Topic.Has('i') && p.Messages == uint64(p.Publishers)):
		return errors.New("each retained message needs a topic of its own")
	}
	if p.Topic != nil && p.Publishers > 0 {
		b := p.Topic.Append(nil, p.Offset, 0)
		if err := proto.CheckTopic(string(b)); err != nil {
			return err
		}
	}
	return nil
}

// feed tells whether what comes is anybody's: no publisher is here, and none elsewhere is
// known by a name.
func (p *Plan) feed() bool { return p.Publishers == 0 && p.RunName == "" }

// filter is the filter of a subscriber, without its group.
func (p *Plan) filter(number int) string {
	t := p.Filter
	if t == nil {
		t = p.Topic
	}
	return t.filter(number)
}
