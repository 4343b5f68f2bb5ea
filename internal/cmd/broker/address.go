package broker

import (
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/transport"
)

// defaultURL returns the URL of --host and --port. A broker for a command takes a free port if --port is not
// given.
func (f *flags) defaultURL(fs *pflag.FlagSet, private bool) (string, error) {
	scheme, port := "mqtt://", f.port
	if f.tls.selfSigned != "" {
		scheme = "mqtts://"
	}
	given := fs.Changed("port")
	switch {
	case given:
	case private:
		port = "0"
	case f.tls.selfSigned != "":
		port = transport.MQTTS.Port()
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", cli.BadValue(cli.TypedFlag(fs.Lookup("port")), port, "expected a port from 0 to 65535")
	}
	host := strings.Trim(f.host, "[]")
	if strings.ContainsAny(host, "/?#@ ") || strings.Contains(host, ":") && net.ParseIP(strings.SplitN(host, "%", 2)[0]) == nil {
		return "", cli.BadValue(cli.TypedFlag(fs.Lookup("host")), f.host, "expected a host name or an IP address")
	}
	return scheme + net.JoinHostPort(host, port), nil
}

// checkDistinct rejects two endpoints that cannot listen both.
func checkDistinct(endpoints []*transport.Endpoint, urls []string) error {
	for i, a := range endpoints {
		for j, b := range endpoints[:i] {
			if !sameAddress(a, b) {
				continue
			}
			if urls[i] == urls[j] {
				return cli.BadFlag("--listen", " "+urls[i]+" is named twice", "leave out one of them")
			}
			return cli.BadFlag("--listen", " "+urls[i]+": the same address as "+urls[j]+" is named twice", "leave out one of them, or choose another port")
		}
	}
	return nil
}

// sameAddress reports whether a and b cannot listen both: an unspecified address includes all others.
func sameAddress(a, b *transport.Endpoint) bool {
	if a.Socket != "" || b.Socket != "" {
		return a.Socket == b.Socket
	}
	_, port, _ := net.SplitHostPort(b.Addr())
	return overlaps(a, b.Host, port)
}

// overlaps reports whether nothing else can listen at host and port while end does.
func overlaps(end *transport.Endpoint, host, port string) bool {
	if end.Socket != "" || port == "0" {
		return false
	}
	if _, p, _ := net.SplitHostPort(end.Addr()); p != port {
		return false
	}
	x, y := addressOf(end.Host), addressOf(host)
	return x == y || x == "" || y == ""
}

// addressOf returns a host in a form that can be compared: "" for an unspecified address.
func addressOf(host string) string {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" {
		host = "127.0.0.1" // what a listener takes
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case err != nil:
		return host
	case ip.IsUnspecified():
		return ""
	}
	return ip.Unmap().String()
}
