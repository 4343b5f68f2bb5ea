package broker

import (
	"errors"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mqtt/internal/proto"
)

// suspendableConn is a connection of a broker that can be suspended, like a stopped process: no
// read returns, while the bytes of the peer arrive. After that an expired deadline is reported
// before the bytes, as with a socket.
type suspendableConn struct {
	net.Conn
	mu       sync.Mutex
	arrived  []byte
	over     bool
	deadline time.Time
	still    bool
	changed  chan struct{} // closed when a field changes
}

func newStanding(conn net.Conn) *suspendableConn {
	s := &suspendableConn{Conn: conn, changed: make(chan struct{})}
	go func() { // ends with the connection
		buf := make([]byte, 4096)
		for {
			n, err := conn.Read(buf)
			s.set(func() {
				s.arrived = append(s.arrived, buf[:n]...)
				s.over = err != nil
			})
			if err != nil {
				return
			}
		}
	}()
	return s
}

func (s *suspendableConn) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *suspendableConn) Read(b []byte) (int, error) {
	for {
		s.mu.Lock()
		changed, wait := s.changed, time.Duration(1<<62)
		if !s.deadline.IsZero() {
			wait = time.Until(s.deadline)
		}
		switch {
		case s.still:
		case wait <= 0:
			s.mu.Unlock()
			return 0, os.ErrDeadlineExceeded
		case len(s.arrived) > 0:
			n := copy(b, s.arrived)
			s.arrived = s.arrived[n:]
			s.mu.Unlock()
			return n, nil
		case s.over:
			s.mu.Unlock()
			return 0, errors.New("broken")
		}
		s.mu.Unlock()
		timer := time.NewTimer(max(wait, time.Millisecond))
		select {
		case <-changed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (s *suspendableConn) SetReadDeadline(t time.Time) error {
	s.set(func() { s.deadline = t })
	return nil
}

func (s *suspendableConn) SetDeadline(t time.Time) error {
	s.SetReadDeadline(t)
	return s.Conn.SetWriteDeadline(t)
}

// After a suspension the broker reads what its clients sent meanwhile before it enforces their keep
// alive and the time for CONNECT. It disconnects those that sent nothing.
func TestKeepAliveAfterStandingStill(t *testing.T) {
	for name, packet := range map[string]proto.Packet{
		"PINGREQ": &proto.Ping{Kind: proto.PINGREQ}, "PUBLISH": pub("t", "m", 0, 0), "PUBACK": ack(proto.PUBACK, 1),
		"SUBSCRIBE": sub(1, to("x", 0)), "nothing": nil,
	} {
		t.Run(name, func(t *testing.T) {
			in(t, Options{}, func(k *bench) {
				watch := k.connect(proto.V5, "watch")
				watch.subscribe(to("will", 0))
				ours, theirs := net.Pipe()
				p, conn := &peer{k: k, t: k.t, conn: ours, v: proto.V311}, newStanding(theirs)
				k.peers = append(k.peers, p)
				k.l.c <- conn
				go p.listen() // ends with the connection
				stand := func(packet proto.Packet) {
					synctest.Wait()
					conn.set(func() { conn.still = true })
					k.pass(30 * time.Second)
					if packet != nil {
						p.send(packet)
					}
					conn.set(func() { conn.still = false })
					synctest.Wait()
					k.pass(time.Second)
				}
				c := &proto.Connect{ClientID: "p", CleanStart: true}
				keepAlive(2)(c)
				willed("will", "dead")(c)
				stand(c)
				p.want("CONNACK 00")
				stand(packet)
				if packet == nil {
					k.pass(5 * time.Second)
					watch.want(`PUBLISH will "dead"`)
					p.closed()
					return
				}
				p.next()
				watch.silent()
				p.silent()
				k.pass(3 * time.Second)
				watch.want(`PUBLISH will "dead"`)
				p.closed()
			})
		})
	}
}

// The bytes of a packet that takes longer than the keep alive are a sign of life.
func TestBytesAreASignOfLife(t *testing.T) {
	everyVersion(t, Options{}, func(k *bench, v proto.Version) {
		p := k.connect(v, "p", keepAlive(2))
		whole, err := pub("t", big(60_000), 1, 1).Append(nil, v)
		if err != nil {
			t.Fatal(err)
		}
		for at := 0; at < len(whole); at += 100 {
			p.bytes(whole[at:min(at+100, len(whole))])
			k.pass(time.Second / 10)
		}
		if a, ok := p.next().(*proto.Ack); !ok || a.PacketID != 1 {
			t.Fatalf("got %v", a)
		}
		for _, b := range []byte{0xC0, 0} { // PINGREQ, slowly
			p.bytes([]byte{b})
			k.pass(2 * time.Second)
		}
		p.want("PINGRESP")
		p.silent()
	})
}

// A packet may be unfinished for a minute, and longer only while it grows.
func TestBytesAreNoSignOfLifeForEver(t *testing.T) {
	in(t, Options{}, func(k *bench) {
		k.misbehaves()
		p := k.connect(proto.V5, "p", keepAlive(2))
		whole, err := pub("t", big(60_000), 1, 1).Append(nil, proto.V5)
		if err != nil {
			t.Fatal(err)
		}
		began, at := time.Now(), 0
		for p.v > 0 && at < 3000 {
			p.bytes(whole[at : at+1])
			k.pass(20 * time.Millisecond)
			p.mu.Lock()
			over := p.over || len(p.got) > 0
			p.mu.Unlock()
			if over {
				break
			}
			at++
			if at%10 == 0 {
				k.pass(time.Second)
			}
		}
		if took := time.Since(began); took < partialTime || took > partialTime+10*time.Second {
			t.Errorf("it was cut after %v", took)
		}
		p.want("DISCONNECT 8D")
		p.closed()
	})
}
