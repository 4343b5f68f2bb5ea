package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"os"

	"github.com/gobwas/ws"
)

// Hint says which flag or step may help against err, in one line, or returns "". err may be a
// *Error, or an error of a later read: with TLS 1.3 the first read reports that the server refused
// the client's certificate.
func Hint(err error) string {
	if alert, ok := remoteAlert(err); ok {
		return alertHint(alert)
	}
	var e *Error
	if !errors.As(err, &e) {
		return ""
	}
	switch e.Phase {
	case Prepare:
		if errors.Is(err, errNoPassphrase) || errors.Is(err, errPassphrase) {
			return "--keypass-file FILE has the passphrase of the key"
		}
	case Resolve:
		if isMulticastName(e.Addr) {
			return "names in .local come from multicast DNS: check that the device is on and avahi-daemon runs, or give an IP address"
		}
		return "check the host name, or give an IP address"
	case Connect:
		host, _, _ := net.SplitHostPort(e.Addr)
		if addr, bad := netip.ParseAddr(host); bad == nil && addr.IsLinkLocalUnicast() && addr.Is6() && addr.Zone() == "" {
			return "a link-local address needs its interface: " + host + "%INTERFACE, such as " + host + "%eth0"
		}
		return connectHint(err)
	case Proxy:
		return proxyHint(err)
	case Secure:
		return tlsHint(err)
	case Upgrade:
		return upgradeHint(err)
	case Listening:
		return listenHint(err)
	}
	return ""
}

func listenHint(err error) string {
	if op := (*net.OpError)(nil); errors.As(err, &op) && op.Net == "unix" {
		switch {
		case inUse(err):
			return "another program listens there, or the path is a file of another kind: choose another path"
		case errors.Is(err, os.ErrPermission), errors.Is(err, os.ErrNotExist):
			return "check that the folder of the socket exists and is writable"
		}
		return ""
	}
	switch {
	case inUse(err):
		return "another program listens there: choose another port, or 0 for a free one"
	case errors.Is(err, os.ErrPermission):
		return "this user may not listen there: choose a port from 1024 up"
	case notLocal(err):
		return "the address does not belong to this machine"
	}
	return ""
}

func connectHint(err error) string {
	switch {
	case errors.Is(err, context.Canceled):
		return ""
	case connectionRefused(err):
		return "no server listens there: check host and port"
	case errors.Is(err, os.ErrNotExist):
		return "no such socket: check its path"
	case errors.Is(err, os.ErrPermission):
		return "this user may not open the socket"
	case notLocal(err):
		return "--bind needs an address of this machine; with many connections, all local ports may be in use"
	case tooManyFiles(err):
		return "too many open files: raise ulimit -n"
	}
	return "check host and port; a firewall may block the connection, or a proxy may be required (--proxy)"
}

func proxyHint(err error) string {
	var s *proxyStatus
	switch {
	case errors.As(err, &s) && s.code == 407:
		return "the proxy requires a user and password: --proxy http://user:password@host:port"
	case errors.As(err, &s):
		return "the proxy does not allow this host and port"
	case errors.As(err, new(*socksReply)):
		return "the proxy did not reach the server: check host and port, or use --proxy none"
	case errors.Is(err, context.Canceled):
		return ""
	}
	return "check --proxy or ALL_PROXY; --proxy none connects without a proxy"
}

func upgradeHint(err error) string {
	var (
		s *upgradeStatus
		f *foreign
		p *otherProtocol
	)
	switch {
	case errors.Is(err, ws.ErrHandshakeBadProtocol):
		return "the server speaks HTTP/1.0, which has no WebSocket: check host and port"
	case errors.As(err, &p) && p.chosen != "":
		return "--ws-protocol " + p.chosen + " offers it"
	case errors.As(err, &s):
		switch {
		case s.code == 401 || s.code == 403:
			return "the server requires authorization: --ws-header 'Authorization: …' sends it"
		case s.code >= 300 && s.code < 400:
			return "the server redirects to another address: check scheme, host and --ws-path"
		}
		return "check the endpoint: --ws-path sets it"
	case errors.As(err, &f), errors.Is(err, errHungUp), IsReset(err):
		return "the port may speak MQTT without WebSocket, or TLS: try mqtt:// or wss://"
	}
	return ""
}

func tlsHint(err error) string {
	var (
		fault  *certFault
		record tls.RecordHeaderError
		old    *oldVersion
	)
	switch {
	case errors.As(err, &fault):
		return fault.hint
	case errors.As(err, &record):
		if DetectProtocol(record.RecordHeader[:]) == "HTTP" {
			return "the port speaks HTTP without TLS: try ws://, or the port for TLS (8883, 443)"
		}
		return "the port does not speak TLS: try without, or the port for TLS (8883)"
	case errors.Is(err, errHungUp), IsReset(err):
		return "the port may not speak TLS, or the server requires a client certificate (--cert, --key)"
	case errors.As(err, &old):
		return "--tls-version tlsv1 allows versions older than TLS 1.2"
	}
	return ""
}
