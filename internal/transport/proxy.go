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
	"strings"

	"golang.org/x/net/proxy"
)

// ParseProxy reads socks5://, socks5h://, http:// or https://[user:password@]host[:port];
// without a scheme it is http. The ports are 1080, 80 and 443 by custom. With socks5
// names are looked up here, with the others by the proxy.
func ParseProxy(s string) (*url.URL, error) {
	if !strings.Contains(s, "://") {
		s = "http://" + s
	}
	u, err := url.Parse(s)
	if err != nil {
		// What url.Parse says has pieces of it, which may be the password's.
		return nil, fmt.Errorf("proxy %q is no URL", Redact(s))
	}
	return u, checkProxy(u)
}

func checkProxy(u *url.URL) error {
	switch u.Scheme {
	case "socks5", "socks5h", "http", "https":
	default:
		return fmt.Errorf("proxy %s: unknown scheme: socks5, socks5h, http or https", u.Redacted())
	}
	if u.Hostname() == "" {
		return fmt.Errorf("proxy %s: a host is missing", u.Redacted())
	}
	if p := u.Port(); p != "" && checkPort(p) != nil {
		return fmt.Errorf("proxy %s: a port is a number from 1 to 65535", u.Redacted())
	}
	return nil
}

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

// throughProxy has the proxy connect to place. With socks5 each address of a name is
// tried, each on a connection of its own.
func (d *dialer) throughProxy(ctx context.Context, place string) (net.Conn, error) {
	if d.Proxy.Scheme != "socks5" {
		return d.proxied(ctx, place)
	}
	host, port, err := net.SplitHostPort(place)
	if err != nil {
		return nil, d.fail(ctx, Prepare, place, err)
	}
	stop := timed(&d.tr.Resolve)
	addrs, err := d.resolver().LookupHost(ctx, host)
	stop()
	if err != nil {
		return nil, d.fail(ctx, Resolve, host, err)
	}
	var last error
	for _, a := range addrs {
		c, err := d.proxied(ctx, net.JoinHostPort(a, port))
		if err == nil {
			return c, nil
		}
		if last = err; ctx.Err() != nil {
			break
		}
	}
	return nil, last
}

func (d *dialer) proxied(ctx context.Context, place string) (net.Conn, error) {
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
		err = connectHTTP(c, place, d.Proxy.User)
		release()
	} else {
		err = connectSOCKS(ctx, c, addr, place, d.Proxy.User)
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
	return tc, tc.HandshakeContext(ctx)
}

// connectSOCKS asks the SOCKS5 proxy at the end of c for place. The library's own
// connection type is passed by, since it would hide the socket.
func connectSOCKS(ctx context.Context, c net.Conn, addr, place string, user *url.Userinfo) error {
	var auth *proxy.Auth
	if user != nil {
		auth = &proxy.Auth{User: user.Username()}
		auth.Password, _ = user.Password()
	}
	d, err := proxy.SOCKS5("tcp", addr, auth, nil)
	if err != nil {
		return err
	}
	s, ok := d.(interface {
		DialWithConn(ctx context.Context, c net.Conn, network, address string) (net.Addr, error)
	})
	if !ok {
		return errors.New("the SOCKS library cannot use an open connection")
	}
	_, err = s.DialWithConn(ctx, c, "tcp", place)
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "socks connect" {
		return err
	}
	// The library has no type for what the proxy replies, only these words before it.
	if reply, ok := strings.CutPrefix(op.Err.Error(), "unknown error "); ok {
		return socksReply(reply)
	}
	return op.Err
}

// socksReply is a refusal by a SOCKS proxy, in the words of RFC 1928.
type socksReply string

func (s socksReply) Error() string { return "it answered: " + string(s) }

// proxyStatus is a refusal by an HTTP proxy: its status and words.
type proxyStatus string

func (s proxyStatus) Error() string { return "it answered " + string(s) }

// connectHTTP asks the HTTP proxy at the end of c for place.
func connectHTTP(c net.Conn, place string, user *url.Userinfo) error {
	req := "CONNECT " + place + " HTTP/1.1\r\nHost: " + place + "\r\n"
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
		switch {
		case status[0] == '2':
			return nil
		case status[0] != '1': // 1xx: the answer is yet to come
			return proxyStatus(strings.TrimSpace(status))
		}
	}
}

// readHead reads up to the end of an HTTP response head, byte by byte: what follows
// belongs to who connects through the proxy, and this way no byte of it is taken.
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
	return nil, errors.New("its answer is too long")
}
