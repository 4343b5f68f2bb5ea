package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mqtt/internal/transport/transporttest"
)

// place copies a file over another one.
func place(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// knock connects with a client certificate, sends a byte to an echo and returns the server's serial
// number.
func knock(t *testing.T, u URL, c *transporttest.Certs, cfg *TLS) (serial string, err error) {
	t.Helper()
	target := u.Target()
	cfg.CAFile = c.CA
	target.TLS = cfg
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn, err := Dial(ctx, target, nil)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := conn.Write([]byte{1}); err != nil {
		return "", err
	}
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		return "", err
	}
	return conn.(interface{ ConnectionState() tls.ConnectionState }).ConnectionState().PeerCertificates[0].SerialNumber.String(), nil
}

// Reload serves new connections by the files as they are then, on TLS and on WebSocket, and leaves
// connections alone. A part that cannot be read is named, and the last good one stays in force.
func TestReload(t *testing.T) {
	for _, scheme := range []Scheme{MQTTS, WSS} {
		t.Run(string(scheme), func(t *testing.T) {
			c := transporttest.New(t)
			cert, key := filepath.Join(c.Dir, "now.pem"), filepath.Join(c.Dir, "now.key")
			place(t, c.Server, cert)
			place(t, c.ServerKey, key)
			files := &TLS{Cert: cert, Key: key}
			end := &Endpoint{Host: "127.0.0.1", Port: "0", TLS: files}
			if scheme == WSS {
				end.WebSocket = &WebSocket{}
			}
			u := echo(t, end)
			first, err := knock(t, u, c, &TLS{})
			if err != nil {
				t.Fatal(err)
			}
			target := u.Target()
			target.TLS = &TLS{CAFile: c.CA}
			stays := dial(t, target)
			renewed, renewedKey := c.Issue("renewed", &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
			place(t, renewed, cert)
			if err := files.Reload(); err == nil || !strings.Contains(err.Error(), cert) {
				t.Errorf("certificate and key do not match: %v", err)
			}
			if s, err := knock(t, u, c, &TLS{}); err != nil || s != first {
				t.Errorf("after a reload that failed: certificate %s, error %v", s, err)
			}
			place(t, renewedKey, key)
			if err := files.Reload(); err != nil {
				t.Error(err)
			}
			second, err := knock(t, u, c, &TLS{})
			if err != nil || second == first {
				t.Errorf("after the reload: certificate %s, error %v", second, err)
			}
			os.WriteFile(cert, []byte("junk"), 0o600)
			if err := files.Reload(); err == nil || !strings.Contains(err.Error(), cert) {
				t.Errorf("junk: %v", err)
			}
			if s, err := knock(t, u, c, &TLS{}); err != nil || s != second {
				t.Errorf("after junk: certificate %s, error %v", s, err)
			}
			stays.SetDeadline(time.Now().Add(time.Minute))
			if _, err := stays.Write([]byte{1}); err != nil {
				t.Error(err)
			}
			if _, err := io.ReadFull(stays, make([]byte, 1)); err != nil {
				t.Errorf("a connection did not outlive the reload: %v", err)
			}
		})
	}
}

// Of the authorities and the revocation lists, each stays as it was if it cannot be read, whatever
// the other files are.
func TestReloadOfEachPart(t *testing.T) {
	c, other := transporttest.New(t), transporttest.New(t)
	ca, crl := filepath.Join(c.Dir, "now.pem"), filepath.Join(c.Dir, "now.crl")
	place(t, c.CA, ca)
	place(t, c.Revoke("none.crl", nil), crl)
	files := &TLS{Cert: c.Server, Key: c.ServerKey, CAFile: ca, CRLFile: crl}
	u := echo(t, &Endpoint{Host: "127.0.0.1", Port: "0", TLS: files})
	try := func(cert, key string) error {
		_, err := knock(t, u, c, &TLS{Cert: cert, Key: key})
		return err
	}
	if err := try(c.Client, c.ClientKey); err != nil {
		t.Fatal(err)
	}
	if try("", "") == nil {
		t.Error("a client without a certificate was let in")
	}
	place(t, c.Revoke("revoked.crl", nil, c.Client), crl)
	os.WriteFile(ca, []byte("junk"), 0o600)
	if err := files.Reload(); err == nil || !strings.Contains(err.Error(), ca) {
		t.Errorf("junk: %v", err)
	}
	place(t, c.CA, ca) // the list needs it to be checked
	if err := files.Reload(); err != nil {
		t.Error(err)
	}
	if try(c.Client, c.ClientKey) == nil {
		t.Error("a revoked certificate was let in")
	}
	more, moreKey := c.Issue("more", &x509.Certificate{})
	if err := try(more, moreKey); err != nil {
		t.Errorf("another certificate: %v", err)
	}
	for name, list := range map[string]string{"junk": c.ClientKey, "another authority's": other.Revoke("foreign.crl", nil)} {
		place(t, list, crl)
		if err := files.Reload(); err == nil || !strings.Contains(err.Error(), crl) {
			t.Errorf("%s: %v", name, err)
		}
		if try(c.Client, c.ClientKey) == nil {
			t.Errorf("%s: the last good list does not count", name)
		}
	}
	place(t, c.Revoke("revoked.crl", nil, c.Client), crl)
	place(t, other.CA, ca)
	if err := files.Reload(); err == nil {
		t.Error("a list of an authority that is gone was taken")
	}
	if try(more, moreKey) == nil {
		t.Error("a client of an authority that is gone was let in")
	}
}

// Another protocol on a WebSocket listener ends the connection at once.
func TestOtherProtocolsOnWebSocket(t *testing.T) {
	errs := make(chan error, 1)
	u := serve(t, &Endpoint{Host: "127.0.0.1", Port: "0", WebSocket: &WebSocket{}}, func(c net.Conn) {
		_, err := c.Read(make([]byte, 1))
		errs <- err
	})
	for text, want := range map[string]string{"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n": "PROXY", "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c": "PROXY", "SSH-2.0-x\r\n": "SSH"} {
		c, err := net.Dial("tcp", net.JoinHostPort(u.Host, u.Port))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.Write([]byte(text))
		select {
		case err := <-errs:
			if err == nil || !strings.Contains(err.Error(), "the peer speaks "+want+", not WebSocket") {
				t.Errorf("%q: %v", text, err)
			}
		case <-time.After(time.Minute):
			t.Errorf("%q: the connection is held", text)
		}
	}
}

// A client whose certificate is revoked cannot come back by resuming its TLS session.
func TestRevokedClientCannotResume(t *testing.T) {
	c := transporttest.New(t)
	crl := filepath.Join(c.Dir, "now.crl")
	place(t, c.Revoke("none.crl", nil), crl)
	files := &TLS{Cert: c.Server, Key: c.ServerKey, CAFile: c.CA, CRLFile: crl}
	u := echo(t, &Endpoint{Host: "127.0.0.1", Port: "0", TLS: files})
	pair, err := tls.LoadX509KeyPair(c.Client, c.ClientKey)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(c.Authority)
	cfg := &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: roots, ServerName: "localhost", ClientSessionCache: tls.NewLRUClientSessionCache(4)}
	try := func() (resumed bool, err error) {
		conn, err := tls.Dial("tcp", net.JoinHostPort(u.Host, u.Port), cfg)
		if err != nil {
			return false, err
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(time.Minute))
		if _, err := conn.Write([]byte{1}); err != nil {
			return false, err
		}
		_, err = io.ReadFull(conn, make([]byte, 1))
		return conn.ConnectionState().DidResume, err
	}
	try()
	if resumed, err := try(); !resumed || err != nil {
		t.Fatalf("resumed %v, error %v", resumed, err)
	}
	place(t, c.Revoke("revoked.crl", nil, c.Client), crl)
	if err := files.Reload(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := try(); err == nil {
			t.Error("a revoked client came back")
		}
	}
}

// What is done with lists that are special: those that cannot be used are refused, with the reason,
// and one that is past its time still counts, with a note.
func TestRevocationLists(t *testing.T) {
	c, other := transporttest.New(t), transporttest.New(t)
	past := time.Now().Add(-24 * time.Hour)
	join := func(name string, files ...string) string {
		var all []byte
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, b...)
		}
		name = filepath.Join(c.Dir, name)
		if err := os.WriteFile(name, all, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	both := join("both.pem", c.CA, other.CA)
	extended := func(name string, e pkix.Extension) string {
		return c.Revoke(name, &x509.RevocationList{ExtraExtensions: []pkix.Extension{e}}, c.Client)
	}
	broken := join("broken.crl", c.Revoke("none.crl", nil))
	b, _ := os.ReadFile(broken)
	block, _ := pem.Decode(b)
	block.Bytes[len(block.Bytes)-1] ^= 1
	os.WriteFile(broken, pem.EncodeToMemory(block), 0o600)
	for _, k := range []struct {
		name, ca, crl string
		want, note    string
	}{
		{"one", c.CA, c.Revoke("one.crl", nil, c.Client), "", ""},
		{"several", both, join("several.crl", other.Revoke("other.crl", nil, other.Client), c.Revoke("one.crl", nil, c.Client)), "", ""},
		{"expired", c.CA, c.Revoke("old.crl", &x509.RevocationList{ThisUpdate: past, NextUpdate: past.Add(time.Hour)}, c.Client), "", "expired on"},
		{"only for clients", c.CA, extended("idp.crl", pkix.Extension{Id: distributionPoint, Critical: true, Value: []byte{0x30, 3, 0x81, 1, 0xff}}), "", ""},
		{"indirect", c.CA, extended("indirect.crl", pkix.Extension{Id: distributionPoint, Critical: true, Value: []byte{0x30, 3, 0x84, 1, 0xff}}), "an indirect list", ""},
		{"delta", c.CA, extended("delta.crl", pkix.Extension{Id: deltaIndicator, Critical: true, Value: []byte{2, 1, 1}}), "a delta list", ""},
		{"critical", c.CA, extended("critical.crl", pkix.Extension{Id: []int{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}), "the critical extension 1.2.3.4", ""},
		{"another authority", c.CA, other.Revoke("foreign.crl", nil), "not signed by an authority", ""},
		{"a bad signature", c.CA, broken, "not signed by an authority", ""},
		{"none", c.CA, c.Client, "no revocation list in PEM form", ""},
		{"absent", c.CA, filepath.Join(c.Dir, "nowhere.crl"), "nowhere.crl: ", ""},
	} {
		files := &TLS{Cert: c.Server, Key: c.ServerKey, CAFile: k.ca, CRLFile: k.crl}
		_, err := files.ServerConfig()
		if k.want != "" {
			var f *TargetError
			if !errors.As(err, &f) || f.Field != "CRLFile" || !strings.Contains(err.Error(), k.want) || !strings.Contains(err.Error(), k.crl) {
				t.Errorf("%s: %v, want %s", k.name, err, k.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", k.name, err)
			continue
		}
		if notes := strings.Join(files.Warnings(), "\n"); k.note == "" && notes != "" || !strings.Contains(notes, k.note) {
			t.Errorf("%s: notes %q", k.name, notes)
		}
		u := echo(t, &Endpoint{Host: "127.0.0.1", Port: "0", TLS: files})
		if _, err := knock(t, u, c, &TLS{Cert: c.Client, Key: c.ClientKey}); err == nil {
			t.Errorf("%s: a revoked certificate was let in", k.name)
		}
		good, goodKey := c.Issue("good", &x509.Certificate{})
		if _, err := knock(t, u, c, &TLS{Cert: good, Key: goodKey}); err != nil {
			t.Errorf("%s: %v", k.name, err)
		}
	}
}

// Lists that openssl makes, of version 1 as it is set up, count.
func TestRevocationListOfOpenSSL(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	script := `set -e
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 30 -subj /CN=Root -addext basicConstraints=critical,CA:TRUE
openssl req -newkey rsa:2048 -nodes -keyout bob.key -out bob.csr -subj /CN=bob
openssl x509 -req -in bob.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 29 -out bob.pem
printf '[ca]\ndefault_ca=x\n[x]\ndatabase=index\ndefault_md=sha256\ndefault_crl_days=30\n' >ca.cnf
: >index
openssl ca -config ca.cnf -keyfile ca.key -cert ca.pem -revoke bob.pem
openssl ca -config ca.cnf -keyfile ca.key -cert ca.pem -gencrl -out v1.crl
printf 'crl_extensions=y\n[y]\nauthorityKeyIdentifier=keyid:always\n' >>ca.cnf
openssl ca -config ca.cnf -keyfile ca.key -cert ca.pem -gencrl -out v2.crl
`
	cmd := exec.Command("sh", "-c", script)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("openssl: %v\n%s", err, out)
	}
	b, err := os.ReadFile(filepath.Join(dir, "bob.pem"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(b)
	bob, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"v1.crl", "v2.crl"} {
		files := &TLS{CAFile: filepath.Join(dir, "ca.pem"), CRLFile: filepath.Join(dir, name)}
		a, err := files.authorities()
		if err != nil {
			t.Fatal(err)
		}
		r, err := files.revocations(a)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		other := *bob
		other.SerialNumber = big.NewInt(1)
		if root := r.lists[0].issuer; r.find([]*x509.Certificate{bob, root}) != bob || r.find([]*x509.Certificate{&other, root}) != nil {
			t.Errorf("%s does not revoke what it lists", name)
		}
		if n := r.notes(); len(n) > 0 {
			t.Errorf("%s: %v", name, n)
		}
		if a, err = (&TLS{CAFile: transporttest.New(t).CA}).authorities(); err != nil {
			t.Fatal(err)
		}
		if _, err := files.revocations(a); err == nil {
			t.Errorf("%s was taken without its authority", name)
		}
	}
}
