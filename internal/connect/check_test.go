package connect

import (
	"bytes"
	"net"
	"os"
	"strings"
	"testing"

	"mqtt/internal/cli/clitest"
	"mqtt/internal/transport"
)

// Secrets in clear are warned of, but not on the way to this machine, whatever it is called.
func TestWarnPlain(t *testing.T) {
	own, err := os.Hostname()
	if err != nil {
		t.Skip(err)
	}
	hosts := map[string]bool{"broker.example": true, own + ".example": true, "192.0.2.1": true, "2001:db8::1": true, "localhost": false, "127.0.0.9": false,
		own: false, strings.ToUpper(own): false}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			hosts[n.IP.String()] = false
		}
	}
	for host, warns := range hosts {
		var out, errs bytes.Buffer
		warn(clitest.Env(&out, &errs), &transport.Target{Host: host}, false, []string{"user name", "password"})
		if got := strings.Contains(errs.String(), "warning: user name and password go to "); got != warns {
			t.Errorf("%s: %q", host, &errs)
		}
	}
	for _, target := range []*transport.Target{{Host: "broker.example", TLS: &transport.TLS{}}, {Socket: "/s"}} {
		var out, errs bytes.Buffer
		warn(clitest.Env(&out, &errs), target, false, []string{"user name"})
		if errs.Len() > 0 {
			t.Errorf("%s: %q", target.Addr(), &errs)
		}
	}
}
