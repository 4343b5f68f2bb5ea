package transport

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// noNameSources returns sources that know nothing.
func noNameSources(t *testing.T) systemNames {
	return systemNames{avahi: filepath.Join(t.TempDir(), "socket"), mdns: "127.0.0.1:9", getent: filepath.Join(t.TempDir(), "getent"), wait: time.Second}
}

// fakeAvahi listens as avahi-daemon does and knows lamp.local.
func fakeAvahi(t *testing.T, name string) {
	l, err := net.Listen("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() { // ends with the listener
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			line, _ := bufio.NewReader(c).ReadString('\n')
			answer := "-15 Timeout reached\n"
			if line == "RESOLVE-HOSTNAME-IPV4 lamp.local\n" {
				answer = "+ 1 0 lamp.local 127.0.0.1\n"
			}
			if line == "RESOLVE-HOSTNAME-IPV6 six.local\n" {
				answer = "+ 1 1 six.local fe80::1\n"
			}
			io.WriteString(c, answer)
			c.Close()
		}
	}()
}

// fakeMulticast answers queries for printer.local, after a packet of noise.
func fakeMulticast(t *testing.T) string {
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() { // ends with c
		b := make([]byte, 1500)
		for {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(b[:n]) != nil || len(m.Questions) != 2 || m.Questions[0].Name.String() != "printer.local." {
				continue
			}
			m.Response, m.Answers = true, []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Class: dnsmessage.ClassINET},
				Body:   &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}}}}
			packet, _ := m.Pack()
			c.WriteTo([]byte("noise"), from)
			c.WriteTo(packet, from)
		}
	}()
	return c.LocalAddr().String()
}

// TestAnswered reads addresses from DNS answers: those of the name, and none from an answer that is cut.
func TestAnswered(t *testing.T) {
	name, other := dnsmessage.MustNewName("Printer.local."), dnsmessage.MustNewName("other.local.")
	head := func(n dnsmessage.Name) dnsmessage.ResourceHeader {
		return dnsmessage.ResourceHeader{Name: n, Class: dnsmessage.ClassINET | 1<<15} // the bit says that caches are to forget others
	}
	m := dnsmessage.Message{Header: dnsmessage.Header{Response: true},
		Questions: []dnsmessage.Question{{Name: name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}},
		Answers: []dnsmessage.Resource{
			{Header: head(other), Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 9}}},
			{Header: head(name), Body: &dnsmessage.TXTResource{TXT: []string{"text"}}},
			{Header: head(name), Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}}},
			{Header: head(name), Body: &dnsmessage.AAAAResource{AAAA: netip.MustParseAddr("fe80::1").As16()}},
			{Header: head(name), Body: &dnsmessage.AAAAResource{AAAA: netip.MustParseAddr("::1").As16()}}}}
	packet, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	asked := dnsmessage.MustNewName("printer.local.")
	if got := strings.Join(answered(packet, asked), " "); got != "127.0.0.1 ::1" {
		t.Errorf("%q", got)
	}
	for n := range packet {
		if got := answered(packet[:n], asked); got != nil {
			t.Errorf("%q from the first %d of %d bytes", got, n, len(packet))
		}
	}
	m.Response = false
	if packet, err = m.Pack(); err != nil || answered(packet, asked) != nil {
		t.Errorf("addresses from a query (%v)", err)
	}
}

// TestSystemNames checks names that come from avahi-daemon, multicast DNS and the modules of the system, for a
// host, a proxy and a host behind a socks5 proxy.
func TestSystemNames(t *testing.T) {
	t.Parallel()
	if !ownResolver {
		t.Skip("the system's library resolves names")
	}
	s := noNameSources(t)
	fakeAvahi(t, s.avahi)
	s.mdns = fakeMulticast(t)
	script := "#!/bin/sh\n[ \"$*\" = 'ahosts machine' ] || exit 2\necho '127.0.0.1       STREAM machine'\necho '127.0.0.1       DGRAM'\n"
	if err := os.WriteFile(s.getent, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for name, want := range map[string]string{"lamp.local": "127.0.0.1", "lamp.local.": "127.0.0.1", "printer.local": "127.0.0.1", "no.local": "", "a b.local": ""} {
		if got := strings.Join(s.local(ctx, name), " "); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := s.local(ctx, "six.local"); len(got) != 1 || !strings.HasPrefix(got[0], "fe80::1%") {
		t.Errorf("six.local: %q", got)
	}
	if got := strings.Join(s.modules(ctx, "machine"), " "); got != "127.0.0.1" {
		t.Errorf("machine: %q", got)
	}
	if got := s.modules(ctx, "--help"); got != nil {
		t.Errorf("an option: %q", got)
	}
	listener := raw(t, func(c net.Conn) { io.WriteString(c, "x") })
	for _, host := range []string{"lamp.local", "LAMP.local.", "printer.local"} {
		ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
		target := at(listener)
		target.Host = strings.ToLower(host)
		d := dialer{Target: &target, tr: new(Trace), system: &s}
		c, err := d.connect(ctx)
		if err != nil {
			t.Errorf("%s: %v", host, err)
		} else {
			c.Close()
		}
		if _, err := d.lookupHost(ctx, target.Host); err != nil {
			t.Errorf("%s: %v", host, err)
		}
		cancel()
	}
}

// TestUnknownMulticastName checks that the hint names the source of names in .local.
func TestUnknownMulticastName(t *testing.T) {
	err := &Error{Phase: Resolve, Addr: "lamp.local", Err: &net.DNSError{Err: "no such host", Name: "lamp.local", IsNotFound: true}}
	if !strings.Contains(Hint(err), "avahi-daemon") {
		t.Error(Hint(err))
	}
}

// TestZoneMissing checks that the hint for a link-local address without a zone names the interface, and no
// firewall.
func TestZoneMissing(t *testing.T) {
	for addr, zone := range map[string]bool{"[fe80::1]:1883": true, "[fe80::1%eth0]:1883": false, "[::1]:1883": false, "169.254.0.1:1883": false} {
		err := &Error{Phase: Connect, Addr: addr, Err: errHungUp}
		if strings.Contains(Hint(err), "fe80::1%INTERFACE") != zone || zone && strings.Contains(Hint(err), "firewall") {
			t.Errorf("%s: %s", addr, Hint(err))
		}
	}
}

// TestCipherWords checks that words of OpenSSL's lists are named as such.
func TestCipherWords(t *testing.T) {
	for _, list := range []string{"HIGH", "high:!aNULL", "ECDHE-RSA-AES128-GCM-SHA256:!MD5", "DEFAULT@SECLEVEL=1", "@STRENGTH", "ECDHE+AESGCM"} {
		if _, err := ParseCiphers(list); err == nil || !strings.Contains(err.Error(), "word of OpenSSL") && !strings.Contains(err.Error(), "unknown cipher") {
			t.Errorf("%s: %v", list, err)
		}
	}
	if _, err := ParseCiphers("HIGH:!aNULL"); err == nil || !strings.Contains(err.Error(), "HIGH is a word of OpenSSL's lists") {
		t.Error(err)
	}
}
