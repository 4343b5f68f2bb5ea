package transport

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/proxy"
)

// ParseProxy parses socks5://, socks5h://, http:// or https://[user:password@]host[:port]. socks://
// is socks5h://. The default scheme is http; the default ports are 1080, 80 and 443. With socks5
// host names are resolved locally, with the other schemes by the proxy.
func ParseProxy(s string) (*url.URL, error) {
	if !strings.Contains(s, "://") {
		s = "http://" + s
	}
	u, err := url.Parse(s)
	if err != nil {
		// The error of url.Parse quotes parts of s, which may belong to the password.
		return nil, fmt.Errorf("proxy %q is not a URL", Redact(s))
	}
	if u.Scheme == "socks" { // as desktops write it into ALL_PROXY
		u.Scheme = "socks5h"
	}
	return u, checkProxy(u)
}

func checkProxy(u *url.URL) error {
	switch u.Scheme {
	case "socks5", "socks5h", "http", "https":
	default:
		return fmt.Errorf("proxy %s: unknown scheme; expected socks5, socks5h, http or https", u.Redacted())
	}
	if u.Hostname() == "" {
		return fmt.Errorf("proxy %s: the host is missing", u.Redacted())
	}
	if p := u.Port(); p != "" && checkPort(p) != nil {
		return fmt.Errorf("proxy %s: the port must be a number from 1 to 65535", u.Redacted())
	}
	return nil
}

// proxyAddr returns host:port of a proxy.
func proxyAddr(u *url.URL) string {
	port := u.Port()
	if port == "" {
		switch u.Scheme {
		case "http":
			port = "80"
		case "https":
			port = "443"
		default:
			port = "1080"
		}
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// dialProxy connects to addr through the proxy. With socks5 it tries each address of a host name,
// each on its own connection.
func (d *dialer) dialProxy(ctx context.Context, addr string) (net.Conn, error) {
	if d.Proxy.Scheme != "socks5" {
		return d.askProxy(ctx, addr)
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, d.fail(ctx, Prepare, addr, err)
	}
	stop := timed(&d.tr.Resolve)
	addrs, err := d.lookupHost(ctx, host)
	stop()
	if err != nil {
		return nil, d.fail(ctx, Resolve, host, err)
	}
	return tryEach(ctx, addrs, func(ctx context.Context, a string) (net.Conn, error) {
		return d.askProxy(ctx, net.JoinHostPort(a, port))
	})
}

// askProxy connects to the proxy and asks it to connect to target.
func (d *dialer) askProxy(ctx context.Context, target string) (net.Conn, error) {
	addr := proxyAddr(d.Proxy)
	c, err := d.tcp(ctx, addr)
	if err != nil {
		var e *Error
		if errors.As(err, &e) {
			err = e.Err
		}
		return nil, d.fail(ctx, Proxy, addr, err)
	}
	defer timed(&d.tr.Proxy)()
	if d.Proxy.Scheme == "https" {
		tc, err := d.proxyTLS(ctx, c)
		if err != nil {
			c.Close()
			return nil, d.fail(ctx, Secure, addr, err)
		}
		c = tc
	}
	if strings.HasPrefix(d.Proxy.Scheme, "http") {
		release := guard(ctx, c)
		err = connectHTTP(c, target, d.Proxy.User)
		release()
	} else {
		err = connectSOCKS(ctx, c, addr, target, d.Proxy.User)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		c.Close()
		return nil, d.fail(ctx, Proxy, addr, err)
	}
	return c, nil
}

// proxyTLS does the TLS handshake with an https proxy.
func (d *dialer) proxyTLS(ctx context.Context, c net.Conn) (net.Conn, error) {
	conf := d.ProxyTLS
	if conf == nil {
		conf = new(TLS)
	}
	cfg, err := conf.Config()
	if err != nil {
		return nil, err
	}
	if cfg.ServerName == "" {
		cfg = cfg.Clone()
		cfg.ServerName = d.Proxy.Hostname()
	}
	tc := tls.Client(c, cfg)
	return tc, conf.explainCertificate(tc.HandshakeContext(ctx))
}

// connectSOCKS asks the SOCKS5 proxy on c to connect to addr. It does not use the library's own
// connection type, which would hide the socket.
func connectSOCKS(ctx context.Context, c net.Conn, proxyAddr, addr string, user *url.Userinfo) error {
	var auth *proxy.Auth
	if user != nil {
		auth = &proxy.Auth{User: user.Username()}
		auth.Password, _ = user.Password()
	}
	d, err := proxy.SOCKS5("tcp", proxyAddr, auth, nil)
	if err != nil {
		return err
	}
	s, ok := d.(interface {
		DialWithConn(ctx context.Context, c net.Conn, network, address string) (net.Addr, error)
	})
	if !ok {
		return errors.New("the SOCKS library cannot use an open connection")
	}
	recorded := &socksConn{Conn: c}
	_, err = s.DialWithConn(ctx, recorded, "tcp", addr)
	var op *net.OpError
	switch {
	case !errors.As(err, &op) || op.Err == nil:
		return err
	case recorded.refused():
		return &socksReply{strings.TrimPrefix(op.Err.Error(), "unknown error ")}
	}
	return op.Err
}

// socksConn keeps the beginning of what a SOCKS5 proxy sends. The library has no error type for the
// reply of the proxy.
type socksConn struct {
	net.Conn
	head [6]byte
	n    int
}

// Read reads from the proxy.
func (c *socksConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.n < len(c.head) {
		c.n += copy(c.head[c.n:], b[:n])
	}
	return n, err
}

// refused reports whether the proxy's reply is an error (RFC 1928, section 6). The reply follows
// the choice of a method and, for method 2, the result of the authentication: two bytes each.
func (c *socksConn) refused() bool {
	reply := 2
	if c.n > 1 && c.head[1] == 2 {
		reply = 4
	}
	return c.n > reply+1 && c.head[reply+1] != 0
}

// socksReply is a refusal by a SOCKS proxy.
type socksReply struct{ text string }

// Error has the text of RFC 1928.
func (s *socksReply) Error() string { return "it answered: " + s.text }

// proxyStatus is a refusal by an HTTP proxy.
type proxyStatus struct {
	code   int
	status string // code and text
}

// Error has the status.
func (s *proxyStatus) Error() string { return "it answered " + s.status }

// connectHTTP asks the HTTP proxy on c to connect to addr.
func connectHTTP(c net.Conn, addr string, user *url.Userinfo) error {
	req := "CONNECT " + addr + " HTTP/1.1\r\nHost: " + addr + "\r\n"
	if user != nil {
		password, _ := user.Password()
		req += "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)) + "\r\n"
	}
	if _, err := io.WriteString(c, req+"\r\n"); err != nil {
		return err
	}
	for {
		head, err := readHead(c)
		if err != nil {
			return err
		}
		line, _, _ := strings.Cut(string(head), "\r\n")
		version, status, _ := strings.Cut(line, " ")
		if !strings.HasPrefix(version, "HTTP/1.") || len(status) < 3 {
			return &foreign{want: "HTTP", got: DetectProtocol(head)}
		}
		code, err := strconv.Atoi(status[:3])
		if err != nil {
			return &foreign{want: "HTTP", got: DetectProtocol(head)}
		}
		switch {
		case code >= 200 && code < 300:
			return nil
		case code >= 200: // 1xx: the final answer follows
			return &proxyStatus{code, strings.TrimSpace(status)}
		}
	}
}

// readHead reads the head of an HTTP response. It reads byte by byte, because the bytes after the
// head belong to the server.
func readHead(c net.Conn) ([]byte, error) {
	head := make([]byte, 0, 256)
	for len(head) < maxHead {
		head = append(head, 0)
		if _, err := io.ReadFull(c, head[len(head)-1:]); err != nil {
			return nil, err
		}
		if len(head) == 5 && string(head) != "HTTP/" {
			return nil, &foreign{want: "HTTP", got: DetectProtocol(head)}
		}
		if n := len(head); n > 3 && string(head[n-4:]) == "\r\n\r\n" {
			return head, nil
		}
	}
	return nil, errors.New("the head of its answer is too long")
}
