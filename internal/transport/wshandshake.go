package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/gobwas/ws"
)

// maxHead is the largest size of the head of an HTTP request or response, in bytes.
const maxHead = 16 << 10

// upgradeStatus is a refusal by a WebSocket server.
type upgradeStatus struct {
	code   int
	status string // code and text
}

// Error has the status.
func (s *upgradeStatus) Error() string { return "the server answered " + s.status }

// upgrade does the client's WebSocket handshake on c.
func (d *dialer) upgrade(ctx context.Context, c net.Conn) (net.Conn, error) {
	defer timed(&d.tr.WebSocket)()
	release := guard(ctx, c)
	w, protocol, err := openWebSocket(c, d.Target)
	release()
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		c.Close()
		return nil, d.fail(ctx, Upgrade, d.Addr(), err)
	}
	d.tr.Subprotocol = protocol
	return w, nil
}

// openWebSocket asks the server on c for an upgrade. It offers the subprotocol mqtt [MQTT-6.0.0-3],
// and accepts a server that chooses none.
func openWebSocket(c net.Conn, t *Target) (w *wsConn, protocol string, err error) {
	var status *upgradeStatus
	header := t.WebSocket.Header.Clone()
	hd := ws.Dialer{
		Protocols: []string{t.WebSocket.subprotocol()},
		Host:      header.Get("Host"),
		OnStatusError: func(code int, reason []byte, _ io.Reader) {
			status = &upgradeStatus{code, strings.TrimSpace(strconv.Itoa(code) + " " + string(reason))}
		},
	}
	header.Del("Host")
	hd.Header = ws.HandshakeHeaderHTTP(header)
	// An opaque URL is sent unchanged, but one that begins with two slashes gets the scheme, which
	// Write removes.
	u := &url.URL{Scheme: "ws", Host: hostHeader(t), Opaque: t.WebSocket.path()}
	r := &response{Conn: c, scheme: strings.HasPrefix(u.Opaque, "//")}
	_, hs, err := hd.Upgrade(r, u)
	switch {
	case status != nil:
		return nil, "", status
	case errors.Is(err, ws.ErrHandshakeBadSubProtocol):
		return nil, "", &otherProtocol{offered: t.WebSocket.subprotocol(), chosen: r.subprotocol}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, "", errHungUp
	case err != nil:
		return nil, "", err
	}
	w = &wsConn{Conn: c, client: true, pending: r.rest}
	w.in.client = true
	w.open.Store(true)
	return w, hs.Protocol, nil
}

// hostHeader returns the Host header as a browser would send it: without a default port.
func hostHeader(t *Target) string {
	host, _, _ := strings.Cut(t.host(), "%")
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if t.Socket != "" || t.TLS == nil && t.port() == WS.Port() || t.TLS != nil && t.port() == WSS.Port() {
		return host
	}
	return host + ":" + t.port()
}

// otherProtocol is a WebSocket server that chose a subprotocol that was not offered.
type otherProtocol struct{ offered, chosen string }

// Error names both.
func (e *otherProtocol) Error() string {
	return fmt.Sprintf("the server chose the subprotocol %q, and %q was offered", e.chosen, e.offered)
}

// response is a connection whose Read ends after the head of the HTTP response.
type response struct {
	net.Conn
	scheme      bool // the request line to be written has a scheme before the path
	head        head
	text        *bytes.Reader // the complete head
	rest        []byte        // bytes that were received after the head
	subprotocol string        // that the server chose
}

// Write writes the request. The first call has the request line.
func (r *response) Write(p []byte) (int, error) {
	const get = "GET "
	rest, ok := bytes.CutPrefix(p, []byte(get+"ws:"))
	if !r.scheme || !ok {
		return r.Conn.Write(p)
	}
	r.scheme = false
	if n, err := r.Conn.Write(append([]byte(get), rest...)); err != nil {
		return n, err
	}
	return len(p), nil
}

func (r *response) Read(p []byte) (int, error) {
	if r.text == nil {
		if err := r.head.fill(r.Conn); err != nil {
			return 0, err
		}
		var head []byte
		head, r.rest = r.head.split()
		r.subprotocol = field(head, "Sec-WebSocket-Protocol")
		r.text = bytes.NewReader(plainConnection(head))
	}
	return r.text.Read(p)
}

// plainConnection returns the head of a response with "Connection: Upgrade" in place of its
// Connection fields if one of them has that token. RFC 6455, section 4.1, allows further tokens and
// fields; the library does not.
func plainConnection(head []byte) []byte {
	const name = "Connection"
	if !slices.ContainsFunc(strings.Split(field(head, name), ","), func(s string) bool { return strings.EqualFold(strings.TrimSpace(s), "upgrade") }) {
		return head
	}
	var b []byte
	for line := range bytes.SplitAfterSeq(head, []byte("\r\n")) {
		if n, _, ok := bytes.Cut(line, []byte(":")); !ok || !strings.EqualFold(string(n), name) {
			b = append(b, line...)
		}
		if len(b) == len(line) { // after the status line
			b = append(b, "Connection: Upgrade\r\n"...)
		}
	}
	return b
}

// field returns the values of a header field of an HTTP message, separated by commas.
func field(head []byte, name string) string {
	var values []string
	for line := range strings.SplitSeq(string(head), "\r\n") {
		if n, v, ok := strings.Cut(line, ":"); ok && strings.EqualFold(n, name) {
			values = append(values, strings.TrimSpace(v))
		}
	}
	return strings.Join(values, ",")
}

// head reads the head of an HTTP message. After a timeout, fill can be called again.
type head struct {
	server bool // the message is a request
	b      []byte
	end    int // length of the head, with the empty line
}

func (h *head) fill(c net.Conn) error {
	for {
		if len(h.b) == cap(h.b) {
			if len(h.b) >= maxHead {
				return errors.New("the head of the handshake is too long")
			}
			h.b = append(make([]byte, 0, max(512, 2*cap(h.b))), h.b...)
		}
		n, err := c.Read(h.b[len(h.b):cap(h.b)])
		from := max(0, len(h.b)-3)
		h.b = h.b[:len(h.b)+n]
		if n > 0 && !h.plausible() {
			return &foreign{want: "WebSocket", got: DetectProtocol(h.b)}
		}
		if i := bytes.Index(h.b[from:], []byte("\r\n\r\n")); i >= 0 {
			h.end = from + i + 4
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// plausible reports whether the bytes so far can begin an HTTP message. A peer that speaks another
// protocol may send nothing more and wait.
func (h *head) plausible() bool {
	if h.server {
		other := DetectProtocol(h.b)
		return h.b[0] >= 'A' && h.b[0] <= 'Z' && other != "PROXY" && other != "SSH"
	}
	const start = "HTTP/"
	n := min(len(start), len(h.b))
	return string(h.b[:n]) == start[:n]
}

func (h *head) split() (text, rest []byte) {
	if rest = h.b[h.end:]; len(rest) == 0 {
		rest = nil
	}
	return h.b[:h.end], rest
}

// serverHandshake is the handshake of a listener's connection, which the first Read does.
type serverHandshake struct {
	end  *Endpoint
	head head
}

// handshake answers the client's upgrade request. rmu is held. After a timeout it can be called
// again.
func (c *wsConn) handshake() error {
	if c.pendingHandshake == nil || c.rerr != nil {
		return c.rerr
	}
	err := c.pendingHandshake.head.fill(c.Conn)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	if err == nil {
		err = c.accept()
	}
	if err != nil {
		c.rerr = &Error{Phase: Upgrade, Addr: c.RemoteAddr().String(), Err: err}
		return c.rerr
	}
	_, c.pending = c.pendingHandshake.head.split()
	c.pendingHandshake = nil
	c.open.Store(true)
	return nil
}

// accept checks the request and answers it.
func (c *wsConn) accept() error {
	var (
		offered, chosen bool
		origin          string
	)
	end := c.pendingHandshake.end
	up := ws.Upgrader{
		Protocol: func(name []byte) bool {
			offered = true
			ok := string(name) == "mqtt" || string(name) == "mqttv3.1"
			chosen = chosen || ok
			return ok
		},
		OnRequest: func(uri []byte) error {
			path, _, _ := strings.Cut(string(uri), "?")
			want, _, _ := strings.Cut(end.WebSocket.Path, "?")
			if want != "" && path != want {
				return refusal(http.StatusNotFound, "no such endpoint")
			}
			return nil
		},
		OnHeader: func(key, value []byte) error {
			if string(key) == "Origin" {
				origin = string(value)
			}
			return nil
		},
		OnBeforeUpgrade: func() (ws.HandshakeHeader, error) {
			if offered && !chosen {
				return nil, refusal(http.StatusBadRequest, "the subprotocol is mqtt") // [MQTT-6.0.0-4]
			}
			if origin != "" && !end.allowsOrigin(origin, c.LocalAddr()) {
				return nil, refusal(http.StatusForbidden, "origin not allowed")
			}
			return nil, nil
		},
	}
	text, _ := c.pendingHandshake.head.split()
	_, err := up.Upgrade(struct {
		io.Reader
		io.Writer
	}{bytes.NewReader(text), c.Conn})
	return err
}

// refusal returns an error that makes the Upgrader refuse the request.
func refusal(code int, reason string) error {
	return ws.RejectConnectionError(ws.RejectionStatus(code), ws.RejectionReason(reason))
}

// allowsOrigin reports whether a web page of that origin may connect. Any page in a browser can try
// to, and a listener on loopback often requires no credentials, so only pages of this machine and
// those in Origins may connect to it.
func (e *Endpoint) allowsOrigin(origin string, local net.Addr) bool {
	for _, o := range e.Origins {
		if o == "*" || strings.EqualFold(o, origin) {
			return true
		}
	}
	tcp, ok := local.(*net.TCPAddr)
	if !ok || !tcp.IP.IsLoopback() {
		return len(e.Origins) == 0
	}
	u, err := url.Parse(origin)
	return err == nil && isLoopback(u.Hostname())
}
