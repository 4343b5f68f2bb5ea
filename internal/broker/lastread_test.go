package broker

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"mqtt/internal/proto"
)

// breaking is a connection on which writes fail once it is armed, as when the client has closed it.
// What the client sent before can be read, and then the end of the stream. An expired deadline is
// reported before the bytes, as with a socket.
type breaking struct {
	net.Conn
	mu       sync.Mutex
	armed    bool
	broken   bool
	arrived  []byte
	endless  bool // more bytes come, slowly
	deadline time.Time
}

func (c *breaking) Write(b []byte) (int, error) {
	c.mu.Lock()
	c.broken = c.broken || c.armed
	broken := c.broken
	c.mu.Unlock()
	if broken {
		return 0, errors.New("broken pipe")
	}
	return c.Conn.Write(b)
}

func (c *breaking) Read(b []byte) (int, error) {
	c.mu.Lock()
	if !c.broken {
		c.mu.Unlock()
		n, err := c.Conn.Read(b)
		return n, err
	}
	defer c.mu.Unlock()
	switch {
	case !c.deadline.IsZero() && !time.Now().Before(c.deadline):
		return 0, os.ErrDeadlineExceeded
	case c.endless:
		<-time.After(lastReadTime / 2)
		return copy(b, "\xc0\x00"), nil
	case len(c.arrived) == 0:
		return 0, io.EOF
	}
	n := copy(b, c.arrived[:min(3, len(c.arrived))])
	c.arrived = c.arrived[n:]
	return n, nil
}

func (c *breaking) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	c.deadline = t
	c.mu.Unlock()
	return c.Conn.SetReadDeadline(t)
}

// breakable connects a client whose connection breaks at the first write after it is armed with the
// bytes that the client has sent by then.
func (k *bench) breakable(with ...func(*proto.Connect)) (*peer, *breaking) {
	k.t.Helper()
	ours, theirs := net.Pipe()
	p, conn := &peer{k: k, t: k.t, conn: ours, v: proto.V5}, &breaking{Conn: theirs}
	k.peers = append(k.peers, p)
	k.l.c <- conn
	go p.listen() // ends with the connection
	c := &proto.Connect{ClientID: "p", CleanStart: true}
	for _, f := range with {
		f(c)
	}
	p.send(c)
	p.want("CONNACK 00")
	return p, conn
}

func (c *breaking) arm(endless bool, packets ...proto.Packet) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, x := range packets {
		c.arrived, _ = x.Append(c.arrived, proto.V5)
	}
	c.armed, c.endless = true, endless
}

// A client sends acknowledgements and DISCONNECT while a message is being sent to it. The write
// fails, but what had arrived before counts: its will is not published [MQTT-3.14.4-3], and nothing
// that it acknowledged is sent again. Without DISCONNECT the connection is lost.
func TestTheLastWordIsHeard(t *testing.T) {
	for _, said := range []bool{true, false} {
		in(t, Options{}, func(k *bench) {
			watch, other := k.connect(proto.V311, "w"), k.connect(proto.V311, "other")
			watch.subscribe(to("will/#", 0))
			p, conn := k.breakable(willed("will/p", "gone"), expiry(100))
			p.subscribe(to("a", 1))
			other.send(pub("a", "one", 1, 1))
			p.want(`PUBLISH a "one" q1 id1`)
			last := []proto.Packet{ack(proto.PUBACK, 1), pub("will/x", "before", 0, 0)}
			if said {
				last = append(last, &proto.Disconnect{})
			}
			conn.arm(false, last...)
			other.send(pub("a", "two", 1, 1))
			watch.want(`PUBLISH will/x "before"`)
			if !said {
				watch.want(`PUBLISH will/p "gone"`)
			}
			watch.silent()
			q := k.open(proto.V5, "p", resume)
			q.want("CONNACK 00 present", `PUBLISH a "two" q1 id2 dup`)
			q.silent()
		})
	}
}

// After a failed write a client that goes on sending is read for a limited time.
func TestTheLastWordHasAnEnd(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		watch, other := k.connect(proto.V311, "w"), k.connect(proto.V311, "other")
		watch.subscribe(to("will/#", 0))
		p, conn := k.breakable(willed("will/p", "gone"), keepAlive(600))
		p.subscribe(to("a", 0))
		conn.arm(true)
		other.send(pub("a", "one", 0, 0))
		k.pass(closeTimeout / 2)
		watch.silent()
		k.pass(closeTimeout / 2)
		watch.want(`PUBLISH will/p "gone"`)
	})
}
