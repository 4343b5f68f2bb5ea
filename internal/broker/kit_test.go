package broker

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mqtt/internal/proto"
	"mqtt/internal/rules"
	"mqtt/internal/rules/rulestest"
)

// bench is a broker and its clients in a synctest bubble. synctest.Wait returns when all of them
// wait, so what has not arrived then does not arrive. Both ends of each connection are held against
// the rules of the standard.
type bench struct {
	t *testing.T
	b *Broker
	l *pipes

	peers []*peer

	watcher *rulestest.Watcher // nil if connections are not watched
}

// pipes is a listener whose connections are pipes.
type pipes struct {
	c    chan net.Conn
	once sync.Once
	done chan struct{}
}

func (l *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-l.c:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}
func (l *pipes) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

// in runs script with a broker.
func in(t *testing.T, opt Options, script func(*bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		k := &bench{t: t, watcher: rulestest.New(t, rules.Server)}
		k.start(opt)
		defer func() {
			for _, p := range k.peers {
				p.conn.Close()
				p.mu.Lock()
				if p.paused != nil {
					close(p.paused)
					p.paused = nil
				}
				p.mu.Unlock()
			}
			k.stop()
		}()
		script(k)
	})
}

func (k *bench) start(opt Options) {
	k.b, k.l = New(opt), &pipes{c: make(chan net.Conn), done: make(chan struct{})}
	if err := k.b.Restore(context.Background()); err != nil {
		k.t.Fatal(err)
	}
	go k.b.Serve(context.Background(), k.l)
}

func (k *bench) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := k.b.Close(ctx); err != nil && !errors.Is(err, errCrashed) {
		k.t.Errorf("close: %v", err)
	}
}

// misbehaves says that the clients of this test break rules on purpose. The broker must not, whatever
// they do.
func (k *bench) misbehaves() { k.watcher.Excuse(rules.Client) }

// pass lets time d pass.
func (k *bench) pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// dial opens a connection of version v.
func (k *bench) dial(v proto.Version) *peer {
	k.t.Helper()
	ours, theirs := net.Pipe()
	p := &peer{k: k, t: k.t, conn: ours, v: v}
	k.peers = append(k.peers, p)
	if k.watcher != nil {
		theirs = k.watcher.Conn(theirs)
	}
	k.l.c <- theirs
	go p.listen() // ends with the connection
	return p
}

// connect opens a connection and expects CONNACK with Success.
func (k *bench) connect(v proto.Version, id string, with ...func(*proto.Connect)) *peer {
	k.t.Helper()
	p := k.open(v, id, with...)
	ack, ok := p.next().(*proto.Connack)
	if !ok || ack.Reason != proto.Success {
		k.t.Fatalf("connect %s: %v", id, ack)
	}
	return p
}

// open opens a connection and sends CONNECT.
func (k *bench) open(v proto.Version, id string, with ...func(*proto.Connect)) *peer {
	k.t.Helper()
	p := k.dial(v)
	c := &proto.Connect{ClientID: id, CleanStart: true}
	for _, f := range with {
		f(c)
	}
	p.send(c)
	return p
}

// everyVersion runs a test for each version of the protocol.
func everyVersion(t *testing.T, opt Options, script func(*bench, proto.Version)) {
	for _, v := range []proto.Version{proto.V31, proto.V311, proto.V5} {
		t.Run(v.String(), func(t *testing.T) {
			in(t, opt, func(k *bench) { script(k, v) })
		})
	}
}
