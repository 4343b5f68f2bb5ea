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
	enough     = 128 << 10             // queued bytes that are worth a write
	piece      = 256 << 10             // written at once, so that a stuck write is told from a slow one
	keptOut    = 1 << 20               // capacity of the queue that is kept after a large packet
	stuck      = 20 * time.Millisecond // after which a write gets relief
	reliefMax  = 4 << 20               // bytes that relief takes in
	lastWords  = 200 * time.Millisecond
	minPatient = 10 * time.Second
)

// flush writes what is queued. A write that fails is the connection's end; the end
// of ctx is not, as long as no write is under way.
func (c *Conn) flush(ctx context.Context) error {
	if len(c.out) == 0 {
		return nil
	}
	for c.written < len(c.out) {
		if err := ctx.Err(); err != nil {
			c.dropWritten()
			return err
		}
		b := c.out[c.written:]
		// Most writes find room: for them there is nothing to watch and no clock to set.
		m, err := c.src.write(b)
		if err != nil {
			return c.wroteInVain(err)
		}
		if c.written += m; m > 0 {
			continue
		}
		c.watch(ctx)
		var limit time.Time
		if k := c.clock.keepAlive; k > 0 {
			limit = time.Now().Add(max(k+k/2, minPatient))
		}
		c.nc.SetWriteDeadline(limit)
		if err := ctx.Err(); err != nil {
			c.dropWritten()
			return err
		}
		if c.relief == nil {
			c.relief = newRelief(c) // few connections ever need it
		}
		c.relief.arm()
		m, err = c.nc.Write(b[:min(len(b), piece)])
		c.relief.disarm()
		c.written += m
		if err != nil {
			if ctxErr := ctx.Err(); ctxErr != nil && errors.Is(err, os.ErrDeadlineExceeded) {
				return c.end(ctxErr)
			}
			return c.wroteInVain(err)
		}
	}
	c.clock.sent = time.Now()
	c.more, c.begun, c.written = false, false, 0
	if cap(c.out) > keptOut {
		c.out = nil
	}
	c.out = c.out[:0]
	return nil
}

// dropWritten takes the packets off the queue that the stream has whole.
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
	c.begun = c.begun && whole == 0
}

// packets goes through the packets of a queue and their sizes.
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

// wroteInVain reads what the server said last: often the DISCONNECT that tells why
// it took no more, or an alert of TLS.
func (c *Conn) wroteInVain(cause error) error {
	c.src.look(false, time.Time{})
	limit := time.Now().Add(lastWords)
	for {
		f, ok, err := c.r.Buffered()
		if err != nil {
			break
		}
		if !ok {
			c.src.forget()
			c.nc.SetReadDeadline(limit)
			err := c.r.Fill()
			if err == nil || errors.Is(err, os.ErrDeadlineExceeded) && time.Now().Before(limit) {
				continue // a Wake must not cost the reason
			}
			if transport.AlertText(err) != "" {
				return c.broke("read", err)
			}
			break
		}
		if f.Type() == proto.DISCONNECT && c.v >= proto.V5 {
			c.traceReceived(f)
			_, err := c.take(f)
			return err
		}
	}
	return c.broke("write", cause)
}

// broke ends the connection over a failed read or write.
func (c *Conn) broke(op string, err error) error {
	var no syscall.Errno
	switch {
	case errors.Is(err, io.EOF):
		err = errors.New("the server closed the connection")
	case errors.As(err, &no):
		err = no // without the addresses and calls that led there
	}
	return c.end(&Broken{Op: op, Err: err})
}

// violated ends the connection over a packet that breaks the protocol, 3.1.1
// [MQTT-4.8.0-1]. What is queued still goes out: the acknowledgements in it spare
// repeats of what the owner has. In version 5 the server is told why [MQTT-3.14.2-1].
func (c *Conn) violated(err error) error {
	reason := proto.ProtocolError
	var e *proto.Error
	if errors.As(err, &e) {
		reason = e.Reason
	}
	if c.v >= proto.V5 {
		c.queue(&proto.Disconnect{Reason: fromClient(reason)})
	}
	if b := c.out[c.written:]; len(b) > 0 {
		c.nc.SetWriteDeadline(time.Now().Add(lastWords))
		n, err := c.nc.Write(b)
		if c.written += n; err == nil {
			hangUp(c.nc, lastWords)
		}
	}
	return c.end(&Violation{Err: err})
}

// fromClient returns the reason that a client may give for r: some belong to the
// server alone.
func fromClient(r proto.Reason) proto.Reason {
	switch r {
	case proto.MalformedPacket, proto.TopicNameInvalid, proto.ReceiveMaximumExceeded, proto.TopicAliasInvalid,
		proto.PacketTooLarge, proto.PayloadFormatInvalid, proto.UnspecifiedError, proto.ImplementationSpecificError:
		return r
	}
	return proto.ProtocolError
}

// end closes the stream for good; err comes from every call that follows.
func (c *Conn) end(err error) error {
	if c.err == nil {
		c.err = err
		c.letGo()
		c.saveUnsent()
		c.unwatch()
		c.nc.Close()
		c.r.Close()
		c.out = nil
	}
	return err
}
