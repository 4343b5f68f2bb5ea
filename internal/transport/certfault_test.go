package transport

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mqtt/internal/transport/transporttest"
)

// issued is a certificate of a test, with its key and its file.
type issued struct {
	*x509.Certificate
	key       *ecdsa.PrivateKey
	cert, pem string // file names: the certificate, and the certificate with its key
}

// issue makes a certificate from template, signed by parent, or by itself if parent is nil.
func issue(t *testing.T, name string, template *x509.Certificate, parent *issued) *issued {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	if template.Subject.CommonName == "" {
		template.Subject = pkix.Name{CommonName: name}
	}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	template.BasicConstraintsValid = true
	above, signer := template, key
	if parent != nil {
		above, signer = parent.Certificate, parent.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, above, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	i := &issued{c, key, filepath.Join(t.TempDir(), name+".crt"), ""}
	i.pem = i.cert + "key"
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	write(t, i.cert, text)
	write(t, i.pem, text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
	return i
}

func write(t *testing.T, name string, parts ...[]byte) {
	t.Helper()
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	if err := os.WriteFile(name, all, 0o600); err != nil {
		t.Fatal(err)
	}
}

func contents(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestCertificateFaults checks that the error names the cause, and that nothing is advised that cannot help.
// Beside an authority, Insecure skips the check of the host name only.
func TestCertificateFaults(t *testing.T) {
	authority := func(ca bool) *x509.Certificate {
		return &x509.Certificate{Subject: pkix.Name{CommonName: "Root"}, IsCA: ca, KeyUsage: x509.KeyUsageCertSign}
	}
	server := func() *x509.Certificate {
		return &x509.Certificate{DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature}
	}
	root, sameName := issue(t, "root", authority(true), nil), issue(t, "same", authority(true), nil)
	noCA := issue(t, "noca", authority(false), nil)
	stranger := issue(t, "stranger", &x509.Certificate{IsCA: true, KeyUsage: x509.KeyUsageCertSign}, nil)
	middle := issue(t, "Middle", &x509.Certificate{IsCA: true, KeyUsage: x509.KeyUsageCertSign}, root)
	good, below := issue(t, "good", server(), root), issue(t, "below", server(), middle)
	chain := filepath.Join(t.TempDir(), "chain.pem")
	write(t, chain, contents(t, below.pem), contents(t, middle.cert))
	ofNoCA := issue(t, "ofnoca", server(), noCA)
	alone := issue(t, "alone", server(), nil)
	noSAN := issue(t, "localhost", &x509.Certificate{}, root)
	addressAsName := issue(t, "address", &x509.Certificate{DNSNames: []string{"127.0.0.1", "broker.example"}}, root)
	onlyAddress := issue(t, "only", &x509.Certificate{DNSNames: []string{"127.0.0.1"}}, root)
	clientOnly := issue(t, "client", &x509.Certificate{DNSNames: []string{"localhost"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, root)

	for _, k := range []struct {
		name, shown, cafile, host string
		text, hint                string
		onlyName                  bool // only the host name is wrong
	}{
		{"good", good.pem, root.cert, "127.0.0.1", "", "", false},
		{"chain", chain, root.cert, "localhost", "", "", false},
		{"missing intermediate", below.pem, root.cert, "localhost", "signed by an unknown authority, CN=Middle, whose certificate the server does not send and --cafile does not have", "or have the server send it if it is an intermediate authority; --insecure without --cafile", false},
		{"same name, other key", good.pem, sameName.cert, "localhost", "CN=Root, in --cafile, has another key than the authority of the same name that signed it", "get the authority's certificate anew", false},
		{"no authority", ofNoCA.pem, noCA.cert, "localhost", "CN=Root, in --cafile, is no authority", "basicConstraints=CA:TRUE", false},
		{"stranger", good.pem, stranger.cert, "localhost", "signed by an unknown authority, CN=Root,", "--cafile", false},
		{"self-signed", alone.pem, root.cert, "localhost", "self-signed, and not in --cafile", "add it to the file of --cafile", false},
		{"self-signed, trusted", alone.pem, alone.cert, "localhost", "", "", false},
		{"no subjectAltName", noSAN.pem, root.cert, "localhost", "it has no subjectAltName, so it matches no host name; the name in its subject does not count", "issue it again with subjectAltName=DNS:localhost; --insecure skips only this check", true},
		{"no subjectAltName, address", noSAN.pem, root.cert, "127.0.0.1", "no subjectAltName", "subjectAltName=IP:127.0.0.1", true},
		{"address as a name", addressAsName.pem, root.cert, "127.0.0.1", "it has the address 127.0.0.1 as a DNS name, not as an IP address", "--tls-servername broker.example expects that name; or issue it again with subjectAltName=IP:127.0.0.1", true},
		{"address as the only name", onlyAddress.pem, root.cert, "127.0.0.1", "as a DNS name", "issue it again with subjectAltName=IP:127.0.0.1", true},
		{"other name", good.pem, root.cert, "example.org", "it is not valid for example.org", "--tls-servername localhost expects that name", true},
		{"for clients", clientOnly.pem, root.cert, "localhost", "it is not for servers (extendedKeyUsage)", "extendedKeyUsage=serverAuth", false},
	} {
		t.Run(k.name, func(t *testing.T) {
			u := echo(t, &Endpoint{Host: "127.0.0.1", Port: "0", TLS: &TLS{Cert: k.shown}})
			a, _ := net.ResolveTCPAddr("tcp", u.Addr())
			target := at(a)
			try := func(conf *TLS) error {
				conf.ServerName = k.host
				target.TLS = conf
				c, err := Dial(context.Background(), &target, nil)
				if err == nil {
					c.Close()
				}
				return err
			}
			err := try(&TLS{CAFile: k.cafile})
			if (err == nil) != (k.text == "") || err != nil && (!strings.Contains(err.Error(), k.text) || !strings.HasPrefix(Hint(err), k.hint) && !strings.Contains(Hint(err), k.hint)) {
				t.Errorf("%v\nhint: %s", err, Hint(err))
			}
			if !k.onlyName && strings.Contains(Hint(err), "--tls-servername") || strings.Contains(Hint(err), "--tls-servername 127.0.0.1") {
				t.Errorf("advice that cannot help: %s", Hint(err))
			}
			folder := filepath.Dir(k.cafile)
			for _, conf := range []*TLS{{CAFile: k.cafile, Insecure: true}, {CAPath: folder, Insecure: true}} {
				if err := try(conf); (err == nil) != (k.onlyName || k.text == "") {
					t.Errorf("insecure beside an authority: %v", err)
				}
			}
			if err := try(&TLS{Insecure: true}); err != nil {
				t.Errorf("insecure alone: %v", err)
			}
			if err := try(&TLS{Insecure: true, OSCerts: true}); err == nil {
				t.Error("insecure beside the authorities of the system: no error")
			}
		})
	}
}

// TestUnreadableAuthorities checks that what cannot be read in a bundle or a folder is passed over with one
// warning, and that what is accepted by name is read.
func TestUnreadableAuthorities(t *testing.T) {
	certs := transporttest.New(t)
	ca := contents(t, certs.CA)
	block, _ := pem.Decode(ca)
	bad := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("0")})
	trusted := pem.EncodeToMemory(&pem.Block{Type: "TRUSTED CERTIFICATE", Bytes: append(append([]byte(nil), block.Bytes...), 0x30, 0x00)})
	u := echo(t, &Endpoint{Host: "127.0.0.1", Port: "0", TLS: &TLS{Cert: certs.Server, Key: certs.ServerKey}})
	a, _ := net.ResolveTCPAddr("tcp", u.Addr())
	dir := t.TempDir()
	n := 0
	file := func(parts ...[]byte) string {
		n++
		name := filepath.Join(dir, string(rune('a'+n))+".pem")
		write(t, name, parts...)
		return name
	}
	folder := t.TempDir()
	write(t, filepath.Join(folder, "1bad.pem"), bad)
	write(t, filepath.Join(folder, "2foreign.txt"), []byte("no certificate"))
	write(t, filepath.Join(folder, "3good.pem"), ca)
	write(t, filepath.Join(folder, "4utf16.pem"), []byte("\xff\xfe-\x00"))
	os.Symlink("nowhere", filepath.Join(folder, "5link.pem"))
	os.Mkdir(filepath.Join(folder, "6folder"), 0o700)
	empty := t.TempDir()
	write(t, filepath.Join(empty, "bad.pem"), bad)
	for _, k := range []struct {
		name string
		tls  *TLS
		note string // "" for none
		err  string
	}{
		{"bad before good", &TLS{CAFile: file(bad, ca)}, "skipped a CA certificate that cannot be read: ", ""},
		{"bad after good", &TLS{CAFile: file(ca, bad, bad)}, "malformed certificate, and 1 more", ""},
		{"bad alone", &TLS{CAFile: file(bad)}, "", "invalid certificate: malformed"},
		{"trusted", &TLS{CAFile: file(trusted)}, "", ""},
		{"byte order mark", &TLS{CAFile: file([]byte("\ufeff"), ca)}, "", ""},
		{"UTF-16", &TLS{CAFile: file([]byte("\xfe\xff"), ca)}, "", "UTF-16"},
		{"folder", &TLS{CAPath: folder}, "1bad.pem: invalid certificate: malformed certificate, and 1 more", ""},
		{"folder of bad ones", &TLS{CAPath: empty}, "", "bad.pem: invalid certificate"},
	} {
		target := at(a)
		target.TLS = k.tls
		c, err := Dial(context.Background(), &target, nil)
		if (err == nil) != (k.err == "") || err != nil && !strings.Contains(err.Error(), k.err) {
			t.Errorf("%s: error %v", k.name, err)
		}
		if err == nil {
			c.Close()
		}
		if note := k.tls.Note(); (note == "") != (k.note == "") || !strings.Contains(note, k.note) || strings.Contains(note, "\n") {
			t.Errorf("%s: note %q", k.name, note)
		}
	}
}

// TestFilesOfEachConnection checks that each connection has the certificates that the files have at that time.
func TestFilesOfEachConnection(t *testing.T) {
	first, second := transporttest.New(t), transporttest.New(t)
	serve := func(c *transporttest.Certs) Target {
		u := echo(t, &Endpoint{Host: "127.0.0.1", Port: "0", TLS: &TLS{Cert: c.Server, Key: c.ServerKey, CAFile: c.CA}})
		a, _ := net.ResolveTCPAddr("tcp", u.Addr())
		return at(a)
	}
	before, after := serve(first), serve(second)
	dir := t.TempDir()
	conf := &TLS{CAFile: filepath.Join(dir, "ca"), Cert: filepath.Join(dir, "cert"), Key: filepath.Join(dir, "key")}
	install := func(c *transporttest.Certs) {
		for to, from := range map[string]string{conf.CAFile: c.CA, conf.Cert: c.Client, conf.Key: c.ClientKey} {
			write(t, to+".new", contents(t, from))
			if err := os.Rename(to+".new", to); err != nil {
				t.Fatal(err)
			}
		}
	}
	install(first)
	before.TLS, after.TLS = conf, conf
	roundTrip(t, dial(t, &before))
	cfg, _ := conf.Config()
	if again, _ := conf.Config(); again != cfg {
		t.Error("read again although nothing has changed")
	}
	install(second)
	roundTrip(t, dial(t, &after))
	if err := os.Remove(conf.Key); err != nil {
		t.Fatal(err)
	}
	if _, err := Dial(context.Background(), &after, nil); err == nil {
		t.Error("no error without the key")
	}
	install(second)
	roundTrip(t, dial(t, &after))
}
