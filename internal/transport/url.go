package transport

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Scheme is the scheme of a URL.
type Scheme string

// The schemes. ParseURL also accepts tcp for mqtt, and ssl and tls for mqtts.
const (
	MQTT  Scheme = "mqtt"
	MQTTS Scheme = "mqtts"
	WS    Scheme = "ws"
	WSS   Scheme = "wss"
	Unix  Scheme = "unix"
)

// DefaultPath is the WebSocket endpoint if none is given.
const DefaultPath = "/mqtt"

// Port returns the default port, or "" for unix.
func (s Scheme) Port() string {
	switch s {
	case MQTT:
		return "1883"
	case MQTTS:
		return "8883"
	case WS:
		return "80"
	case WSS:
		return "443"
	}
	return ""
}

// TLS reports whether the scheme uses TLS.
func (s Scheme) TLS() bool { return s == MQTTS || s == WSS }

// WebSocket reports whether the scheme uses WebSocket.
func (s Scheme) WebSocket() bool { return s == WS || s == WSS }

// URL is the URL of a server or a listener.
type URL struct {
	Scheme         Scheme
	User, Password string // decoded
	HasPassword    bool   // the URL has a password, which may be empty
	Host           string // without brackets; an IPv6 zone follows %
	Port           string // the default port if the URL has none; "" for unix

	// Path is the decoded path with its first slash: a topic (see Topic), or the file name of a
	// Unix socket. For ws and wss it is the endpoint with its query, not decoded, as it is sent to
	// the server.
	Path string
}

// ParseURL parses scheme://[user[:password]@]host[:port][/path]. User, password and path may be
// percent-encoded. The last @ before the path ends the password. IPv6 addresses are in brackets. In
// a topic, # and ? are ordinary characters.
func ParseURL(s string) (URL, error) {
	u, err := parseURL(s)
	if err != nil {
		return URL{}, fmt.Errorf("url %q: %w", Redact(s), err)
	}
	return u, nil
}

func parseURL(s string) (u URL, err error) {
	name, rest, ok := strings.Cut(s, ":")
	if !ok || !isScheme(name) {
		return u, errors.New("the scheme is missing, as in mqtt://host")
	}
	if u.Scheme, err = parseScheme(name); err != nil {
		return u, err
	}
	if u.Scheme == Unix && !strings.HasPrefix(rest, "//") {
		rest = "//" + rest // unix:/path
	}
	rest, ok = strings.CutPrefix(rest, "//")
	if !ok {
		return u, fmt.Errorf("the scheme is missing, as in %s://host", MQTT) // localhost:1883
	}
	authority, path := rest, ""
	if i := pathStart(u.Scheme, rest); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	if i := strings.LastIndexByte(authority, '@'); i > 0 || i == 0 && u.Scheme != Unix {
		if err := u.parseUser(authority[:i]); err != nil {
			return u, err
		}
		authority = authority[i+1:]
	}
	if u.Scheme == Unix {
		if u.Path, err = unescape("path", authority+path); err == nil && u.Path == "" {
			err = errors.New("the path of a socket is missing, as in unix:///run/mqtt.sock")
		}
		return u, err
	}
	if err := u.parseHost(authority); err != nil {
		return u, err
	}
	if u.Scheme.WebSocket() {
		u.Path = path
		return u, checkPath(path)
	}
	u.Path, err = unescape("path", path)
	return u, err
}

// pathStart returns where the authority of a URL ends and its path or query begins, -1 for neither.
// For ws and wss a query may follow the host. A ? can also belong to a password, which a later @
// ends: then no host or host:port precedes it.
func pathStart(scheme Scheme, s string) int {
	slash := strings.IndexByte(s, '/')
	query := strings.IndexByte(s, '?')
	if !scheme.WebSocket() || query < 0 || slash >= 0 && slash < query {
		return slash
	}
	user := s
	if slash >= 0 {
		user = s[:slash]
	}
	host := s[strings.LastIndexByte(s[:query], '@')+1 : query]
	colon := strings.LastIndexByte(host, ':')
	at := strings.LastIndexByte(user, '@')
	if at < query || colon < 0 || strings.HasSuffix(host, "]") || checkPort(host[colon+1:]) == nil {
		return query
	}
	if query = strings.IndexByte(user[at:], '?'); query >= 0 {
		return at + query
	}
	return slash
}

func isScheme(s string) bool {
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return s != ""
}

func parseScheme(s string) (Scheme, error) {
	switch s := strings.ToLower(s); s {
	case "mqtt", "mqtts", "ws", "wss", "unix":
		return Scheme(s), nil
	case "tcp":
		return MQTT, nil
	case "ssl", "tls":
		return MQTTS, nil
	}
	return "", fmt.Errorf("unknown scheme %q; expected mqtt, mqtts, ws, wss or unix", s)
}

func (u *URL) parseUser(s string) (err error) {
	user, password, ok := strings.Cut(s, ":")
	if u.User, err = unescape("user", user); err != nil {
		return err
	}
	u.HasPassword = ok
	u.Password, err = unescape("password", password)
	return err
}

// parseHost parses host, host:port, [v6] and [v6]:port.
func (u *URL) parseHost(s string) error {
	u.Port = u.Scheme.Port()
	host, port, ok := s, "", false
	if strings.HasPrefix(s, "[") {
		var after string
		if host, after, ok = strings.Cut(s[1:], "]"); !ok {
			return errors.New("] is missing after the IPv6 address")
		}
		if port, ok = strings.CutPrefix(after, ":"); !ok && after != "" {
			return fmt.Errorf("unexpected %q after the IPv6 address", after)
		}
		host = strings.Replace(host, "%25", "%", 1) // the zone, as it is encoded in a URL
		if a, err := netip.ParseAddr(host); err != nil || !a.Is6() {
			return fmt.Errorf("%q is not an IPv6 address", host)
		}
	} else if host, port, ok = strings.Cut(s, ":"); strings.Contains(port, ":") {
		return errors.New("an IPv6 address must be in brackets, as in mqtt://[::1]:1883")
	}
	if name, query, ok := strings.Cut(host, "?"); ok && !u.Scheme.WebSocket() && !strings.ContainsAny(name, "#%\\ \t\r\n\"<>[]") {
		return fmt.Errorf("a query (%s) is only for ws and wss; in a user or password, write ? as %%3F", "?"+mask(query))
	}
	if strings.ContainsAny(host, "?#%\\ \t\r\n\"<>[]") && !strings.HasPrefix(s, "[") {
		return fmt.Errorf("host name %q: in a user or password, write / as %%2F, # as %%23, ? as %%3F and @ as %%40", Redact(host))
	}
	if u.Host = host; !ok || port == "" {
		return nil
	}
	if err := checkPort(port); err != nil {
		return fmt.Errorf("%w (in a password, write / as %%2F)", err)
	}
	u.Port = port
	return nil
}

func checkPort(port string) error {
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return errors.New("the port must be a number from 0 to 65535")
	}
	return nil
}

// checkPath returns an error if path has a character that is not allowed in the request line of the
// WebSocket handshake.
func checkPath(path string) error {
	for i, c := range path {
		if c > ' ' && c != '#' && c < 0x7F {
			continue
		}
		_, n := utf8.DecodeRuneInString(path[i:])
		encoded := ""
		for _, b := range []byte(path[i : i+n]) {
			encoded += fmt.Sprintf("%%%02X", b)
		}
		return fmt.Errorf("write the character %q in a WebSocket path as %s", path[i:i+n], encoded)
	}
	return nil
}

// mask returns three asterisks for a text that may be secret, "" for none.
func mask(s string) string {
	if s == "" {
		return ""
	}
	return "***"
}

func unescape(what, s string) (string, error) {
	t, err := url.PathUnescape(s)
	if err != nil {
		return "", fmt.Errorf("%s: %% must be followed by two hexadecimal digits; write %% itself as %%25", what)
	}
	return t, nil
}

// Topic returns the path without its first slash.
func (u URL) Topic() string { return strings.TrimPrefix(u.Path, "/") }

// Addr returns host:port, or the file name of a Unix socket.
func (u URL) Addr() string {
	if u.Scheme == Unix {
		return u.Path
	}
	return net.JoinHostPort(u.Host, u.Port)
}

// String returns the URL with its password masked.
func (u URL) String() string {
	var b strings.Builder
	b.WriteString(string(u.Scheme) + "://")
	if u.User != "" || u.HasPassword {
		b.WriteString(url.PathEscape(u.User))
		if u.HasPassword {
			b.WriteString(":***")
		}
		b.WriteByte('@')
	}
	if u.Scheme == Unix {
		return b.String() + escapePath(u.Path)
	}
	host := u.Host
	if strings.Contains(host, ":") {
		host = "[" + strings.Replace(host, "%", "%25", 1) + "]"
	}
	b.WriteString(host)
	if u.Port != "" {
		b.WriteString(":" + u.Port)
	}
	if u.Scheme.WebSocket() {
		return b.String() + u.Path
	}
	return b.String() + escapePath(u.Path)
}

func escapePath(p string) string { return (&url.URL{Path: p}).EscapedPath() }

// GoString returns the URL with its password masked, for %#v.
func (u URL) GoString() string { return "transport.URL(" + strconv.Quote(u.String()) + ")" }

// Redact returns s with everything masked that may be secret, if s is meant to be a URL: the
// password, which ends with the last @; an invalid port, which may be the password of a URL whose
// host is missing; and the query.
func Redact(s string) string {
	start := 0
	if i := strings.Index(s, "//"); i >= 0 {
		start = i + 2
	}
	end := strings.LastIndexByte(s, '@')
	if end < start {
		end = len(s)
		if i := strings.IndexAny(s[start:], "/?"); i >= 0 {
			end = start + i
		}
	}
	_, notV6 := netip.ParseAddr(s[start:end])
	if user, password, ok := strings.Cut(s[start:end], ":"); ok && password != "" && notV6 != nil && !strings.HasPrefix(user, "[") &&
		(end < len(s) && s[end] == '@' || checkPort(password) != nil) {
		s = s[:start] + user + ":***" + s[end:]
	}
	if at, query, ok := strings.Cut(s, "?"); ok && query != "" {
		s = at + "?***"
	}
	return s
}

// Target returns the Target of the URL.
func (u URL) Target() *Target {
	t := &Target{Host: u.Host, Port: u.Port}
	if u.Scheme == Unix {
		t.Socket = u.Path
	}
	if u.Scheme.TLS() {
		t.TLS = &TLS{}
	}
	if u.Scheme.WebSocket() {
		t.WebSocket = &WebSocket{Path: u.Path}
	}
	return t
}

// Endpoint returns the Endpoint of the URL.
func (u URL) Endpoint() *Endpoint {
	e := &Endpoint{Host: u.Host, Port: u.Port}
	if u.Scheme == Unix {
		e.Socket = u.Path
	}
	if u.Scheme.TLS() {
		e.TLS = &TLS{}
	}
	if u.Scheme.WebSocket() {
		e.WebSocket = &WebSocket{Path: u.Path}
	}
	return e
}
