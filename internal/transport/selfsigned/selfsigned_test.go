package selfsigned

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// check verifies the server's certificate for each name as a client with the authority would, and
// that nobody else can read a key.
func check(t *testing.T, f Folder, now time.Time, names ...string) *x509.Certificate {
	t.Helper()
	b, err := os.ReadFile(f.CA)
	roots := x509.NewCertPool()
	if err != nil || !roots.AppendCertsFromPEM(b) {
		t.Fatalf("authority: %v", err)
	}
	p, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if _, err := p.Leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots, CurrentTime: now}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{f.Key, f.caKey} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, error %v", name, info.Mode(), err)
		}
	}
	return p.Leaf
}

// The first use makes both certificates, later ones use them, and what expires soon or lacks a name
// is made again.
func TestEnsure(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "here")
	now := time.Now()
	names := []string{"localhost", "127.0.0.1", "::1"}
	if host, err := os.Hostname(); err == nil && validName(host) {
		names = append(names, host)
	}
	f, made, err := Ensure(dir, nil, now)
	if err != nil || len(made) != 2 {
		t.Fatal(made, err)
	}
	first := check(t, f, now, names...)
	os.Chmod(f.Key, 0o644)
	os.Chmod(f.caKey, 0o644)
	if _, made, err = Ensure(dir, []string{"localhost", "0.0.0.0", "[::]", "", "127.0.0.1"}, now.Add(24*time.Hour)); err != nil || len(made) != 0 {
		t.Errorf("the next day %v was made, error %v", made, err)
	}
	if !check(t, f, now, names...).Equal(first) {
		t.Error("the certificate is another one")
	}
	for _, step := range []struct {
		what  string
		at    time.Time
		hosts []string
		made  int
	}{
		{"about to expire", now.Add(serverValid - serverRenew + time.Hour), nil, 1},
		{"other names", now.Add(serverValid - serverRenew + time.Hour), []string{"broker.example", "192.0.2.7", "[2001:db8::1%eth0]"}, 1},
		{"long after its end", now.Add(5 * serverValid), nil, 1},
		{"the authority is about to expire", now.Add(authorityValid - authorityRenew + time.Hour), nil, 2},
		{"after the end of all", now.Add(3 * authorityValid), nil, 2},
		{"the clock is set back", now, nil, 1},
	} {
		if step.what == "the clock is set back" {
			os.Remove(f.CA)
			os.Remove(f.caKey)
			os.Remove(f.Cert)
			os.Remove(f.Key)
			Ensure(dir, nil, now.Add(time.Hour))
			step.at = now.Add(-24 * time.Hour)
		}
		_, made, err = Ensure(dir, step.hosts, step.at)
		if err != nil || len(made) != step.made {
			t.Fatalf("%s: %v was made, error %v", step.what, made, err)
		}
		if step.what == "other names" {
			check(t, f, step.at, append(names, "broker.example", "192.0.2.7", "2001:db8::1")...)
		}
	}
}

// A key that is lost, or a write that was interrupted, makes the server's certificate again.
func TestInterruptedWrite(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	f, _, err := Ensure(dir, nil, now)
	if err != nil {
		t.Fatal(err)
	}
	first := check(t, f, now)
	other, _, err := Ensure(t.TempDir(), nil, now)
	if err != nil {
		t.Fatal(err)
	}
	for _, damage := range []func() error{func() error { return os.Remove(f.Key) }, func() error { return os.Rename(other.Key, f.Key) }} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		if _, made, err := Ensure(dir, nil, now); err != nil || len(made) != 1 {
			t.Errorf("%v was made, error %v", made, err)
		}
		if check(t, f, now, "localhost").Equal(first) {
			t.Error("the certificate is the old one")
		}
	}
}

// Files of somebody else stay.
func TestForeignFiles(t *testing.T) {
	other, _, err := Ensure(t.TempDir(), nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for what, files := range map[string]map[string]string{
		"a certificate alone": {"server.pem": read(other.Cert)}, "a key alone": {"server.key": "key"},
		"an authority without a key": {"ca.pem": read(other.CA)}, "a key without an authority": {"ca.key": read(other.caKey)},
		"no authority": {"ca.pem": read(other.Cert), "ca.key": read(other.Key)},
		"junk":         {"ca.pem": read(other.CA), "ca.key": read(other.caKey), "server.pem": "junk"},
	} {
		dir := t.TempDir()
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, made, err := Ensure(dir, nil, time.Now()); err == nil || len(made) > 0 || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v was made, error %v", what, made, err)
		}
		for name, text := range files {
			if read(filepath.Join(dir, name)) != text {
				t.Errorf("%s: %s has changed", what, name)
			}
		}
	}
}

// Several processes may begin with one folder.
func TestEnsureAtOnce(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, _, err := Ensure(dir, nil, now); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	check(t, In(dir), now, "localhost")
}
