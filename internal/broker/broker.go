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

	memory    atomic.Int64 // bytes of sessions, queues, buffers and retained messages, in whole units
	moving    atomic.Int64 // part of memory: packets in transit
	maxMemory atomic.Int64 // limit of memory: Options.Memory, or more while more was restored
	warned    atomic.Int64 // time of the last warning about a limit, since Broker.since
	serial    atomic.Uint64

	refusalsMu sync.Mutex
	refusals   refusals

	revision  atomic.Uint64 // of the hooks: changes with Revise
	aborted   atomic.Bool   // Close does not wait any longer
	batches   sync.Pool
	workSlots chan struct{}  // semaphore of large tasks: half of the processors remain for the rest
	wg        sync.WaitGroup // connections

	mu             sync.Mutex
	closed         bool
	sessions       map[string]*session
	clients        map[*client]struct{} // all connections
	silent         connList             // connections without CONNECT
	unadmitted     connList             // connections before CONNACK
	listeners      map[net.Listener]struct{}
	sys            *time.Timer
	clearing       *time.Timer // timer of clearExpired
	clearingActive atomic.Bool // clearing is running
}

// New returns a broker without listeners. The caller must call Close.
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

// Close stops the broker. It accepts no more connections, publishes the wills of connected clients
// as the standard requires, sends DISCONNECT with Server shutting down to MQTT 5 clients, and
// writes what is buffered. When ctx ends, Close closes the remaining connections and returns the
// error of ctx. Only the sessions that a Store holds survive.
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
	go func() { // ends after the last connection; Close waits for it
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

// publishWills publishes the wills without a delay while subscribers are still connected, until ctx
// ends. The other wills remain in the Store.
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
