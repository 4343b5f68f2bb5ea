package proxy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"mqtt/internal/faults"
	"mqtt/internal/rules"
)

// Options configure a Proxy.
type Options struct {
	// Dial connects to the server. ctx ends after DialTimeout, and with the connection.
	Dial func(ctx context.Context) (net.Conn, error)

	// Connections limits the connections at one time; 0 means 10,000. Half of them may be without
	// CONNECT.
	Connections int
	// ConnectTimeout is the time for CONNECT; 0 means 10 s. DialTimeout is the time for Dial; 0
	// means 30 s.
	ConnectTimeout, DialTimeout time.Duration

	// Look makes the proxy look at packets although there are no watchers, no faults and no rules
	// yet. Without anything to look at, bytes are relayed as they come.
	Look bool
	// Faults are the faults at the start; nil means none.
	Faults *faults.Plan
	// Watchers are told of each packet.
	Watchers []Watcher
	// Rules makes the proxy hold packets against the standard, and call Violation.
	Rules     bool
	Violation func(s Source, v rules.Violation)

	// Report is told what happens to connections that a user should know; nil means nobody is. It
	// may be called by several goroutines.
	Report func(s Source, text string, err error)
}

// Source names a connection in reports.
type Source struct {
	Connection uint64 // number, from 1
	Client     string // client identifier, "" if it is not known
	Address    string // of the client
}

// Proxy relays connections. It is safe for concurrent use.
type Proxy struct {
	opt      Options
	looks    bool
	sessions *rules.Sessions // nil without rules
	current  atomic.Pointer[generation]
	memory   budget
	half     time.Duration // see halfClosed

	mu      sync.Mutex
	last    uint64                 // number of the newest connection
	all     map[uint64]*connection // by number
	waiting int                    // connections without CONNECT
	closed  bool
	wg      sync.WaitGroup // connections
}

// generation is a plan of faults as it was set once: the same plan set again is another generation.
type generation struct{ plan *faults.Plan }

// New returns a Proxy.
func New(opt Options) *Proxy {
	if opt.Connections <= 0 {
		opt.Connections = 10_000
	}
	if opt.ConnectTimeout <= 0 {
		opt.ConnectTimeout = 10 * time.Second
	}
	if opt.DialTimeout <= 0 {
		opt.DialTimeout = 30 * time.Second
	}
	if opt.Report == nil {
		opt.Report = func(Source, string, error) {}
	}
	p := &Proxy{opt: opt, all: make(map[uint64]*connection), half: halfClosed}
	p.looks = opt.Look || opt.Faults != nil || opt.Rules || len(opt.Watchers) > 0
	if opt.Rules {
		p.sessions = rules.NewSessions()
	}
	p.SetFaults(opt.Faults)
	p.memory.left.Store(wholeBudget)
	return p
}

// SetFaults replaces the faults, also for connections that exist; nil means none. The counters of a
// plan begin at 0.
func (p *Proxy) SetFaults(plan *faults.Plan) { p.current.Store(&generation{plan}) }

// Faults returns the faults, nil if there are none.
func (p *Proxy) Faults() *faults.Plan { return p.current.Load().plan }

// Serve accepts connections from l until ctx ends or accepting fails. It closes l.
func (p *Proxy) Serve(ctx context.Context, l net.Listener) error {
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	defer l.Close()
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			p.admit(conn)
		case ctx.Err() != nil || errors.Is(err, net.ErrClosed):
			return nil
		default:
			return fmt.Errorf("accept on %s: %w", l.Addr(), err)
		}
	}
}

// admit starts a connection, or closes it if there are too many.
func (p *Proxy) admit(conn net.Conn) {
	c := newConnection(p, conn)
	p.mu.Lock()
	p.last++
	c.source.Connection = p.last
	full := len(p.all) >= p.opt.Connections || p.waiting >= max(p.opt.Connections/2, 1)
	if full || p.closed {
		closed := p.closed
		p.mu.Unlock()
		conn.Close()
		if !closed {
			p.opt.Report(c.source, "closed: there are too many connections", nil)
		}
		return
	}
	p.all[c.source.Connection] = c
	p.waiting++
	p.wg.Add(1)
	p.mu.Unlock()
	c.faulted()
	go c.serve() // ends with the connection; Close waits for it
}

// gone removes a connection that has ended.
func (p *Proxy) gone(c *connection) {
	p.mu.Lock()
	delete(p.all, c.source.Connection)
	if !c.opened {
		p.waiting--
	}
	p.mu.Unlock()
	p.wg.Done()
}

// opened notes that a connection has sent CONNECT.
func (p *Proxy) opened(c *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !c.opened {
		c.opened = true
		p.waiting--
	}
}

// Info describes a connection.
type Info struct {
	ID      uint64    `json:"id"`
	Client  string    `json:"client"` // "" if it is not known
	Address string    `json:"address"`
	Started time.Time `json:"started"`
	In      uint64    `json:"in"`  // bytes from the client
	Out     uint64    `json:"out"` // bytes from the server
}

// Connections returns the connections, oldest first.
func (p *Proxy) Connections() []Info {
	p.mu.Lock()
	all := slices.Collect(maps.Values(p.all))
	p.mu.Unlock()
	infos := make([]Info, len(all))
	for i, c := range all {
		infos[i] = c.info()
	}
	sort.Slice(infos, func(i, j int) bool { return infos[i].ID < infos[j].ID })
	return infos
}

// Cut closes a connection, and reports whether there was one with that number.
func (p *Proxy) Cut(id uint64) bool {
	p.mu.Lock()
	c := p.all[id]
	p.mu.Unlock()
	if c == nil {
		return false
	}
	c.cut()
	return true
}

// Close closes all connections and waits until they have ended.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.closed = true
	all := slices.Collect(maps.Values(p.all))
	p.mu.Unlock()
	for _, c := range all {
		c.cut()
	}
	p.wg.Wait()
}
