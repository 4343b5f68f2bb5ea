package transport

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
)

// Target describes a server and how to connect to it. The zero value is TCP to localhost. Dial does
// not change a Target, and several goroutines may use it.
type Target struct {
	Host   string // name or address; "" means localhost
	Port   string // "" means the default port of the scheme
	Socket string // file name of a Unix socket, instead of host and port
	Bind   string // local address to connect from; "" means any
	SRV    bool   // look up _mqtt._tcp or _secure-mqtt._tcp of Host, and try the servers found

	Proxy    *url.URL // as ParseProxy returns it; nil means none
	ProxyTLS *TLS     // for an https proxy; nil means the zero TLS

	TLS       *TLS       // nil means none
	WebSocket *WebSocket // nil means none

	Resolver *net.Resolver // nil means net.DefaultResolver
}

// WebSocket describes a WebSocket handshake.
type WebSocket struct {
	Path        string      // endpoint with query; "" means DefaultPath for a Target, and any path for an Endpoint
	Subprotocol string      // to offer; "" means mqtt; mqttv3.1 is usual for MQTT 3.1
	Header      http.Header // additional header fields; Host replaces the host of the Target
}

// Scheme returns the scheme of the target's URL.
func (t *Target) Scheme() Scheme { return scheme(t.Socket, t.TLS, t.WebSocket) }

func scheme(socket string, tls *TLS, ws *WebSocket) Scheme {
	switch {
	case socket != "":
		return Unix
	case ws != nil && tls != nil:
		return WSS
	case ws != nil:
		return WS
	case tls != nil:
		return MQTTS
	}
	return MQTT
}

func (t *Target) host() string {
	if t.Host == "" {
		return "localhost"
	}
	return t.Host
}

func (t *Target) port() string {
	if t.Port == "" {
		return t.Scheme().Port()
	}
	return t.Port
}

// Addr returns host:port, or the file name of a Unix socket.
func (t *Target) Addr() string {
	if t.Socket != "" {
		return t.Socket
	}
	return net.JoinHostPort(t.host(), t.port())
}

// Local reports whether the target is on this machine: a Unix socket, localhost or a loopback
// address, without a proxy. It does not resolve names.
func (t *Target) Local() bool {
	return t.Socket != "" || t.Proxy == nil && !t.SRV && isLoopback(t.host())
}

func isLoopback(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}

// Check checks the target without connecting, and reads the files of its TLS. An error is a *Error
// with phase Prepare.
func (t *Target) Check() error {
	if err := t.check(); err != nil {
		return &Error{Phase: Prepare, Addr: t.Addr(), Err: err}
	}
	return nil
}

func (t *Target) check() error {
	if t.Socket != "" {
		switch {
		case t.Proxy != nil:
			return errors.New("a Unix socket cannot be reached through a proxy")
		case t.SRV:
			return errors.New("a Unix socket has no SRV record")
		case t.Bind != "":
			return errors.New("a Unix socket has no local address to bind")
		case len(t.Socket) > LongestSocket:
			return fieldError("Socket", fmt.Errorf("%s: the path has %d bytes, more than the maximum of %d", t.Socket, len(t.Socket), LongestSocket))
		}
	} else if t.port() == "0" || checkPort(t.port()) != nil {
		return fieldError("Port", fmt.Errorf("port %q: expected a number from 1 to 65535", t.port()))
	}
	if t.Bind != "" {
		if _, err := netip.ParseAddr(t.Bind); err != nil {
			return fieldError("Bind", fmt.Errorf("bind %q: expected an IP address of this machine", t.Bind))
		}
	}
	if t.Proxy != nil {
		if err := checkProxy(t.Proxy); err != nil {
			return fieldError("Proxy", err)
		}
		if t.ProxyTLS != nil {
			if _, err := t.ProxyTLS.Config(); err != nil {
				return err
			}
		}
	}
	if t.WebSocket != nil {
		if err := t.WebSocket.check(); err != nil {
			return err
		}
	}
	if t.TLS != nil {
		if _, err := t.TLS.Config(); err != nil {
			return err
		}
	}
	return nil
}

// LongestSocket is the largest length of the path of a Unix socket, in bytes without the final NUL.
const LongestSocket = len(syscall.RawSockaddrUnix{}.Path) - 1

func (w *WebSocket) path() string {
	switch {
	case w.Path == "" || w.Path[0] == '?':
		return DefaultPath + w.Path
	case w.Path[0] != '/':
		return "/" + w.Path
	}
	return w.Path
}

func (w *WebSocket) subprotocol() string {
	if w.Subprotocol == "" {
		return "mqtt"
	}
	return w.Subprotocol
}

func (w *WebSocket) check() error {
	if err := checkPath(w.Path); err != nil {
		return fieldError("Path", err)
	}
	if !isToken(w.subprotocol()) {
		return fieldError("Subprotocol", fmt.Errorf("subprotocol %q is not an HTTP token", w.Subprotocol))
	}
	for name, values := range w.Header {
		if !isToken(name) {
			return fieldError("Header", fmt.Errorf("header name %q: expected letters, digits and dashes", name))
		}
		switch http.CanonicalHeaderKey(name) {
		case "Upgrade", "Connection", "Sec-Websocket-Key", "Sec-Websocket-Version", "Sec-Websocket-Protocol", "Sec-Websocket-Extensions":
			return fieldError("Header", fmt.Errorf("header %s is set by the WebSocket handshake", name))
		}
		for _, v := range values {
			if strings.ContainsAny(v, "\r\n\x00") {
				return fieldError("Header", fmt.Errorf("header %s: its value contains a line break", name))
			}
		}
	}
	return nil
}

// isToken reports whether s is an HTTP token.
func isToken(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c <= ' ' || c >= 0x7F || strings.IndexByte(`()<>@,;:\"/[]?={}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}
