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

// closeWait bounds the writing of a Close frame by Close.
const closeWait = time.Second

// frameBuffer is the size of the buffers in which frames are put together, in bytes.
const frameBuffer = 1 << 16

var frameBuffers = sync.Pool{New: func() any { return new([frameBuffer]byte) }}

// wsConn is a WebSocket as a stream of bytes. Bytes go in binary frames only
// [MQTT-6.0.0-1], one for each Write; on the way in, borders of frames mean nothing
// [MQTT-6.0.0-2]. Reads and writes happen in the caller's goroutine on the connection
// below, so its deadlines are the deadlines here, and an idle connection holds no
// buffer. Frames are decoded inside the caller's buffer.
type wsConn struct {
	net.Conn // below: TCP, TLS or a Unix socket
	client   bool

	rmu     sync.Mutex
	greet   *greeting // the handshake yet to be done, nil at a client
	in      frameIn
	pending []byte // came with the handshake
	rerr    error  // why there is nothing more to read

	wmu       sync.Mutex
	werr      error // a frame was cut short: nothing can follow it
	closeSent bool

	pmu     sync.Mutex
	pong    []byte // the answer to the last ping
	pongDue bool   // it was not sent
	ponging bool   // a goroutine is at it

	open      atomic.Bool // the handshake is done
	closeOnce sync.Once
	closeErr  error
}

// NetConn returns the connection below.
func (c *wsConn) NetConn() net.Conn { return c.Conn }

// CloseError is a Close frame that says more than that the peer is done.
type CloseError struct {
	Code   uint16 // RFC 6455, section 7.4
	Reason string
}

func (e *CloseError) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("the peer closed the WebSocket with status %d", e.Code)
	}
	return fmt.Sprintf("the peer closed the WebSocket with status %d: %q", e.Code, e.Reason)
}

// errText is the frame that MQTT does not know [MQTT-6.0.0-1].
var errText = errors.New("the peer sent a WebSocket frame that is not binary")

// Read reads what binary frames carry. io.EOF is the peer's orderly end.
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
			return n, nil // err, if any, comes again
		}
		if err != nil && c.rerr == nil {
			return 0, err
		}
	}
}

// decode takes the frames out of b, which came from the peer, moves their payload to
// its front and returns its length. Control frames are dealt with. rerr is set where
// reading ends.
func (c *wsConn) decode(b []byte) (n int) {
	all := b
	for len(b) > 0 && c.rerr == nil {
		part, used, ev := c.in.next(b)
		switch ev {
		case framePayload:
			n += copy(all[n:], part) // part lies there or further on
		case framePing:
			c.answer(part)
		case frameClose:
			c.rerr = closed(part)
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

// closed makes the end of reading of a Close frame's payload.
func closed(p []byte) error {
	code, reason := ws.ParseCloseFrameData(p)
	switch code {
	case ws.StatusNormalClosure, ws.StatusGoingAway, ws.StatusNoStatusRcvd, 0:
		return io.EOF
	}
	return &CloseError{Code: uint16(code), Reason: reason}
}

// Write sends p as one binary frame. After a write that failed halfway, as by a
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

// frame writes one frame; wmu is held. n counts bytes of p.
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
			m, err = c.Conn.Write(rest) // what did not fit needs no copy
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

// answer has p sent as a pong. A ping that came before its answer was sent is
// answered by the later pong alone, as RFC 6455, section 5.5.3 allows.
func (c *wsConn) answer(p []byte) {
	c.pmu.Lock()
	defer c.pmu.Unlock()
	c.pong, c.pongDue = append(c.pong[:0], p...), true
	if !c.ponging {
		c.ponging = true
		go c.sendPongs() // ends with the write, which Close breaks; a reader must not wait for a writer
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
			c.frame(ws.OpPong, p[:n]) // an error shows at the next Write
		}
		c.wmu.Unlock()
	}
}

// ConnectionState is that of the TLS below, the zero value where there is none. A
// listener's handshake is done with the first read.
func (c *wsConn) ConnectionState() tls.ConnectionState {
	if t, ok := c.Conn.(*tls.Conn); ok {
		return t.ConnectionState()
	}
	return tls.ConnectionState{}
}

// CloseWrite sends a Close frame: nothing more follows, and the peer, when it has read
// everything, answers in kind, which Read returns as io.EOF.
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

// Close sends a Close frame if it can be sent within a second, and closes the connection
// below. What was written before is on its way.
func (c *wsConn) Close() error { return c.shut(ws.StatusNormalClosure) }

func (c *wsConn) shut(code ws.StatusCode) error {
	c.closeOnce.Do(func() {
		if c.open.Load() && c.wmu.TryLock() { // a writer that is stuck is broken by the close below
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
