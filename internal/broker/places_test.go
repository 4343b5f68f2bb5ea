package broker

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"mqtt/internal/proto"
)

// Connections that were refused, or have no CONNACK yet, take no place and are not counted as
// clients.
func TestOnlyClientsTakePlaces(t *testing.T) {
	in(t, Options{Connections: 3}, func(k *bench) {
		var in []*peer
		for i := range 3 {
			in = append(in, k.connect(proto.V5, fmt.Sprint("c", i)))
		}
		for range 20 {
			k.dial(proto.V5) // silent
		}
		for i := range 5 {
			q := k.open(proto.V5, fmt.Sprint("q", i))
			q.want("CONNACK 89") // and lingers
		}
		if s := k.b.Stats(); s.Connected != 3 || s.ConnectedMost != 3 {
			t.Errorf("%d are connected, %d at most", s.Connected, s.ConnectedMost)
		}
		for _, p := range in {
			p.leave()
		}
		for i := range 3 {
			k.connect(proto.V5, fmt.Sprint("q", i))
		}
		k.open(proto.V5, "q3").want("CONNACK 89")
	})
}

// A client whose identifier is connected is accepted: it takes over the other one's place.
func TestTakeoverNeedsNoPlace(t *testing.T) {
	everyVersion(t, Options{Connections: 2}, func(k *bench, v proto.Version) {
		a, b := k.connect(v, "a"), k.connect(v, "b", resume)
		for range 3 {
			was := b
			b = k.open(v, "b", resume)
			if c, ok := b.next().(*proto.Connack); !ok || c.Reason.Failed() {
				t.Fatalf("got %v", c)
			}
			was.next()
			was.cut()
		}
		b = k.connect(v, "b") // a new session in the place of the old one
		if n := k.b.Stats().Connected; n != 2 {
			t.Errorf("%d are connected", n)
		}
		b.cut()
		k.pass(time.Second)
		k.connect(v, "c")
		if c := k.open(v, "b", resume).next().(*proto.Connack); !c.Reason.Failed() { // the session still exists, its place does not
			t.Errorf("got %s", dump(c))
		}
		a.silent()
	})
}

// If there are too many silent connections, those are closed that have been silent longest.
func TestSilentConnectionsKeepNobodyOut(t *testing.T) {
	in(t, Options{Connections: 100, ConnectTimeout: time.Hour}, func(k *bench) {
		var silent []*peer
		for range 1000 {
			p := k.dial(proto.V5)
			p.send() // wait until it is registered
			silent = append(silent, p)
			if len(silent)%50 == 0 {
				k.connect(proto.V5, fmt.Sprint("c", len(silent))).subscribe(to("t", 0))
			}
		}
		for i, p := range silent {
			last := len(silent) - k.b.opt.maxSilent() // the last client was silent for a moment, too
			if want := i < last; i != last && p.over != want {
				t.Errorf("connection %d: closed is %v", i, p.over)
			}
		}
		late := silent[len(silent)-1]
		late.send(&proto.Connect{ClientID: "late", CleanStart: true})
		late.want("CONNACK 00")
	})
}

// far is a connection whose client has another address.
type far struct {
	net.Conn
	remote net.Addr
}

func (f *far) RemoteAddr() net.Addr { return f.remote }

// from opens a connection from another address.
func (k *bench) from(v proto.Version, ip string) *peer {
	k.t.Helper()
	ours, theirs := net.Pipe()
	p := &peer{k: k, t: k.t, conn: ours, v: v}
	k.peers = append(k.peers, p)
	k.l.c <- &far{theirs, &net.TCPAddr{IP: net.ParseIP(ip), Port: 1}}
	go p.listen() // ends with the connection
	return p
}

// Silent connections of one address, and slow logins of one address, do not have a silent
// connection of another address closed.
func TestOneAddressCannotUseUpPlacesForOthers(t *testing.T) {
	for _, login := range []bool{false, true} {
		in(t, Options{}, func(k *bench) {
			k.stop()
			a := newSlowAuth()
			a.asked, a.ended = make(chan struct{}, 10_000), make(chan error, 10_000)
			k.start(Options{Auth: a, Connections: 100, ConnectTimeout: time.Hour})
			slow := k.from(proto.V5, "192.0.2.1")
			other := k.from(proto.V5, "2001:db8::1")
			other.send(&proto.Connect{ClientID: "other", CleanStart: true})
			for i := range 1000 {
				p := k.from(proto.V5, "192.0.2.2")
				p.send()
				if login {
					p.send(&proto.Connect{ClientID: fmt.Sprint("x", i), CleanStart: true})
				}
			}
			k.b.mu.Lock()
			n := len(k.b.clients)
			k.b.mu.Unlock()
			if most := k.b.opt.maxUnadmitted(); n > most {
				t.Errorf("%d connections are open, at most %d may be", n, most)
			}
			close(a.decide)
			other.want("CONNACK 00")
			slow.send(&proto.Connect{ClientID: "slow", CleanStart: true})
			slow.want("CONNACK 00")
		})
	}
}

// A connection that is not MQTT is closed at its first byte.
func TestAnotherProtocolIsClosedAtOnce(t *testing.T) {
	for _, begins := range []string{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "SSH-2.0-OpenSSH_9.6\r\n", "\x16\x03\x01\x02\x00", "PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n", "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c", "\x00", "\xc0"} {
		in(t, Options{}, func(k *bench) {
			p := k.dial(proto.V311)
			p.bytes([]byte(begins[:1]))
			began := time.Now()
			p.closed()
			if time.Since(began) > 0 {
				t.Errorf("%q: closed after %v", begins, time.Since(began))
			}
		})
		if got := guessProtocol([]byte(begins)); !strings.Contains(got, "like") && len(begins) > 1 {
			t.Errorf("%q: %s", begins, got)
		}
	}
}
