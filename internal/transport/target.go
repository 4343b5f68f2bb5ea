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

// Target says which server to connect to and how. The zero value is TCP to localhost.
// A Target is not changed by Dial and may serve many at once.
type Target struct {
	Host   string // name or address; "" is localhost
	Port   string // "" is the customary one
	Socket string // file name of a Unix socket, in place of host and port
	Bind   string // local address to connect from, "" for any
	SRV    bool   // look up _mqtt._tcp or _secure-mqtt._tcp of Host and try what it names

	Proxy    *url.URL // socks5, socks5h, http or https, see ParseProxy; nil is none
	ProxyTLS *TLS     // for an https proxy; nil is the system's roots

	TLS       *TLS       // nil is plain
	WebSocket *WebSocket // nil is none

	Resolver *net.Resolver // nil is the system's
}

// WebSocket says how to upgrade to WebSocket.
type WebSocket struct {
	Path        string      // endpoint with query; "" is DefaultPath (when listening, any)
	Subprotocol string      // to be offered; "" is mqtt; for MQTT 3.1 mqttv3.1 is customary
	Header      http.Header // sent along; Host replaces the name of the server
}

// Scheme returns how the target is spoken to.
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

// Addr returns host:port, or the socket's file name.
func (t *Target) Addr() string {
	if t.Socket != "" {
		return t.Socket
	}
	return net.JoinHostPort(t.host(), t.port())
}

// Local tells whether the target is this machine: a Unix socket, localhost or a
// loopback address, and no proxy on the way. Nothing is looked up.
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

// Check reports what is wrong with the target before any connection: a *Error of phase
// Prepare. Files of the TLS configuration are read.
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
			return errors.New("a Unix socket is not reached through a proxy")
		case t.SRV:
			return errors.New("a Unix socket has no SRV record")
		case t.Bind != "":
			return errors.New("a Unix socket has no address to bind")
		case len(t.Socket) > longestSocket:
			return faulty("Socket", fmt.Errorf("%s: %d bytes, and the system takes %d at most", t.Socket, len(t.Socket), longestSocket))
		}
	} else if t.port() == "0" || checkPort(t.port()) != nil {
		return faulty("Port", fmt.Errorf("port %q: a number from 1 to 65535", t.port()))
	}
	if t.Bind != "" {
		if _, err := netip.ParseAddr(t.Bind); err != nil {
			return faulty("Bind", fmt.Errorf("bind %q: an IP address of this machine", t.Bind))
		}
	}
	if t.Proxy != nil {
		if err := checkProxy(t.Proxy); err != nil {
			return faulty("Proxy", err)
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

// longestSocket is how long the path of a Unix socket may be, in bytes, less the NUL behind it.
const longestSocket = len(syscall.RawSockaddrUnix{}.Path) - 1

func (w *WebSocket) path() string {
	switch {
	case w.Path == "":
		return DefaultPath
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
		return faulty("Path", err)
	}
	if !isToken(w.subprotocol()) {
		return fmt.Errorf("subprotocol %q is not a word", w.Subprotocol)
	}
	for name, values := range w.Header {
		if !isToken(name) {
			return faulty("Header", fmt.Errorf("header name %q: letters, digits and dashes", name))
		}
		switch http.CanonicalHeaderKey(name) {
		case "Upgrade", "Connection", "Sec-Websocket-Key", "Sec-Websocket-Version", "Sec-Websocket-Protocol", "Sec-Websocket-Extensions":
			return faulty("Header", fmt.Errorf("header %s belongs to the upgrade itself", name))
		}
		for _, v := range values {
			if strings.ContainsAny(v, "\r\n\x00") {
				return faulty("Header", fmt.Errorf("header %s: a line break in its value", name))
			}
		}
	}
	return nil
}

// isToken tells whether s is what HTTP calls a token.
func isToken(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c <= ' ' || c >= 0x7F || strings.IndexByte(`()<>@,;:\"/[]?={}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}
