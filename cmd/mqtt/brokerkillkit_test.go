package main

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mqtt/internal/conn"
	"mqtt/internal/proto"
	"mqtt/internal/session"
)

// killed is a broker that is killed and restarted, and what its clients have recorded.
type killed struct {
	t    *testing.T
	dir  string
	addr string
	cmd  *exec.Cmd
	log  transcript

	over   atomic.Bool // publishers come to their end
	losses atomic.Int64
	wg     sync.WaitGroup
}

func (k *killed) start(ctx context.Context) {
	path, err := exec.LookPath("mqtt")
	if err != nil {
		k.t.Fatal(err)
	}
	k.cmd = exec.Command(path, "broker", "--listen", "mqtt://"+k.addr, "--data", k.dir, "--max-queued-messages", "1000000", "--log-level", "error")
	k.cmd.Stdout, k.cmd.Stderr = &k.log, &k.log
	if err := k.cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	for limit := time.Now().Add(patience); ; {
		c, err := net.Dial("tcp", k.addr)
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(limit) || ctx.Err() != nil {
			k.kill()
			k.t.Fatalf("the broker did not start again: %v\n%s", err, k.log.String())
		}
	}
}

func (k *killed) kill() {
	k.cmd.Process.Kill()
	k.cmd.Wait()
}

// config returns the configuration of a client with a lasting session.
func (k *killed) config(id string, clean bool) *conn.Config {
	cfg := &conn.Config{
		Dial: func(ctx context.Context, _ proto.Version) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", k.addr)
		},
		Connect: proto.Connect{Version: proto.V5, ClientID: id, CleanStart: clean, KeepAlive: 60},
		Timeout: 10 * time.Second,
	}
	if !clean {
		cfg.Connect.Props = cfg.Connect.Props.AppendNum(proto.SessionExpiryInterval, 3600)
	}
	return cfg
}

// hold keeps a client connected. When serve returns nil or the session is gone, it ends and closes
// the channel that it returned.
func (k *killed) hold(ctx context.Context, id string, serve func(context.Context, *conn.Conn) error) <-chan struct{} {
	over := make(chan struct{})
	k.wg.Go(func() {
		defer close(over)
		s := &session.Session{}
		seen := false
		err := conn.Hold(ctx, k.config(id, false), s, conn.Backoff{Min: 2 * time.Millisecond, Max: 20 * time.Millisecond, Tries: -1, First: true},
			func(ctx context.Context, c *conn.Conn) error {
				if seen && (!c.Server().SessionPresent || c.Renewed() > 0) {
					return fmt.Errorf("%s: its session is gone", id) // no loss that Hold would go on after
				}
				seen = true
				err := serve(ctx, c)
				if err != nil {
					k.losses.Add(1)
				}
				return err
			})
		if err != nil && ctx.Err() == nil {
			k.t.Errorf("%s: %v", id, err)
		}
	})
	return over
}

// numbers publishes numbers to a topic and records which were acknowledged.
type numbers struct {
	topic string
	qos   byte
	next  uint64
	mu    sync.Mutex
	acked []bool // by number
}

func (p *numbers) serve(k *killed) func(context.Context, *conn.Conn) error {
	return func(ctx context.Context, c *conn.Conn) error {
		for {
			for range 3 {
				if k.over.Load() || c.Free() == 0 {
					break
				}
				m := &proto.Publish{QoS: p.qos, Topic: []byte(p.topic), Payload: strconv.AppendUint(nil, p.next, 10)}
				if err := c.Publish(ctx, m, p.next); err != nil {
					return err
				}
				p.next++
			}
			if k.over.Load() && c.Pending() == 0 {
				return c.Close(ctx, &proto.Disconnect{})
			}
			for limit := time.Now().Add(5 * time.Millisecond); ; {
				ev, err := c.NextBy(ctx, limit)
				if err != nil {
					return err
				}
				if ev.Kind == conn.Idle {
					break
				}
				if ev.Kind == conn.Delivered {
					if ev.Reason.Failed() {
						k.t.Errorf("%s %d: refused: %s", p.topic, ev.Tag, ev.Reason)
					}
					p.mu.Lock()
					for uint64(len(p.acked)) <= ev.Tag {
						p.acked = append(p.acked, false)
					}
					p.acked[ev.Tag] = true
					p.mu.Unlock()
				}
			}
		}
	}
}

// gathered counts received messages by topic and number.
type gathered struct {
	filters []string
	ready   chan struct{}
	made    bool
	last    atomic.Int64 // when something came
	mu      sync.Mutex
	got     map[string]map[string]int
	done    atomic.Bool
}

func gather(filters ...string) *gathered {
	return &gathered{filters: filters, ready: make(chan struct{}), got: make(map[string]map[string]int)}
}

func (s *gathered) serve(once bool) func(context.Context, *conn.Conn) error {
	return func(ctx context.Context, c *conn.Conn) error {
		if !s.made {
			sub := &proto.Subscribe{}
			for _, f := range s.filters {
				sub.Filters = append(sub.Filters, proto.Subscription{Filter: f, QoS: 2})
			}
			if err := c.Send(ctx, sub); err != nil {
				return err
			}
		}
		for {
			ev, err := c.NextBy(ctx, time.Now().Add(20*time.Millisecond))
			if err != nil {
				return err
			}
			switch ev.Kind {
			case conn.Answer:
				if !s.made {
					s.made = true
					close(s.ready)
				}
				if once {
					return c.Close(ctx, &proto.Disconnect{})
				}
			case conn.Message:
				s.take(string(ev.Message.Topic), string(ev.Message.Payload))
			case conn.Idle:
				if s.done.Load() {
					return c.Close(ctx, &proto.Disconnect{})
				}
			}
		}
	}
}

func (s *gathered) take(topic, payload string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.got[topic] == nil {
		s.got[topic] = make(map[string]int)
	}
	s.got[topic][payload]++
	s.last.Store(time.Now().UnixNano())
}

// count returns how many acknowledged messages have not come, and how many came twice at QoS 2.
func (s *gathered) count(p *numbers) (lost, twice int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	got := s.got[p.topic]
	for n := range p.next {
		times := got[strconv.FormatUint(n, 10)]
		if n < uint64(len(p.acked)) && p.acked[n] && times == 0 {
			lost++
		}
		if p.qos == 2 && times > 1 {
			twice++
		}
	}
	return lost, twice
}

// check compares what was received with what was acknowledged.
func (s *gathered) check(t *testing.T, name string, p *numbers) {
	if lost, twice := s.count(p); lost > 0 || twice > 0 {
		t.Errorf("%s: of %d messages on %s %d were acknowledged and lost, %d came twice at QoS 2", name, p.next, p.topic, lost, twice)
	}
}

// leaveWill connects a client with a Will Delay Interval of a second, whose connection the kill ends.
func (k *killed) leaveWill(ctx context.Context, round int) {
	cfg := k.config(fmt.Sprint("mortal-", round), false)
	cfg.Connect.Will = &proto.Will{Topic: fmt.Sprint("w/", round), Payload: []byte("gone"), QoS: 1,
		Props: proto.Props(nil).AppendNum(proto.WillDelayInterval, 1)}
	c, err := conn.Dial(ctx, cfg, &session.Session{})
	if err != nil {
		k.t.Errorf("leave a will: %v", err)
		return
	}
	k.t.Cleanup(func() { c.Abort() })
}

// keep publishes a retained message and returns once it is acknowledged.
func (k *killed) keep(ctx context.Context, round int) {
	c, err := conn.Dial(ctx, k.config("", true), &session.Session{})
	if err != nil {
		k.t.Errorf("keep a message: %v", err)
		return
	}
	defer c.Abort()
	if err := c.Publish(ctx, &proto.Publish{QoS: 1, Retain: true, Topic: fmt.Appendf(nil, "kept/%d", round), Payload: []byte("here")}, 0); err != nil {
		k.t.Error(err)
		return
	}
	if ev, err := c.NextBy(ctx, time.Now().Add(patience)); err != nil || ev.Kind != conn.Delivered {
		k.t.Errorf("keep a message: %v %v", ev.Kind, err)
	}
}

// kept checks that all retained messages exist.
func (k *killed) kept(ctx context.Context, round int) {
	c, err := conn.Dial(ctx, k.config("", true), &session.Session{})
	if err != nil {
		k.t.Errorf("look at the retained messages: %v", err)
		return
	}
	defer c.Abort()
	if err := c.Send(ctx, &proto.Subscribe{Filters: []proto.Subscription{{Filter: "kept/#"}}}); err != nil {
		k.t.Error(err)
		return
	}
	for n, limit := 0, time.Now().Add(patience); n <= round; {
		ev, err := c.NextBy(ctx, limit)
		if err != nil || ev.Kind == conn.Idle {
			k.t.Errorf("%d retained messages of %d: %v", n, round+1, err)
			return
		}
		if ev.Kind == conn.Message {
			n++
		}
	}
}
