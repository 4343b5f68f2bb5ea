package access

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"mqtt/internal/broker"
	"mqtt/internal/proto"
)

// Lines that mosquitto_passwd 2.0.11 wrote: alice's password is secret, bob's pw.
const mosquittos = `# users
alice:$7$101$n8VvMA+giEdNZ53t$Qurw+Do+WaRl464xhBM1ukZnWwDEErCgwSXC7QPCWqstQitFmq5yXzPDYN//+UH41jdhdHZ0qaIUoJ+pR0uCHw==

bob:$6$f9o2ZqJuAbxUkbSF$5KbeD5DUaAP7jSJ4u3PPG1Meglf8O7NUcuIXQu3RKFQfK0XckJOSl2dx32eDvZcO1qtrZA5dFjbo1BDhb01cjg==
`

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	return path
}

func user(name string) *broker.Identity {
	return &broker.Identity{ClientID: "c", HasUsername: true, Username: name, Local: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}}
}

func try(t *testing.T, u *Users, name, password string) proto.Reason {
	t.Helper()
	return u.Authenticate(context.Background(), user(name), []byte(password))
}

// Passwords with hashes of mosquitto's two forms and of ours are right. Wrong passwords and unknown users are
// refused with the same reason.
func TestPasswords(t *testing.T) {
	path := write(t, mosquittos)
	if added, err := SetPassword(path, "carol", []byte("päss:$word")); err != nil || !added {
		t.Fatal(added, err)
	}
	u, err := NewUsers(path, AnonymousNone)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, password string
		want           proto.Reason
	}{
		{"alice", "secret", proto.Success}, {"bob", "pw", proto.Success}, {"carol", "päss:$word", proto.Success},
		{"carol", "päss:$word", proto.Success}, // remembered
		{"alice", "pw", proto.BadUserNameOrPassword}, {"bob", "", proto.BadUserNameOrPassword},
		{"carol", "Päss:$word", proto.BadUserNameOrPassword}, {"dave", "secret", proto.BadUserNameOrPassword},
		{"", "secret", proto.BadUserNameOrPassword},
	} {
		if got := try(t, u, c.name, c.password); got != c.want {
			t.Errorf("%s with %q: %s, want %s", c.name, c.password, got, c.want)
		}
	}
	if got := u.Authenticate(context.Background(), user("alice"), nil); got != proto.BadUserNameOrPassword {
		t.Errorf("alice without a password: %s", got)
	}
}

// A change replaces one line and keeps the others, and the mode of the file.
func TestChange(t *testing.T) {
	path := write(t, mosquittos)
	if added, err := SetPassword(path, "alice", []byte("other")); err != nil || added {
		t.Fatal(added, err)
	}
	if err := DropUser(path, "bob"); err != nil {
		t.Fatal(err)
	}
	if err := DropUser(path, "bob"); !errors.Is(err, ErrNoUser) {
		t.Errorf("delete an unknown user: %v", err)
	}
	b, _ := os.ReadFile(path)
	got := strings.Split(string(b), "\n")
	if len(got) != 4 || got[0] != "# users" || !strings.HasPrefix(got[1], "alice:$argon2id$v=19$m=19456,t=2,p=1$") || got[2] != "" {
		t.Errorf("file\n%s", b)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v %v", info.Mode(), err)
	}
	fresh := filepath.Join(t.TempDir(), "new")
	if _, err := SetPassword(fresh, "a", []byte("b")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(fresh); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of a new file %v %v", info.Mode(), err)
	}
	for _, name := range []string{"", "a:b", "a\nb", "#a", " a", "\xff"} {
		if _, err := SetPassword(path, name, []byte("x")); err == nil {
			t.Errorf("user name %q was accepted", name)
		}
	}
	foreign := write(t, "this is no password file\n")
	if _, err := SetPassword(foreign, "a", []byte("x")); err == nil {
		t.Error("a file of another kind was changed")
	}
}

// A file with an error is refused as a whole. The error does not contain the secrets of the file.
func TestWrongFile(t *testing.T) {
	for text, want := range map[string]string{
		"alice:secret\n": "file:1: password of \"alice\": not a hash",
		"alice\n":        "file:1: expected user:hash",
		mosquittos + "bob:$6$AAAA$AAAAAAAAAAAAAAAAAAAAAA==\n":             "file:5: user \"bob\" is there twice",
		"a:$7$0$AAAA$AAAAAAAAAAAAAAAAAAAAAA==":                            "not a hash",
		"a:$7$101$AAAA$AAAA":                                              "not a hash",
		"a:$argon2id$v=19$m=99999999,t=1,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAA": "out of bounds",
		"a:\xff\n": "not a text",
	} {
		_, err := NewUsers(write(t, text), AnonymousNone)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// A reload with an error changes nothing. An old password is not remembered after it was changed.
func TestReload(t *testing.T) {
	path := write(t, mosquittos)
	u, err := NewUsers(path, AnonymousNone)
	if err != nil {
		t.Fatal(err)
	}
	if got := try(t, u, "alice", "secret"); got != proto.Success {
		t.Fatal(got)
	}
	os.WriteFile(path, []byte("nonsense"), 0o600)
	if err := u.Reload(); err == nil {
		t.Error("nonsense was read")
	}
	if got := try(t, u, "alice", "secret"); got != proto.Success {
		t.Errorf("after a reload that failed: %s", got)
	}
	os.WriteFile(path, []byte(mosquittos), 0o600)
	if _, err := SetPassword(path, "alice", []byte("new")); err != nil {
		t.Fatal(err)
	}
	if err := u.Reload(); err != nil {
		t.Fatal(err)
	}
	if old, now := try(t, u, "alice", "secret"), try(t, u, "alice", "new"); old == proto.Success || now != proto.Success {
		t.Errorf("old password %s, new one %s", old, now)
	}
}

// Clients without credentials are let in as Anonymous says. A certificate is a credential.
func TestAnonymous(t *testing.T) {
	here := &broker.Identity{Local: &net.TCPAddr{IP: net.IPv6loopback}}
	far := &broker.Identity{Local: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}}
	socket := &broker.Identity{Local: &net.UnixAddr{Name: "s"}}
	shown := &broker.Identity{Local: far.Local, Certificate: &x509.Certificate{Subject: pkix.Name{CommonName: "x"}}}
	for _, c := range []struct {
		path string
		a    Anonymous
		who  *broker.Identity
		want proto.Reason
	}{
		{"", AnonymousLocal, here, proto.Success}, {"", AnonymousLocal, socket, proto.Success}, {"", AnonymousLocal, far, proto.NotAuthorized},
		{"", AnonymousLocal, shown, proto.Success}, {"", AnonymousAll, far, proto.Success},
		{write(t, mosquittos), AnonymousNone, here, proto.BadUserNameOrPassword}, {write(t, mosquittos), AnonymousAll, far, proto.Success},
		{write(t, mosquittos), AnonymousNone, shown, proto.Success},
	} {
		u, err := NewUsers(c.path, c.a)
		if err != nil {
			t.Fatal(err)
		}
		if got := u.Authenticate(context.Background(), c.who, nil); got != c.want {
			t.Errorf("%q %d %v: %s, want %s", c.path, c.a, c.who.Local, got, c.want)
		}
	}
}

// The check of an unknown user takes as long as that of a known one. Reconnecting clients cost almost nothing.
func TestCost(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users")
	if _, err := SetPassword(path, "alice", []byte("secret")); err != nil {
		t.Fatal(err)
	}
	u, err := NewUsers(path, AnonymousNone)
	if err != nil {
		t.Fatal(err)
	}
	best := func(name, password string) time.Duration {
		least := time.Hour
		for i := range 5 {
			began := time.Now()
			try(t, u, name, password+strconv.Itoa(i)) // a password that was wrong before is not checked again
			least = min(least, time.Since(began))
		}
		return least
	}
	wrong, unknown := best("alice", "wrong"), best("nobody", "wrong")
	if unknown < wrong/10 || wrong < unknown/10 { // without a hash it would be a thousandth
		t.Errorf("a wrong password takes %s, an unknown user %s", wrong, unknown)
	}
	try(t, u, "alice", "secret")
	var wg sync.WaitGroup
	began := time.Now()
	for range 200 {
		wg.Go(func() {
			if r := try(t, u, "alice", "secret"); r != proto.Success {
				t.Error(r)
			}
		})
	}
	wg.Wait()
	if took := time.Since(began); took > 60*wrong { // if each were hashed, they would take 100 times as long on two cores
		t.Errorf("200 reconnects take %s, one check %s", took, wrong)
	}
}

// A verified certificate without a usable name does not prove a user name.
func TestCertificateWithoutName(t *testing.T) {
	path := write(t, mosquittos)
	two := pkix.Name{ExtraNames: []pkix.AttributeTypeAndValue{{Type: []int{2, 5, 4, 3}, Value: "bob"}, {Type: []int{2, 5, 4, 3}, Value: "alice"}}}
	for name, subject := range map[string]pkix.Name{
		"no common name": {Organization: []string{"x"}}, "no subject": {}, "an empty name": {CommonName: ""}, "a blank name": {CommonName: "  "},
		"a line end": {CommonName: "ad\nmin"}, "NUL": {CommonName: "admin\x00"}, "no UTF-8": {CommonName: "\xff"}, "two names": {CommonName: "alice", Names: two.ExtraNames},
	} {
		cert := &x509.Certificate{Subject: subject, DNSNames: []string{"alice"}, EmailAddresses: []string{"alice@example.org"}}
		nobody := &broker.Identity{Certificate: cert, Local: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}}
		claims := *nobody
		claims.HasUsername, claims.Username = true, "alice"
		for _, c := range []struct {
			path     string
			a        Anonymous
			who      *broker.Identity
			password string
			want     proto.Reason
		}{
			{"", AnonymousLocal, nobody, "", proto.Success}, {"", AnonymousAll, nobody, "", proto.Success}, {path, AnonymousNone, nobody, "", proto.Success},
			{"", AnonymousLocal, &claims, "", proto.NotAuthorized}, {"", AnonymousAll, &claims, "", proto.NotAuthorized},
			{path, AnonymousNone, &claims, "wrong", proto.BadUserNameOrPassword}, {path, AnonymousNone, &claims, "secret", proto.Success},
		} {
			u, err := NewUsers(c.path, c.a)
			if err != nil {
				t.Fatal(err)
			}
			if got := u.Authenticate(t.Context(), c.who, []byte(c.password)); got != c.want {
				t.Errorf("%s, %q %d %q: %s, want %s", name, c.path, c.a, c.who.Username, got, c.want)
			}
		}
		if user, named := nobody.User(); named || user != "" {
			t.Errorf("%s: is the user %q", name, user)
		}
	}
}
