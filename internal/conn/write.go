package conn

import (
	"context"
	"errors"
	"io"
	"iter"
	"os"
	"syscall"
	"time"

	"mqtt/internal/proto"
	"mqtt/internal/transport"
)

const (
	flushSize       = 128 << 10 // the queue is written when it has this many bytes
	writeMax        = 256 << 10 // bytes of one write, so that a stuck write differs from a slow one
	maxKeptQueue    = 1 << 20   // capacity in bytes up to which the queue is reused
	minWriteTimeout = 10 * time.Second
	slowWrite       = 100 * time.Millisecond // a write that takes longer has waited for the server
	graceTime       = 200 * time.Millisecond // for the last packets of a connection that ends
)

// flush writes the queue. If a write fails, it ends the connection. If ctx ends before a write,
// flush returns ctx's error and the connection continues.
func (c *Conn) flush(ctx context.Context) error {
	if len(c.out) == 0 {
		return nil
	}
	for c.written < len(c.out) {
		if err := ctx.Err(); err != nil {
			c.dropWritten()
			return err
		}
		// Most writes find room in the socket's buffer. They need no deadline and no watch over
		// ctx.
		n, err := c.src.write(c.out[c.written:])
		if err != nil {
			return c.writeFailed(err)
		}
		if n == 0 {
			if n, err = c.writeBlocking(ctx); err != nil {
				return err
			}
		}
		c.written += n
	}
	c.clock.sent = time.Now()
	c.gathered, c.partial, c.written = false, false, 0
	if cap(c.out) > maxKeptQueue {
		c.out = nil
	}
	c.out = c.out[:0]
	return nil
}

// writeBlocking writes up to writeMax bytes of the queue and waits until the stream has taken them.
// It gives up when the server takes nothing for one and a half times the keep alive. A slow server, or
// a slow path, takes as long as it takes.
func (c *Conn) writeBlocking(ctx context.Context) (n int, err error) {
	c.watch(ctx)
	var limit time.Duration
	if k := c.clock.keepAlive; k > 0 {
		limit = max(k+k/2, minWriteTimeout)
	}
	c.nc.SetWriteDeadline(time.Time{})
	if err := ctx.Err(); err != nil {
		c.dropWritten()
		return 0, err
	}
	if c.relief == nil {
		c.relief = newRelief(c) // only now, because few connections need it
	}
	b := c.out[c.written:]
	began, stalled := time.Now(), false
	c.relief.start()
	if limit > 0 {
		watch := newStall(&c.src.source, limit)
		n, err = c.nc.Write(b[:min(len(b), writeMax)])
		stalled = watch.stop()
	} else {
		n, err = c.nc.Write(b[:min(len(b), writeMax)])
	}
	c.relief.stop()
	if err == nil {
		if time.Since(began) >= slowWrite { // the server takes bytes, and a PINGREQ may follow them
			c.clock.excuse()
		}
		return n, nil
	}
	c.written += n
	if ctxErr := ctx.Err(); ctxErr != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		return 0, c.fail(ctxErr)
	}
	if stalled {
		if n > 0 && c.src.socket == nil { // the only progress that is seen without a socket
			return 0, nil
		}
		err = &stalledError{limit}
	}
	return 0, c.writeFailed(err)
}

// dropWritten removes the packets from the queue that were written completely.
func (c *Conn) dropWritten() {
	whole := 0
	for _, n := range packets(c.out) {
		if whole+n > c.written {
			break
		}
		whole += n
	}
	c.out = c.out[:copy(c.out, c.out[whole:])]
	c.written -= whole
	c.partial = c.partial && whole == 0
}

// packets yields the packets in b and their sizes in bytes.
func packets(b []byte) iter.Seq2[proto.Frame, int] {
	return func(yield func(proto.Frame, int) bool) {
		for {
			f, n, err := proto.Split(b, 0)
			if n == 0 || err != nil || !yield(f, n) {
				return
			}
			b = b[n:]
		}
	}
}

// writeFailed ends the connection after a failed write. It reads the server's last packets first:
// a DISCONNECT or a TLS alert often gives the reason.
func (c *Conn) writeFailed(cause error) error {
	c.src.poll(false, time.Time{})
	limit := time.Now().Add(graceTime)
	for {
		f, ok, err := c.r.Buffered()
		if err != nil {
			break
		}
		if !ok {
			c.src.invalidate()
			c.nc.SetReadDeadline(limit)
			err := c.r.Fill()
			if err == nil || errors.Is(err, os.ErrDeadlineExceeded) && time.Now().Before(limit) {
				continue // Wake may have ended the read
			}
			if transport.AlertText(err) != "" {
				return c.streamFailed("read", err)
			}
			break
		}
		if f.Type() == proto.DISCONNECT && c.v >= proto.V5 {
			c.traceReceived(f)
			_, err := c.handle(f)
			return err
		}
	}
	return c.streamFailed("write", cause)
}

// streamFailed ends the connection after a failed read or write.
func (c *Conn) streamFailed(op string, err error) error {
	var no syscall.Errno
	var unanswered proto.Type
	var closed *transport.CloseError
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || transport.IsReset(err) || errors.As(err, &closed) {
		unanswered = c.unanswered()
	}
	switch {
	case errors.Is(err, io.EOF):
		err = errors.New("the server closed the connection")
	case errors.As(err, &no):
		err = no // without the addresses and the system call
	}
	return c.fail(&Broken{Op: op, Err: err, Unanswered: unanswered})
}

// unanswered returns SUBSCRIBE or PUBLISH if the server has answered none of these packets on this
// connection, and owes it.
func (c *Conn) unanswered() proto.Type {
	switch {
	case c.subscribing > 0:
		return proto.SUBSCRIBE
	case !c.productive && c.Pending() > 0:
		return proto.PUBLISH
	}
	return 0
}

// protocolError ends the connection after a packet that violates the protocol, 3.1.1
// [MQTT-4.8.0-1]. The queue is still written, because its acknowledgements keep the server from
// sending messages again that the owner has. In version 5 the server is told the reason
// [MQTT-3.14.2-1].
//
// If the owner has yet to confirm messages that came before that packet, the connection ends with the
// next call of Next: these messages are then written and acknowledged, or neither.
func (c *Conn) protocolError(err error) error {
	if c.unsettled() {
		c.violation = err
		return err
	}
	reason := proto.ProtocolError
	var e *proto.Error
	if errors.As(err, &e) {
		reason = e.Reason
	}
	if c.v >= proto.V5 {
		c.queue(&proto.Disconnect{Reason: clientReason(reason)})
	}
	c.writeLast()
	return c.fail(&Violation{Err: err})
}

// writeLast writes the queue before the connection is closed, within graceTime.
func (c *Conn) writeLast() {
	b := c.out[c.written:]
	if len(b) == 0 {
		return
	}
	c.nc.SetWriteDeadline(time.Now().Add(graceTime))
	n, err := c.nc.Write(b)
	if c.written += n; err == nil {
		transport.Linger(c.nc, graceTime, 0)
	}
}

// clientReason returns r if a client may send it in DISCONNECT, or else ProtocolError.
func clientReason(r proto.Reason) proto.Reason {
	switch r {
	case proto.MalformedPacket, proto.TopicNameInvalid, proto.ReceiveMaximumExceeded, proto.TopicAliasInvalid,
		proto.PacketTooLarge, proto.PayloadFormatInvalid, proto.UnspecifiedError, proto.ImplementationSpecificError:
		return r
	}
	return proto.ProtocolError
}
