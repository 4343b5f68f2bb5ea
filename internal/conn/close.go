package conn

import (
	"context"
	"io"
	"net"
	"time"

	"mqtt/internal/proto"
)

// linger bounds how long Close waits for the server to close too.
const linger = 500 * time.Millisecond

// Close writes what is queued, sends p (nil is an ordinary DISCONNECT) and closes the
// stream [MQTT-3.14.4-2]. It waits a moment for the server to close as well: a stream
// that is closed while bytes come in is reset, and a reset can overtake what was
// sent last. The acknowledgement of the last Message is sent too. An error means that
// not all of it was handed over.
func (c *Conn) Close(ctx context.Context, p *proto.Disconnect) error {
	if c.err != nil {
		return c.err
	}
	if p == nil {
		p = &proto.Disconnect{}
	}
	if c.owed.Kind != 0 {
		if err := c.acknowledge(ctx); err != nil {
			return err
		}
	}
	if err := c.queue(p); err != nil {
		p.Props = nil // too large [MQTT-3.14.2-3], [MQTT-3.14.2-4]
		if err := c.queue(p); err != nil {
			return c.end(err)
		}
	}
	if err := c.flush(ctx); err != nil {
		return err
	}
	c.unwatch()
	hangUp(c.nc, linger)
	c.end(ErrClosed)
	return nil
}

// Abort closes the stream without a DISCONNECT.
func (c *Conn) Abort() { c.end(ErrClosed) }

// hangUp closes our half and reads until the server closes its own, for at most d.
func hangUp(nc net.Conn, d time.Duration) {
	half, ok := nc.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	nc.SetReadDeadline(time.Now().Add(d))
	buf := make([]byte, 4<<10)
	for {
		if _, err := nc.Read(buf); err != nil {
			if err != io.EOF {
				return
			}
			return
		}
	}
}
