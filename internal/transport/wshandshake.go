package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/gobwas/ws"
)

// maxHead bounds the head of an HTTP request or response, in bytes.
const maxHead = 16 << 10

// upgradeStatus is a refusal by a WebSocket server: its status and words.
type upgradeStatus string

func (s upgradeStatus) Error() string { return "the server answered " + string(s) }

// upgrade does the client's handshake on c.
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

// openWebSocket asks the server at the end of c for an upgrade. The subprotocol mqtt is
// offered [MQTT-6.0.0-3]; a server that chooses none is taken as it is.
func openWebSocket(c net.Conn, t *Target) (w *wsConn, protocol string, err error) {
	var status upgradeStatus
	header := t.WebSocket.Header.Clone()
	hd := ws.Dialer{
		Protocols: []string{t.WebSocket.subprotocol()},
		Host:      header.Get("Host"),
		OnStatusError: func(code int, reason []byte, _ io.Reader) {
			status = upgradeStatus(strings.TrimSpace(strconv.Itoa(code) + " " + string(reason)))
		},
	}
	header.Del("Host")
	hd.Header = ws.HandshakeHeaderHTTP(header)
	// An opaque URL goes out as it is written.
	u := &url.URL{Scheme: "ws", Host: hostHeader(t), Opaque: t.WebSocket.path()}
	r := &response{Conn: c}
	_, hs, err := hd.Upgrade(r, u)
	switch {
	case status != "":
		return nil, "", status
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

// hostHeader names the server as a browser would: without a port that is customary.
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

// response is a connection on which only the head of the response is read.
type response struct {
	net.Conn
	head head
	got  *bytes.Reader
	rest []byte // of what came, what is not the head's
}

func (r *response) Read(p []byte) (int, error) {
	if r.got == nil {
		if err := r.head.fill(r.Conn); err != nil {
			return 0, err
		}
		var text []byte
		text, r.rest = r.head.split()
		r.got = bytes.NewReader(text)
	}
	return r.got.Read(p)
}

// head collects the head of an HTTP message. A fill that timed out can be repeated.
type head struct {
	server bool // it is a request
	b      []byte
	end    int // its length, with the empty line
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

// greeting is the handshake of a listener's connection, done with the first Read.
type greeting struct {
	end  *Endpoint
	head head
}

// handshake answers the client's upgrade; rmu is held. A timeout can be repeated.
func (c *wsConn) handshake() error {
	if c.greet == nil || c.rerr != nil {
		return c.rerr
	}
	err := c.greet.head.fill(c.Conn)
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
	_, c.pending = c.greet.head.split()
	c.greet = nil
	c.open.Store(true)
	return nil
}

// accept judges the request and answers it.
func (c *wsConn) accept() error {
	var (
		offered, chosen bool
		origin          string
	)
	end := c.greet.end
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
			if origin != "" && !end.welcomes(origin, c.LocalAddr()) {
				return nil, refusal(http.StatusForbidden, "origin not allowed")
			}
			return nil, nil
		},
	}
	text, _ := c.greet.head.split()
	_, err := up.Upgrade(struct {
		io.Reader
		io.Writer
	}{bytes.NewReader(text), c.Conn})
	return err
}

func refusal(code int, reason string) error {
	return ws.RejectConnectionError(ws.RejectionStatus(code), ws.RejectionReason(reason))
}

// welcomes tells whether a page of origin may connect. A listener on loopback is often
// open without credentials, so that there only pages of this machine, and those named,
// may: any page in a browser can try.
func (e *Endpoint) welcomes(origin string, local net.Addr) bool {
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
