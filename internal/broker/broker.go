package broker

import (
	"context"
	"errors"
	"maps"
	"net"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"mqtt/internal/broker/fair"
	"mqtt/internal/proto"
)

// Broker is an MQTT server.
type Broker struct {
	opt    Options
	since  time.Time
	router router
	rate   *fair.Rate
	stats  counters
	loads  loads
	blocks blocks

	unfinished    unfinished
	retained      retained
	retainedCount atomic.Int64

	memory    atomic.Int64 // bytes of sessions, queues, buffers and retained messages, in units
	moving    atomic.Int64 // those of packets on their way, of them
	maxMemory atomic.Int64 // of them: Options.Memory, unless more was restored and is still there
	warned    atomic.Int64 // when the log was told of a limit, since Broker.since
	serial    atomic.Uint64

	refusalsMu sync.Mutex
	refusals   refusals

	revision  atomic.Uint64 // of the hooks: changes with Revise
	aborted   atomic.Bool   // Close waits no longer
	batches   sync.Pool
	workSlots chan struct{}  // of work whose size a client chooses: half of the processors are for others
	wg        sync.WaitGroup // the connections

	mu             sync.Mutex
	closed         bool
	sessions       map[string]*session
	clients        map[*client]struct{} // all connections
	silent         connList             // those whose CONNECT has not come
	unadmitted     connList             // those that were not let in
	listeners      map[net.Listener]struct{}
	sys            *time.Timer
	clearing       *time.Timer // of clearExpired
	clearingActive atomic.Bool // clearing runs
}

// New returns a broker that serves nobody yet. Close must be called when it is done
// with.
func New(opt Options) *Broker {
	opt.fill()
	b := &Broker{
		opt: opt, since: time.Now(), rate: fair.NewRate(opt.ConnectRate),
		sessions: make(map[string]*session), clients: make(map[*client]struct{}),
		listeners: make(map[net.Listener]struct{}),
	}
	b.router.acl = opt.ACL
	b.router.maxWeight = int(min(maxCache, opt.Memory/16))
	b.retained.init()
	b.workSlots = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))
	b.maxMemory.Store(opt.Memory)
	if opt.SysInterval > 0 {
		b.loads.measure(&Stats{}, b.since)
		b.mu.Lock()
		b.sys = time.AfterFunc(opt.SysInterval, b.tick)
		b.mu.Unlock()
	}
	return b
}

// Close ends the broker: no new connections, wills of those who are connected
// published as the standard has it, DISCONNECT with Server shutting down to clients
// of version 5, what waits for the network written. When ctx ends, connections that
// are still open are cut, and its error is returned. Sessions are gone, but for what
// a Store keeps.
func (b *Broker) Close(ctx context.Context) error {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		b.wg.Wait()
		return nil
	}
	b.closed = true
	if b.clearing != nil {
		b.clearing.Stop()
	}
	if b.sys != nil {
		b.sys.Stop()
	}
	for l := range b.listeners {
		l.Close()
	}
	var attached []*client
	for c := range b.clients {
		if c.attached {
			attached = append(attached, c)
		} else {
			c.conn.Close()
		}
	}
	b.mu.Unlock()

	b.publishWills(ctx, attached)
	for _, c := range attached {
		c.kill(proto.ServerShuttingDown, "")
	}
	done := make(chan struct{})
	go func() { // ends when the last connection does; Close waits for it
		b.wg.Wait()
		close(done)
	}()
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = ctx.Err()
		b.aborted.Store(true)
		b.mu.Lock()
		for c := range b.clients {
			c.conn.Close()
		}
		b.mu.Unlock()
		for _, c := range attached {
			c.conn.Close()
		}
		<-done
	}
	if b.opt.Store != nil {
		err = errors.Join(err, b.opt.Store.Commit())
	}
	b.mu.Lock()
	sessions := slices.Collect(maps.Values(b.sessions))
	b.mu.Unlock()
	for _, s := range sessions {
		s.mu.Lock()
		if s.timer != nil {
			s.timer.Stop()
		}
		if s.will != nil {
			s.will.stop()
		}
		s.mu.Unlock()
	}
	return err
}

// lastWills publishes the wills that have no delay while there is somebody to read
// them, until ctx ends. The others wait in the Store.
func (b *Broker) publishWills(ctx context.Context, attached []*client) {
	for some := range slices.Chunk(attached, passAtOnce) {
		bt := b.batch(nil)
		for _, c := range some {
			if ctx.Err() != nil {
				break
			}
			c.s.mu.Lock()
			w := c.s.will
			now := w != nil && w.delay == 0
			if now {
				c.s.will = nil
			}
			c.s.mu.Unlock()
			if now {
				bt.will(w)
			}
		}
		bt.finish()
	}
}
