package screen

import (
	"sync"
	"sync/atomic"
	"time"

	"mqtt/internal/format"
	"mqtt/internal/proto"
	"mqtt/internal/watch"
)

// Config says what a Screen shows besides messages.
type Config struct {
	Server  string // the address of the server
	Palette format.Palette
	Limits  watch.Limits
	Form    watch.Form // of payloads, at first

	// Decode returns what a payload means, as text, and false if it cannot tell. It may be nil. It is
	// called by the goroutine that draws, for messages that are kept in whole.
	Decode func(*proto.Publish) (text string, ok bool)

	// Quit ends the run. It is called once, by the goroutine that draws. err is nil if a key was
	// pressed or the terminal has gone.
	Quit func(err error)
}

// Phase is a state of the connection.
type Phase byte

// The phases.
const (
	Connected Phase = iota
	Lost
)

// Connection is the state of the connection as the header shows it.
type Connection struct {
	Phase    Phase
	ClientID string
	Version  proto.Version
	Reason   string    // Lost: why
	Retry    time.Time // Lost: when the next attempt is made; zero while one is made
}

// A Request is a message to publish.
type Request struct {
	ID      uint64 // from 1
	Topic   string
	Payload []byte
	QoS     byte
	Retain  bool
	Clear   bool // it removes a retained message
}

// Screen is the state that the owner of the connection and the program share.
type Screen struct {
	cfg     Config
	changed atomic.Bool // something has to be drawn
	now     func() time.Time

	mu       sync.Mutex
	model    *watch.Model
	browser  *watch.Browser
	conn     Connection
	wake     func() // tells the owner that there are requests; nil without a connection
	requests []Request
	number   uint64
	note     string // the last status line
	noted    time.Time
	isError  bool
	waiting  map[uint64]Request // requests that the owner has taken and not answered

	program program
}

// New returns a Screen. Nothing is drawn before Start.
func New(cfg Config) *Screen {
	m := watch.New(cfg.Limits)
	return &Screen{cfg: cfg, now: time.Now, model: m, browser: watch.NewBrowser(m), waiting: make(map[uint64]Request)}
}

// Put adds a message. It does not keep p.
func (s *Screen) Put(v proto.Version, p *proto.Publish, now time.Time) {
	s.mu.Lock()
	s.model.Put(v, p, now)
	s.mu.Unlock()
	if !s.changed.Load() {
		s.changed.Store(true)
	}
}

// SetConnection shows the state of the connection. wake is called, by another goroutine, when there
// is a Request to take; it is nil without a connection.
func (s *Screen) SetConnection(c Connection, wake func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn, s.wake = c, wake
	if wake == nil && len(s.requests) > 0 {
		s.requests = nil
		s.say("not published: the connection was lost", true)
	}
	s.changed.Store(true)
}

// Note shows a line for some seconds.
func (s *Screen) Note(line string, isError bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.say(line, isError)
}

// say is Note for callers that hold the lock.
func (s *Screen) say(line string, isError bool) {
	s.note, s.noted, s.isError = string(format.VisibleLine(nil, []byte(line))), s.now(), isError
	s.changed.Store(true)
}

// Take returns the next request to publish. The owner answers it with Answer.
func (s *Screen) Take() (r Request, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.requests) == 0 {
		return Request{}, false
	}
	r = s.requests[0]
	s.requests = s.requests[1:]
	s.waiting[r.ID] = r
	return r, true
}

// Answer shows what became of the request of that number. problem is empty if the server has the
// message, or if it was sent at QoS 0.
func (s *Screen) Answer(id uint64, problem string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.waiting[id]
	if !ok {
		return
	}
	delete(s.waiting, id)
	done, failed := "published to ", "not published to "
	if r.Clear {
		done, failed = "retained message cleared: ", "retained message not cleared: "
	}
	switch {
	case problem != "":
		s.say(failed+r.Topic+": "+problem, true)
	case r.QoS == 0:
		s.say(done+r.Topic+" (QoS 0: not acknowledged)", false)
	default:
		s.say(done+r.Topic, false)
	}
}

// request asks the owner to publish.
func (s *Screen) request(r Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.wake == nil:
		s.say("not published: there is no connection", true)
		return
	case len(s.requests) >= maxRequests:
		s.say("not published: earlier messages are still waiting", true)
		return
	}
	s.number++
	r.ID = s.number
	s.requests = append(s.requests, r)
	s.wake()
}

// maxRequests bounds the requests that the owner has not taken.
const maxRequests = 100
