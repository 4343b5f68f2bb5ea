package transport

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
)

// TestCheckRefusesBeforeConnecting checks that Dial refuses an invalid Target before it connects,
// with the error of Check.
func TestCheckRefusesBeforeConnecting(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none.pem")
	tests := []struct {
		target Target
		want   string
	}{
		{Target{Port: "0"}, `port "0"`},
		{Target{Port: "mqtt"}, `port "mqtt"`},
		{Target{Bind: "eth0"}, `bind "eth0"`},
		{Target{Socket: "/s", SRV: true}, "no SRV record"},
		{Target{Socket: "/s", Bind: "127.0.0.1"}, "no local address to bind"},
		{Target{Socket: "/s", Proxy: &url.URL{Scheme: "http", Host: "h"}}, "cannot be reached through a proxy"},
		{Target{Proxy: &url.URL{Scheme: "socks4", Host: "h"}}, "unknown scheme"},
		{Target{Proxy: &url.URL{Scheme: "http"}}, "host is missing"},
		{Target{Proxy: &url.URL{Scheme: "https", Host: "h"}, ProxyTLS: &TLS{CAFile: none}}, "none.pem"},
		{Target{WebSocket: &WebSocket{Path: "/a b"}}, "%20"},
		{Target{WebSocket: &WebSocket{Subprotocol: "a b"}}, "not an HTTP token"},
		{Target{WebSocket: &WebSocket{Header: http.Header{"A B": {"x"}}}}, "header name"},
		{Target{WebSocket: &WebSocket{Header: http.Header{"A": {"x\r\nB: y"}}}}, "line break"},
		{Target{WebSocket: &WebSocket{Header: http.Header{"upgrade": {"x"}}}}, "set by the WebSocket handshake"},
		{Target{TLS: &TLS{CAFile: none}}, "none.pem: no such file"},
	}
	for _, test := range tests {
		err := test.target.Check()
		_, dialed := Dial(context.Background(), &test.target, nil)
		for _, err := range []error{err, dialed} {
			var e *Error
			if !errors.As(err, &e) || e.Phase != Prepare || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q in it", err, test.want)
			}
		}
	}
}

// TestProxyFromEnvironment checks ALL_PROXY and NO_PROXY.
func TestProxyFromEnvironment(t *testing.T) {
	tests := []struct {
		all, no, host string
		want          string
	}{
		{"", "", "example.org", ""},
		{"socks5h://p:1", "", "example.org", "socks5h://p:1"},
		{"socks://p:1/", "", "example.org", "socks5h://p:1/"},
		{"SOCKS://u:pw@p", "", "example.org", "socks5h://u:pw@p"},
		{"p:3128", "", "example.org", "http://p:3128"},
		{"http://p", "", "localhost:1883", ""},
		{"http://p", "", "127.1.2.3", ""},
		{"http://p", "", "::1", ""},
		{"http://p", "*", "example.org", ""},
		{"http://p", "other.org, example.org", "example.org", ""},
		{"http://p", "example.org", "EXAMPLE.org.", ""},
		{"http://p", "example.org", "a.example.org", ""},
		{"http://p", "example.org", "badexample.org", "http://p"},
		{"http://p", ".example.org", "example.org", "http://p"},
		{"http://p", ".example.org", "a.example.org", ""},
		{"http://p", "*.example.org", "a.example.org", ""},
		{"http://p", "example.org:1883", "example.org:1883", ""},
		{"http://p", "example.org:1883", "example.org:8883", "http://p"},
		{"http://p", "10.0.0.0/8", "10.2.3.4", ""},
		{"http://p", "10.0.0.0/8", "11.2.3.4", "http://p"},
		{"http://p", "10.2.3.4", "10.2.3.4:9", ""},
		{"http://p", "10.2.3.4:8", "10.2.3.4:9", "http://p"},
		{"http://p", "fd00::/8", "[fd00::1]:1883", ""},
		{"http://p", "[fd00::1]:1883", "[fd00::1]:1883", ""},
		{"http://p", "2.3.4", "1.2.3.4", "http://p"},
	}
	for _, test := range tests {
		for _, upper := range []bool{false, true} {
			env := map[string]string{"all_proxy": test.all, "no_proxy": test.no}
			if upper {
				env = map[string]string{"ALL_PROXY": test.all, "NO_PROXY": test.no}
			}
			u, err := ProxyFromEnvironment(func(k string) string { return env[k] }, test.host)
			got := ""
			if u != nil {
				got = u.String()
			}
			if err != nil || got != test.want {
				t.Errorf("%+v: %q %v", test, got, err)
			}
		}
	}
	if _, err := ProxyFromEnvironment(func(string) string { return "gopher://p" }, "example.org"); err == nil {
		t.Error("an unknown scheme is taken")
	}
}
