package main

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/config"
	"mqtt/internal/conn"
	"mqtt/internal/proto"
	"mqtt/internal/transport"
)

// serverFlags say where to connect to, and by which way.
type serverFlags struct {
	host, port, url, unix string
	ws                    bool
	wsPath                string
	wsHeader              []string
	proxy, bind           string
	srv                   bool

	target *transport.Target
}

func (f *serverFlags) register(fs *pflag.FlagSet) {
	fs.StringVarP(&f.host, "host", "h", "localhost", "connect to `HOST`")
	fs.StringVarP(&f.port, "port", "p", "", "connect to `PORT`; 1883, 8883 with TLS, 80 and 443 for ws and wss")
	fs.StringVarP(&f.url, "url", "L", "", "connect to `URL`: {mqtt|mqtts|ws|wss|unix}://[user[:password]@]host[:port][/path]")
	fs.StringVar(&f.unix, "unix", "", "connect to the unix socket `PATH`")
	fs.BoolVar(&f.ws, "ws", false, "speak MQTT over WebSocket")
	fs.StringVar(&f.wsPath, "ws-path", "", "ask for the WebSocket endpoint `PATH`, /mqtt if not given")
	cli.ListVar(fs, &f.wsHeader, "ws-header", "", "send the header `NAME: VALUE` with the WebSocket upgrade, many")
	fs.StringVar(&f.proxy, "proxy", "", "go through `URL`: socks5h://… (names resolved there), socks5://… or http://…")
	fs.StringVarP(&f.bind, "bind", "A", "", "connect from the local `ADDRESS`")
	fs.BoolVarP(&f.srv, "srv", "S", false, "look up SRV records of the host for servers")
}

// dialer puts a way to the server into cfg, and returns the URL if one was given.
func (f *serverFlags) dialer(ctx context.Context, e *cli.Env, fs *pflag.FlagSet, secure *tlsFlags, cfg *conn.Config) (*transport.URL, error) {
	t, u, err := f.aim(e, fs)
	if err != nil {
		return nil, err
	}
	if t.TLS != nil || secure.wanted() || t.Socket == "" && t.Port == "8883" && t.WebSocket == nil {
		if t.TLS, err = secure.config(); err != nil {
			return nil, err
		}
	}
	check := func() (any, error) { return nil, cli.FirstError(secure.readPassphrase(t.TLS), t.Check()) }
	if t.TLS == nil {
		_, err = check()
	} else { // certificates may come by a FIFO, whose writer takes its time
		_, err = cli.Interruptible(ctx, e, check)
	}
	if err != nil {
		return nil, f.faulty(fs, err)
	}
	f.target = t
	cfg.Dial = func(ctx context.Context, v proto.Version) (net.Conn, error) {
		at := t
		if t.WebSocket != nil && v == proto.V31 {
			at = cloneFor31(t)
		}
		return transport.Dial(ctx, at, nil)
	}
	return u, nil
}

// cloneFor31 offers the subprotocol that is customary for 3.1.
func cloneFor31(t *transport.Target) *transport.Target {
	old := *t
	ws := *t.WebSocket
	ws.Subprotocol = "mqttv3.1"
	old.WebSocket = &ws
	return &old
}

// aim makes a target of URL and flags. A flag wins over the same part of the URL.
func (f *serverFlags) aim(e *cli.Env, fs *pflag.FlagSet) (*transport.Target, *transport.URL, error) {
	host, err := readHost(f.host)
	if err != nil {
		return nil, nil, err
	}
	t := &transport.Target{Host: host, Port: f.port, Bind: f.bind, SRV: f.srv}
	var u *transport.URL
	if f.url != "" {
		if fs.Changed("unix") {
			return nil, nil, cli.Conflict("-L", "--unix")
		}
		parsed, err := transport.ParseURL(f.url)
		if err != nil {
			return nil, nil, cli.BadFlag("-L", ": "+err.Error(), urlForm)
		}
		u = &parsed
		t = u.Target()
		t.Bind, t.SRV = f.bind, f.srv
		if fs.Changed("host") {
			t.Host = host
		}
		if fs.Changed("port") {
			t.Port = f.port
		}
	}
	if f.unix != "" {
		t.Socket = f.unix
	}
	if t.Socket != "" {
		if fs.Changed("host") || fs.Changed("port") && f.port != "0" { // mosquitto's way to say that there is none
			return nil, nil, cli.ConflictHint("a socket has a path alone", socketFlag(u), "-h", "-p")
		}
		t.Host, t.Port = "", ""
	}
	if err := f.webSocket(t); err != nil {
		return nil, nil, err
	}
	if t.Socket == "" {
		t.Proxy, err = f.way(e, t)
	}
	return t, u, err
}

// socketFlag is where the path of a socket stands: in the URL, if there is one.
func socketFlag(u *transport.URL) string {
	if u != nil {
		return "-L unix://"
	}
	return "--unix"
}

// webSocket puts the flags of WebSocket into t.
func (f *serverFlags) webSocket(t *transport.Target) error {
	if (f.ws || f.wsPath != "" || len(f.wsHeader) > 0) && t.WebSocket == nil {
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
	urlForm   = "expected {mqtt|mqtts|ws|wss|unix}://[user[:password]@]host[:port][/path]"
	proxyForm = "expected socks5h://[user:password@]host:port or http://…"
)

// way is the proxy of --proxy, else of ALL_PROXY.
func (f *serverFlags) way(e *cli.Env, t *transport.Target) (*url.URL, error) {
	if f.proxy == "none" {
		return nil, nil
	}
	if f.proxy != "" {
		p, err := transport.ParseProxy(f.proxy)
		if err != nil {
			return nil, cli.BadFlag("--proxy", ": "+err.Error(), proxyForm)
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

// topicOf is the topic in the path of an mqtt or mqtts URL.
func topicOf(u *transport.URL) string {
	if u.Scheme == transport.MQTT || u.Scheme == transport.MQTTS {
		return u.Topic()
	}
	return ""
}
