package broker

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"mqtt/internal/proto"
)

// Connections that were refused, and those that were not let in yet, take no place, and no counter
// takes them for clients.
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

// A client whose identifier is connected is let in: it takes over the other one's place.
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
		if c := k.open(v, "b", resume).next().(*proto.Connack); !c.Reason.Failed() { // its session is there, its place is not
			t.Errorf("got %s", dump(c))
		}
		a.silent()
	})
}

// Of too many silent connections those go that were silent longest. Nobody else has to.
func TestSilentConnectionsKeepNobodyOut(t *testing.T) {
	in(t, Options{Connections: 100, ConnectTimeout: time.Hour}, func(k *bench) {
		var silent []*peer
		for range 1000 {
			p := k.dial(proto.V5)
			p.send() // wait until it is there
			silent = append(silent, p)
			if len(silent)%50 == 0 {
				k.connect(proto.V5, fmt.Sprint("c", len(silent))).subscribe(to("t", 0))
			}
		}
		for i, p := range silent {
			last := len(silent) - k.b.opt.mostSilent() // the last client that came was silent for a moment, too
			if want := i < last; i != last && p.over != want {
				t.Errorf("connection %d: closed is %v", i, p.over)
			}
		}
		late := silent[len(silent)-1]
		late.send(&proto.Connect{ClientID: "late", CleanStart: true})
		late.want("CONNACK 00")
	})
}

// What is not MQTT is closed at its first byte.
func TestAnotherProtocolIsClosedAtOnce(t *testing.T) {
	for _, begins := range []string{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "SSH-2.0-OpenSSH_9.6\r\n", "\x16\x03\x01\x02\x00", "PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n", "\x00", "\xc0"} {
		in(t, Options{}, func(k *bench) {
			p := k.dial(proto.V311)
			p.bytes([]byte(begins[:1]))
			began := time.Now()
			p.closed()
			if time.Since(began) > 0 {
				t.Errorf("%q: closed after %v", begins, time.Since(began))
			}
		})
		if got := guess([]byte(begins)); !strings.Contains(got, "like") && len(begins) > 1 {
			t.Errorf("%q: %s", begins, got)
		}
	}
}
