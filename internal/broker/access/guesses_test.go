package access

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"mqtt/internal/broker"
	"mqtt/internal/broker/fair"
	"mqtt/internal/proto"
	"mqtt/internal/transport"
)

// guessed is a broker that gets wrong passwords.
type guessed struct {
	t    *testing.T
	dial func(t *testing.T, from string) (net.Conn, error)
}

// serveUsers starts a broker with the users ann and bob at a transport.
func serveUsers(t *testing.T, set func(string, string, []byte) (bool, error), scheme transport.Scheme) *guessed {
	path := filepath.Join(t.TempDir(), "users")
	for _, name := range []string{"ann", "bob"} {
		if _, err := set(path, name, []byte("right")); err != nil {
			t.Fatal(err)
		}
	}
	u, err := NewUsers(path, AnonymousNone)
	if err != nil {
		t.Fatal(err)
	}
	b := broker.New(broker.Options{Auth: u, Enhanced: u, ConnectTimeout: 5 * time.Minute})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		began := time.Now()
		if err := b.Close(ctx); err != nil || time.Since(began) > 30*time.Second {
			t.Errorf("close: %v after %s", err, time.Since(began))
		}
	})
	end := &transport.Endpoint{Host: "127.0.0.1", Port: "0"}
	if scheme == transport.WS {
		end.WebSocket = &transport.WebSocket{Path: "/mqtt"}
	}
	tl, err := transport.Listen(t.Context(), end)
	if err != nil {
		t.Fatal(err)
	}
	var l net.Listener = tl
	if scheme == transport.MQTTS {
		s := httptest.NewTLSServer(nil)
		t.Cleanup(s.Close)
		l = tls.NewListener(l, s.TLS)
	}
	go b.Serve(context.WithoutCancel(t.Context()), l) // ends with the broker
	return &guessed{t, func(t *testing.T, from string) (net.Conn, error) {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: time.Minute}
		switch scheme {
		case transport.MQTTS:
			return tls.DialWithDialer(&d, "tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true})
		case transport.WS:
			host, port, _ := net.SplitHostPort(l.Addr().String())
			target := &transport.Target{Host: host, Port: port, Bind: from, WebSocket: &transport.WebSocket{Path: "/mqtt"}}
			return transport.Dial(t.Context(), target, nil)
		}
		return d.Dial("tcp", l.Addr().String())
	}}
}

// login sends a CONNECT and, if wait is set, returns the reason of the answer.
func (g *guessed) login(from, user, password string, wait bool) (proto.Reason, error) {
	conn, err := g.dial(g.t, from)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	c := proto.Connect{ClientID: user + password + from, CleanStart: true, HasUsername: true, Username: user, HasPassword: true, Password: []byte(password)}
	b, _ := c.Append(nil, proto.V5)
	if _, err := conn.Write(b); err != nil || !wait {
		return 0, err
	}
	conn.SetReadDeadline(time.Now().Add(5 * time.Minute))
	f, err := proto.NewReader(conn, 0).Next()
	if err != nil {
		return 0, err
	}
	var a proto.Connack
	if err := a.Decode(f, proto.V5); err != nil {
		return 0, err
	}
	return a.Reason, nil
}

// Wrong passwords from one address, for known and unknown users, from clients that wait for the answer or
// leave, keep out neither clients of other addresses nor users whose password was right lately. The broker
// can be closed meanwhile.
func TestGuessesLockNobodyOut(t *testing.T) {
	if c, err := net.ListenPacket("udp", "127.0.0.2:0"); err != nil {
		t.Skip("127.0.0.2 is not an address of this machine")
	} else {
		c.Close()
	}
	for _, c := range []struct {
		name   string
		set    func(string, string, []byte) (bool, error)
		scheme transport.Scheme
		user   string
		wait   bool
	}{
		{"Argon2id, tcp, known, leave", SetPassword, transport.MQTT, "ann", false},
		{"Argon2id, tcp, unknown, wait", SetPassword, transport.MQTT, "nobody", true},
		{"PBKDF2, tcp, known, wait", SetScram, transport.MQTT, "ann", true},
		{"PBKDF2, ws, unknown, leave", SetScram, transport.WS, "nobody", false},
		{"Argon2id, ws, known, wait", SetPassword, transport.WS, "ann", true},
		{"Argon2id, tls, known, leave", SetPassword, transport.MQTTS, "ann", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var wg sync.WaitGroup
			t.Cleanup(wg.Wait) // after the broker has ended, which must not wait for them
			g := serveUsers(t, c.set, c.scheme)
			began := time.Now()
			if r, err := g.login("127.0.0.1", "bob", "right", true); err != nil || r != proto.Success {
				t.Fatal(r, err)
			}
			limit := 5*time.Second + 20*time.Since(began) // 20 to 200 ms are enough on a calm machine
			stop := make(chan struct{})
			wg.Go(func() {
				for i := 0; ; i++ {
					select {
					case <-stop:
						return
					case <-time.After(2 * time.Millisecond):
						wg.Go(func() { g.login("127.0.0.1", c.user, fmt.Sprint("wrong", i), c.wait) })
					}
				}
			})
			time.Sleep(500 * time.Millisecond) // for hundreds of guesses
			for _, one := range []struct{ from, user, what string }{
				{"127.0.0.2", "ann", "another address"}, {"127.0.0.1", "bob", "a remembered user"}, {"127.0.0.2", "bob", "a remembered user from elsewhere"},
			} {
				began := time.Now()
				if r, err := g.login(one.from, one.user, "right", true); err != nil || r != proto.Success {
					t.Errorf("%s: %s, %v", one.what, r, err)
				} else if took := time.Since(began); took > limit {
					t.Errorf("%s waited for %s", one.what, took)
				}
			}
			close(stop)
		})
	}
}

// A check ends with its context, also while the hash is computed. A password that was wrong is not checked
// twice.
func TestCheckEnds(t *testing.T) {
	b64 := "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	u, err := NewUsers(write(t, fmt.Sprintf("ann:$7$%d$%s$%s\n", 1<<20, b64, b64)), AnonymousNone)
	if err != nil {
		t.Fatal(err)
	}
	whole := time.Now()
	if r := try(t, u, "ann", "wrong"); r != proto.BadUserNameOrPassword {
		t.Fatal(r)
	}
	one := time.Since(whole)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	began := time.Now()
	password := []byte("other")
	if r := u.Authenticate(ctx, user("ann"), password); r == proto.Success || r == proto.BadUserNameOrPassword {
		t.Errorf("a check that was cut short says %s", r)
	}
	clear(password)
	if took := time.Since(began); took > one/2 {
		t.Errorf("a check that takes %s ended %s after its context", one, took)
	}
	began = time.Now()
	if r := try(t, u, "ann", "wrong"); r != proto.BadUserNameOrPassword || time.Since(began) > one/2 {
		t.Errorf("%s after %s", r, time.Since(began))
	}
	u.checks.Take(t.Context(), fair.Key{}, "") // the check that was cut short has ended
	if !u.wrong.has(u.sum("ann", []byte("other"), u.table.Load().hashes[0].key)) {
		t.Error("a change of the caller's password reached the check")
	}
}

// A password that was wrong because its user was unknown is right once the file has the user, also with the
// hash of another user.
func TestWrongPasswordOfALaterUser(t *testing.T) {
	path := write(t, mosquittos)
	u, err := NewUsers(path, AnonymousNone)
	if err != nil {
		t.Fatal(err)
	}
	for _, password := range []string{"secret", "pw"} {
		if r := try(t, u, "eve", password); r != proto.BadUserNameOrPassword {
			t.Fatal(r)
		}
	}
	for line := range strings.Lines(mosquittos) {
		name, hash, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		if err := os.WriteFile(path, []byte(mosquittos+"eve:"+hash), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := u.Reload(); err != nil {
			t.Fatal(err)
		}
		if r := try(t, u, "eve", map[string]string{"alice": "secret", "bob": "pw"}[name]); r != proto.Success {
			t.Errorf("with the hash of %s: %s", name, r)
		}
	}
}
