package transport

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/youmark/pkcs8"

	"mqtt/internal/transport/transporttest"
)

// TestTLSConfigReportsFiles checks that errors name the file and what is wrong with it.
func TestTLSConfigReportsFiles(t *testing.T) {
	c := transporttest.New(t)
	file := func(name, text string) string {
		name = filepath.Join(c.Dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	junk := file("junk.pem", "not a certificate\n")
	broken := file("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
	empty := t.TempDir()
	read := func(name string) string {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	disordered := file("disordered.pem", read(c.CA)+read(c.Server)+read(c.Client))
	for _, test := range []struct {
		tls  *TLS
		want string
	}{
		{&TLS{CAFile: "/nowhere/ca.pem"}, "/nowhere/ca.pem: no such file or directory"},
		{&TLS{CAFile: junk}, "junk.pem: no certificate in PEM form"},
		{&TLS{CAFile: c.ClientKey}, "client.key: no certificate in PEM form"},
		{&TLS{CAFile: broken}, "broken.pem: invalid certificate"},
		{&TLS{CAPath: empty}, "no file with a certificate"},
		{&TLS{CAPath: "/nowhere"}, "/nowhere: no such file"},
		{&TLS{Cert: junk, Key: c.ClientKey}, "junk.pem: no certificate in PEM form"},
		{&TLS{Cert: c.Client}, "client.pem: no private key in PEM form after the certificate"},
		{&TLS{Cert: c.Client, Key: junk}, "junk.pem: no private key in PEM form"},
		{&TLS{Cert: c.Client, Key: c.ServerKey}, "private key does not match"},
		{&TLS{Cert: disordered, Key: c.ClientKey}, "disordered.pem: the certificate of the key is number 3 in the file, and must be the first"},
		{&TLS{Key: c.ClientKey}, "the certificate for it is missing"},
		{&TLS{KeyLog: "/nowhere/keys"}, "/nowhere/keys"},
		{&TLS{MinVersion: tls.VersionTLS13, MaxVersion: tls.VersionTLS12}, "TLS 1.2 is older than TLS 1.3"},
	} {
		if _, err := test.tls.Config(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want %q in it", err, test.want)
		}
	}
	if _, err := new(TLS).ServerConfig(); err == nil {
		t.Error("a listener without a certificate")
	}
}

func TestCAPathAndSystemRoots(t *testing.T) {
	c := transporttest.New(t)
	u := echo(t, &Endpoint{Host: "127.0.0.1", Port: "0", TLS: &TLS{Cert: c.Server, Key: c.ServerKey}})
	folder := t.TempDir()
	if err := os.Symlink(c.CA, filepath.Join(folder, "0a1b2c3d.0")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "README"), []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, conf := range []*TLS{{CAPath: folder}, {CAFile: c.CA, OSCerts: true}} {
		target := u.Target()
		target.TLS = conf
		roundTrip(t, dial(t, target))
	}
}

func TestEncryptedKeys(t *testing.T) {
	c := transporttest.New(t)
	data, err := os.ReadFile(c.ClientKey)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(data)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	der, err := pkcs8.MarshalPrivateKey(key, []byte("pass"), nil)
	if err != nil {
		t.Fatal(err)
	}
	modern := &pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der}
	//lint:ignore SA1019 the old form is what is to be read
	legacy, err := x509.EncryptPEMBlock(rand.Reader, "PRIVATE KEY", block.Bytes, []byte("pass"), x509.PEMCipherAES256)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"modern": modern, "legacy": legacy} {
		file := filepath.Join(c.Dir, name+".key")
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		with := func(pass string) *TLS {
			return &TLS{Cert: c.Client, Key: file, KeyPass: func() ([]byte, error) { return []byte(pass), nil }}
		}
		if _, err := with("pass").Config(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := with("wrong").Config(); !errors.Is(err, errPassphrase) {
			t.Errorf("%s, wrong passphrase: %v", name, err)
		}
		target := &Target{TLS: &TLS{Cert: c.Client, Key: file}}
		err := target.Check()
		if !errors.Is(err, errNoPassphrase) || !strings.Contains(Hint(err), "--keypass-file") {
			t.Errorf("%s, no passphrase: %v, hint %q", name, err, Hint(err))
		}
		asked := errors.New("no terminal")
		ask := &TLS{Cert: c.Client, Key: file, KeyPass: func() ([]byte, error) { return nil, asked }}
		if _, err := ask.Config(); !errors.Is(err, asked) {
			t.Errorf("%s, failing question: %v", name, err)
		}
	}
}

func TestParseCiphers(t *testing.T) {
	got, err := ParseCiphers("ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305,TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384:AES256-SHA:DES-CBC3-SHA:ecdhe-rsa-aes128-sha")
	want := []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
		tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, tls.TLS_RSA_WITH_AES_256_CBC_SHA, tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA}
	if err != nil || len(got) != len(want) {
		t.Fatalf("%v %v", got, err)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("cipher %d is %s", i, tls.CipherSuiteName(got[i]))
		}
	}
	for list, want := range map[string]string{
		"AES128-SHA:NO-SUCH-CIPHER": "unknown cipher NO-SUCH-CIPHER",
		"":                          "empty",
		"TLS_AES_128_GCM_SHA256":    "TLS 1.3",
	} {
		if _, err := ParseCiphers(list); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", list, err)
		}
	}
}

func TestParseVersion(t *testing.T) {
	for in, want := range map[string]uint16{"tlsv1.2": tls.VersionTLS12, "tlsv1.3": tls.VersionTLS13, "TLSv1.1": tls.VersionTLS11, "tlsv1": tls.VersionTLS10, "1.3": tls.VersionTLS13, "TLS 1.2": tls.VersionTLS12} {
		if v, err := ParseVersion(in); err != nil || v != want {
			t.Errorf("%s: %x %v", in, v, err)
		}
	}
	if _, err := ParseVersion("sslv3"); err == nil {
		t.Error("sslv3 is taken")
	}
}

func TestTLSSettingsReachTheHandshake(t *testing.T) {
	c := transporttest.New(t)
	log := filepath.Join(c.Dir, "keys.log")
	u := echo(t, &Endpoint{Host: "127.0.0.1", Port: "0", TLS: &TLS{Cert: c.Server, Key: c.ServerKey, CAFile: c.CA, ALPN: []string{"mqtt"}}})
	target := u.Target()
	target.TLS = &TLS{CAFile: c.CA, Cert: c.Client, Key: c.ClientKey, KeyLog: log, ALPN: []string{"x", "mqtt"},
		MaxVersion: tls.VersionTLS12, Ciphers: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384}}
	var tr Trace
	conn, err := Dial(context.Background(), target, &tr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	roundTrip(t, conn)
	if tr.TLSVersion != "TLS 1.2" || tr.ALPN != "mqtt" || tr.Cipher != "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384" ||
		tr.Subject != "CN=server" || tr.Issuer != "CN=test authority" || tr.NotAfter.IsZero() || tr.TLS <= 0 || tr.Connect <= 0 {
		t.Errorf("trace %+v", tr)
	}
	if s, ok := state(conn); !ok || s.NegotiatedProtocol != "mqtt" {
		t.Errorf("state %v", ok)
	}
	st, err := os.Stat(log)
	if err != nil {
		t.Fatal(err)
	}
	if data, _ := os.ReadFile(log); !strings.HasPrefix(string(data), "CLIENT_RANDOM ") || st.Mode().Perm() != 0o600 {
		t.Errorf("key log %v %q", st.Mode(), data)
	}
}

// The socket can be found below TLS, for those who ask it how much the peer has taken.
func TestSocketBelowTLS(t *testing.T) {
	c := transporttest.New(t)
	u := echo(t, &Endpoint{Host: "127.0.0.1", Port: "0", TLS: &TLS{Cert: c.Server, Key: c.ServerKey}})
	target := u.Target()
	target.TLS = &TLS{CAFile: c.CA}
	conn, err := Dial(context.Background(), target, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for nc := conn; ; {
		if _, ok := nc.(syscall.Conn); ok {
			return
		}
		below, ok := nc.(interface{ NetConn() net.Conn })
		if !ok {
			t.Fatalf("below %T there is no socket", nc)
		}
		nc = below.NetConn()
	}
}
