package connect

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/config"
	"mqtt/internal/proto"
	"mqtt/internal/transport"
)

// ServerFlags say which server to connect to, and how.
type ServerFlags struct {
	Host, Port, URL, Unix string
	ws                    bool
	wsPath, wsProtocol    string
	wsHeader              []string
	Proxy, Bind           string
	srv                   bool
}

// register adds the flags to fs.
func (f *ServerFlags) register(fs *pflag.FlagSet) {
	fs.StringVarP(&f.Host, "host", "h", "localhost", "connect to `HOST`")
	fs.StringVarP(&f.Port, "port", "p", "", "connect to `PORT` (default: 1883, or 8883 with TLS)")
	fs.StringVarP(&f.URL, "url", "L", "", "connect to `URL`: mqtts://user@host:port, ws, wss, unix …")
	fs.StringVar(&f.Unix, "unix", "", "connect to the unix socket `PATH`")
	fs.BoolVar(&f.ws, "ws", false, "use MQTT over WebSocket")
	fs.StringVar(&f.wsPath, "ws-path", "", "use the WebSocket endpoint `PATH` (default: /mqtt)")
	fs.StringVar(&f.wsProtocol, "ws-protocol", "", "offer the WebSocket subprotocol `NAME` (default: mqtt)")
	cli.ListVar(fs, &f.wsHeader, "ws-header", "", "add `NAME: VALUE` to the WebSocket request (repeatable)")
	fs.StringVar(&f.Proxy, "proxy", "", "connect through the proxy `URL`: socks5h, socks5 or http")
	fs.StringVarP(&f.Bind, "bind", "A", "", "connect from the local `ADDRESS`")
	fs.BoolVarP(&f.srv, "srv", "S", false, "find servers by the SRV records of the host")
}

// target returns the checked target of the flags, and the URL if one was given.
func (f *ServerFlags) target(ctx context.Context, e *cli.Env, fs *pflag.FlagSet, secure *tlsFlags) (*transport.Target, *transport.URL, error) {
	t, u, err := f.makeTarget(e, fs)
	if err != nil {
		return nil, nil, err
	}
	// In mosquitto's clients --no-tls prevails over the flags for certificates.
	if secure.off && (t.TLS != nil || secure.wanted() && !e.Mosquitto()) {
		return nil, nil, cli.BadFlag("--no-tls", " with TLS", "leave out --no-tls, or the flags and the scheme for TLS")
	}
	if t.TLS != nil || !secure.off && (secure.wanted() || t.Socket == "" && t.Port == "8883" && t.WebSocket == nil) {
		if t.TLS, err = secure.config(); err != nil {
			return nil, nil, err
		}
	}
	check := func() (any, error) { return nil, cli.FirstError(secure.readPassphrase(t.TLS), t.Check()) }
	if t.TLS == nil {
		_, err = check()
	} else { // certificates may come from a FIFO, whose writer may be slow
		_, err = cli.Interruptible(ctx, e, check)
	}
	if err != nil {
		return nil, nil, f.withFlag(fs, err)
	}
	if t.TLS != nil {
		if note := t.TLS.Note(); note != "" {
			e.Warn("%s", note)
		}
	}
	return t, u, nil
}

// Dial opens a byte stream to t for a connection of version v. The phases of the dial are recorded in
// trace unless it is nil.
func Dial(ctx context.Context, t *transport.Target, v proto.Version, trace *transport.Trace) (net.Conn, error) {
	if t.WebSocket != nil && v == proto.V31 && t.WebSocket.Subprotocol == "" { // the subprotocol that is customary for 3.1
		old, ws := *t, *t.WebSocket
		ws.Subprotocol = "mqttv3.1"
		old.WebSocket = &ws
		t = &old
	}
	return transport.Dial(ctx, t, trace)
}

// makeTarget returns the target of URL and flags. A flag takes precedence over that part of the URL.
func (f *ServerFlags) makeTarget(e *cli.Env, fs *pflag.FlagSet) (*transport.Target, *transport.URL, error) {
	host, err := ReadHost(f.Host)
	if err != nil {
		return nil, nil, err
	}
	t := &transport.Target{Host: host, Port: f.Port, Bind: f.Bind, SRV: f.srv}
	var u *transport.URL
	if f.URL != "" {
		if fs.Changed("unix") {
			return nil, nil, cli.Conflict("-L", "--unix")
		}
		parsed, err := transport.ParseURL(f.URL)
		if err != nil {
			return nil, nil, cli.BadFlag("-L", ": "+err.Error(), URLForm)
		}
		u = &parsed
		t = u.Target()
		if t.WebSocket != nil && e.Mosquitto() {
			t.WebSocket.Path = "" // it is the topic
		}
		t.Bind, t.SRV = f.Bind, f.srv
		if fs.Changed("host") {
			t.Host = host
		}
		if fs.Changed("port") {
			t.Port = f.Port
		}
	}
	if f.Unix != "" {
		t.Socket = f.Unix
	}
	if t.Socket != "" {
		if fs.Changed("host") || fs.Changed("port") && f.Port != "0" { // mosquitto's clients say -p 0 for none
			return nil, nil, cli.ConflictHint("a socket has a path alone", socketFlag(u), "-h", "-p")
		}
		t.Host, t.Port = "", ""
	}
	if err := f.webSocket(t); err != nil {
		return nil, nil, err
	}
	if t.Socket == "" {
		t.Proxy, err = f.proxyURL(e, t)
	}
	return t, u, err
}

// socketFlag returns the flag that holds the path of a socket: the URL, if there is one.
func socketFlag(u *transport.URL) string {
	if u != nil {
		return "-L unix://"
	}
	return "--unix"
}

// webSocket applies the flags of WebSocket to t.
func (f *ServerFlags) webSocket(t *transport.Target) error {
	if (f.ws || f.wsPath != "" || f.wsProtocol != "" || len(f.wsHeader) > 0) && t.WebSocket == nil {
		if t.Socket != "" {
			return cli.BadFlag("--ws", " with a unix socket", "give one of them")
		}
		t.WebSocket = &transport.WebSocket{}
	}
	if t.WebSocket == nil {
		return nil
	}
	if f.wsPath != "" {
		t.WebSocket.Path = f.wsPath
	}
	t.WebSocket.Subprotocol = f.wsProtocol
	for _, h := range f.wsHeader {
		name, value, ok := strings.Cut(h, ":")
		if !ok {
			return cli.BadValue("--ws-header", config.Masked("ws-header", h), "expected NAME: VALUE")
		}
		if t.WebSocket.Header == nil {
			t.WebSocket.Header = http.Header{}
		}
		t.WebSocket.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return nil
}

const (
	URLForm   = "expected {mqtt|mqtts|ws|wss|unix}://[user[:password]@]host[:port][/path]"
	ProxyForm = "expected socks5h://[user:password@]host:port or http://…"
)

// proxyURL returns the proxy of --proxy, else of ALL_PROXY, nil for none.
func (f *ServerFlags) proxyURL(e *cli.Env, t *transport.Target) (*url.URL, error) {
	if f.Proxy == "none" {
		return nil, nil
	}
	if f.Proxy != "" {
		p, err := transport.ParseProxy(f.Proxy)
		if err != nil {
			return nil, cli.BadFlag("--proxy", ": "+err.Error(), ProxyForm)
		}
		return p, nil
	}
	if e.Mosquitto() {
		return nil, nil
	}
	p, err := transport.ProxyFromEnvironment(e.Getenv, t.Addr())
	if err != nil {
		return nil, cli.Usage("ALL_PROXY: "+err.Error(), "unset it, or give --proxy none")
	}
	return p, nil
}

// topicOf returns the topic in the path of an mqtt or mqtts URL. In mosquitto's clients ws and wss URLs
// have a topic, too, and not an endpoint.
func topicOf(u *transport.URL, mosquitto bool) string {
	if u.Scheme == transport.MQTT || u.Scheme == transport.MQTTS || mosquitto && u.Scheme.WebSocket() {
		return u.Topic()
	}
	return ""
}
