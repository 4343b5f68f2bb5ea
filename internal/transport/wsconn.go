package transport

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"
)

// closeWait bounds how long Close waits to write a Close frame.
const closeWait = time.Second

// frameBuffer is the size of the buffers in which frames are assembled, in bytes.
const frameBuffer = 1 << 16

var frameBuffers = sync.Pool{New: func() any { return new([frameBuffer]byte) }}

// wsConn is a WebSocket as a stream of bytes. Each Write sends one binary frame [MQTT-6.0.0-1]; the
// boundaries of received frames have no meaning [MQTT-6.0.0-2]. Reads and writes use the underlying
// connection in the caller's goroutine, so its deadlines apply, and an idle connection has no
// buffer. Frames are decoded in the caller's buffer.
type wsConn struct {
	net.Conn // TCP, TLS or a Unix socket
	client   bool

	rmu              sync.Mutex
	pendingHandshake *serverHandshake // nil after the handshake, and at a client
	in               frameIn
	pending          []byte // received with the handshake, and not decoded yet
	rerr             error  // why reading has ended

	wmu       sync.Mutex
	werr      error // a frame was sent in part, so nothing can follow it
	closeSent bool

	pmu     sync.Mutex
	pong    []byte // payload of the answer to the last ping
	pongDue bool   // pong was not sent yet
	ponging bool   // a goroutine sends it

	open      atomic.Bool // the handshake is done
	closeOnce sync.Once
	closeErr  error
}

// NetConn returns the underlying connection.
func (c *wsConn) NetConn() net.Conn { return c.Conn }

// CloseError is a Close frame with a status. For a normal end it is io.EOF too.
type CloseError struct {
	Code   uint16 // RFC 6455, section 7.4
	Reason string
}

// Is reports whether e is an ordinary end of the stream.
func (e *CloseError) Is(target error) bool {
	return target == io.EOF && (e.Code == uint16(ws.StatusNormalClosure) || e.Code == uint16(ws.StatusGoingAway))
}

// Error has the status and the reason.
func (e *CloseError) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("the peer closed the WebSocket with status %d", e.Code)
	}
	return fmt.Sprintf("the peer closed the WebSocket with status %d: %q", e.Code, e.Reason)
}

// errText reports a text frame, which MQTT does not use [MQTT-6.0.0-1].
var errText = errors.New("the peer sent a WebSocket frame that is not binary")

// Read reads the payload of binary frames. After a Close frame it returns io.EOF if the status is a
// normal one and has no reason, or else a *CloseError.
func (c *wsConn) Read(p []byte) (int, error) {
	c.rmu.Lock()
	defer c.rmu.Unlock()
	if err := c.handshake(); err != nil {
		return 0, err
	}
	if len(p) == 0 {
		return 0, nil
	}
	for {
		if c.rerr != nil {
			return 0, c.rerr
		}
		var (
			raw int
			err error
		)
		if len(c.pending) > 0 {
			raw = copy(p, c.pending)
			if c.pending = c.pending[raw:]; len(c.pending) == 0 {
				c.pending = nil
			}
		} else {
			raw, err = c.Conn.Read(p)
		}
		n := c.decode(p[:raw])
		if n > 0 {
			return n, nil // the next Read returns err again
		}
		if err != nil && c.rerr == nil {
			return 0, err
		}
	}
}

// decode decodes the frames in b, which were received from the peer. It moves their payload to the
// front of b and returns its length. It handles control frames, and sets rerr if reading has ended.
func (c *wsConn) decode(b []byte) (n int) {
	all := b
	for len(b) > 0 && c.rerr == nil {
		part, used, ev := c.in.next(b)
		switch ev {
		case framePayload:
			n += copy(all[n:], part) // part is at all[n:] or after it
		case framePing:
			c.answer(part)
		case frameClose:
			c.rerr = closeFrameError(part)
		case frameText:
			c.rerr = errText
			c.shut(ws.StatusUnsupportedData)
		case frameBad:
			c.rerr = c.in.err
			c.shut(ws.StatusProtocolError)
		}
		b = b[used:]
	}
	return n
}

// closeFrameError returns the error that ends reading after a Close frame with payload p.
func closeFrameError(p []byte) error {
	code, reason := ws.ParseCloseFrameData(p)
	switch code {
	case ws.StatusNoStatusRcvd, 0:
		return io.EOF
	case ws.StatusNormalClosure, ws.StatusGoingAway:
		if reason == "" {
			return io.EOF
		}
	}
	return &CloseError{Code: uint16(code), Reason: reason}
}

// Write sends p as one binary frame. If a frame was sent in part, for example because of a
// deadline, nothing more can be sent.
func (c *wsConn) Write(p []byte) (int, error) {
	if !c.open.Load() {
		c.rmu.Lock()
		err := c.handshake()
		c.rmu.Unlock()
		if err != nil {
			return 0, err
		}
	}
	c.wmu.Lock()
	defer c.wmu.Unlock()
	if c.closeSent {
		return 0, net.ErrClosed
	}
	if len(p) == 0 {
		return 0, c.werr
	}
	return c.frame(ws.OpBinary, p)
}

// frame writes one frame and returns the number of bytes of p that were written. wmu is held.
func (c *wsConn) frame(op ws.OpCode, p []byte) (n int, err error) {
	if c.werr != nil {
		return 0, c.werr
	}
	buf := frameBuffers.Get().(*[frameBuffer]byte)
	defer frameBuffers.Put(buf)
	var mask [4]byte
	if c.client {
		mask = ws.NewMask() // a client masks, a server does not: RFC 6455, section 5.1
	}
	head := appendHeader(buf[:0], op, len(p), c.client, mask)
	started := false
	for {
		rest := p[n:]
		var m int
		if started && !c.client {
			m, err = c.Conn.Write(rest) // the rest needs no copy
			n += m
		} else {
			take := copy(buf[len(head):], rest)
			if c.client {
				ws.Cipher(buf[len(head):len(head)+take], mask, n)
			}
			m, err = c.Conn.Write(buf[:len(head)+take])
			n += max(m-len(head), 0)
		}
		if err != nil {
			if started || m > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
				c.werr = err
			}
			return n, err
		}
		if n == len(p) {
			return n, nil
		}
		head, started = buf[:0], true
	}
}

// answer starts to send p as a pong. If another ping arrives before the pong is sent, only the last
// one is answered, as RFC 6455, section 5.5.3 allows.
func (c *wsConn) answer(p []byte) {
	c.pmu.Lock()
	defer c.pmu.Unlock()
	c.pong, c.pongDue = append(c.pong[:0], p...), true
	if !c.ponging {
		c.ponging = true
		go c.sendPongs() // ends after the write, which Close interrupts; a reader must not wait for a writer
	}
}

func (c *wsConn) sendPongs() {
	var p [ws.MaxControlFramePayloadSize]byte
	for {
		c.wmu.Lock()
		c.pmu.Lock()
		if !c.pongDue {
			c.ponging = false
			c.pmu.Unlock()
			c.wmu.Unlock()
			return
		}
		n := copy(p[:], c.pong)
		c.pongDue = false
		c.pmu.Unlock()
		if !c.closeSent {
			c.frame(ws.OpPong, p[:n]) // the next Write returns an error
		}
		c.wmu.Unlock()
	}
}

// ConnectionState returns the state of the underlying TLS connection, or the zero value. The first
// Read does the handshake of a listener's connection.
func (c *wsConn) ConnectionState() tls.ConnectionState {
	if t, ok := c.Conn.(*tls.Conn); ok {
		return t.ConnectionState()
	}
	return tls.ConnectionState{}
}

// CloseWrite ends sending with a Close frame. When the peer has read everything, it answers with a
// Close frame, and Read returns io.EOF.
func (c *wsConn) CloseWrite() error {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	if c.closeSent || !c.open.Load() {
		return net.ErrClosed
	}
	return c.sendClose(ws.StatusNormalClosure)
}

func (c *wsConn) sendClose(code ws.StatusCode) error {
	c.closeSent = true
	_, err := c.frame(ws.OpClose, ws.NewCloseFrameBody(code, ""))
	return err
}

// Close sends a Close frame, for which it waits at most a second, and closes the underlying
// connection. What was written before is still sent.
func (c *wsConn) Close() error { return c.shut(ws.StatusNormalClosure) }

func (c *wsConn) shut(code ws.StatusCode) error {
	c.closeOnce.Do(func() {
		if c.open.Load() && c.wmu.TryLock() { // a blocked writer is ended by the Close below
			if !c.closeSent {
				c.Conn.SetWriteDeadline(time.Now().Add(closeWait))
				c.sendClose(code)
			}
			c.wmu.Unlock()
		}
		c.closeErr = c.Conn.Close()
	})
	return c.closeErr
}
