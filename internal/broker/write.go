package broker

import (
	"errors"
	"net"
	"time"

	"mqtt/internal/transport"
)

const (
	closeTimeout = 2 * time.Second        // to write the last bytes
	lastReadTime = 100 * time.Millisecond // to read what arrived before a write failed
	lingerTime   = 500 * time.Millisecond // for the peer to read the last bytes before the close
	lingerBytes  = 1 << 20
	maxWrite     = 128 << 10 // bytes of one write: progress is noted in between
)

// write writes c.out until it is empty, and ends. wakeWriter ensures that there is only one writer.
func (c *client) write() {
	s, b := c.s, c.b
	var vec [][]byte
	var o out
	for {
		s.mu.Lock()
		c.writing = 0
		written := o.n > 0
		if written {
			c.noteProgress()
			o.free(&b.blocks)
		}
		if (written || c.checking) && c.hasBacklog() && c.out.n < b.opt.HighWater/2 {
			s.mu.Unlock()
			c.refill()
			s.mu.Lock()
		}
		if c.out.n == 0 && c.checking && c.hasBacklog() {
			s.mu.Unlock()
			continue
		}
		if c.out.n == 0 {
			s.charge()
			c.resumePublishers()
			c.awake = false
			if c.idle != nil {
				close(c.idle)
				c.idle = nil
			}
			s.mu.Unlock()
			return
		}
		o, c.out = c.out, out{}
		c.writing = o.n
		s.charge()
		c.resumePublishers() // waiting publishers may continue during the write
		s.mu.Unlock()

		err := c.commit(&o)
		kept := err == nil
		if kept {
			vec, err = c.send(&o, vec)
		}
		if err != nil {
			s.mu.Lock()
			c.fail(err, kept)
			c.conn.SetReadDeadline(past()) // wakes the reader
			o.free(&b.blocks)
			if s.client == c {
				c.clearSentFlags()
			}
			c.out.free(&b.blocks)
			s.mu.Unlock()
			o.n = 0
		}
	}
}

// hasBacklog reports whether messages wait for the client. session.mu is held.
func (c *client) hasBacklog() bool {
	s := c.s
	return s.client == c && !c.closing && (s.queue.n > 0 || len(c.resend) > 0 || len(s.walks) > 0)
}

// commit waits until everything that o acknowledges is durable.
func (c *client) commit(o *out) error {
	if !o.sync || c.b.opt.Store == nil {
		return nil
	}
	return c.b.opt.Store.Commit()
}

// send writes o in several writes.
func (c *client) send(o *out, vec [][]byte) ([][]byte, error) {
	c.b.stats.bytesSent.Add(int64(o.n))
	if len(o.inserts) == 0 {
		for b := o.block.b; len(b) > 0; {
			n, err := c.conn.Write(b[:min(len(b), maxWrite)])
			if err != nil {
				return vec, err
			}
			if b = b[n:]; len(b) > 0 {
				c.reportProgress()
			}
		}
		return vec, nil
	}
	vec = o.buffers(vec[:0])
	all := net.Buffers(vec)
	_, err := all.WriteTo(c.conn)
	clear(vec)
	return vec, err
}

func (c *client) reportProgress() {
	c.s.mu.Lock()
	c.noteProgress()
	c.s.mu.Unlock()
}

// refill sends queued messages now that the output has room.
func (c *client) refill() {
	bt := c.b.batch(nil)
	c.s.mu.Lock()
	if c.s.client == c {
		c.s.sendQueued(bt.time(), &bt.count)
	}
	c.s.mu.Unlock()
	bt.pull(c.s)
	bt.finish()
}

// fail notes that the connection cannot be used any more. unwritten is true if the connection
// broke, and false if the Store failed. session.mu is held.
func (c *client) fail(err error, unwritten bool) {
	c.closing = true
	if c.end == nil {
		c.end = &closeReason{fromClient: true, reason: lost, err: err, text: withoutAddress(err).Error(), unwritten: unwritten}
		close(c.dying)
	}
}

// lost is the reason of a connection that broke: no DISCONNECT can be sent.
const lost = 0xFF

// releaseWaiters wakes all goroutines that wait for the client. session.mu is held.
func (c *client) releaseWaiters() {
	for _, ch := range c.waiters {
		close(ch)
	}
	c.waiters = nil
}

// drain writes the last bytes and closes the connection. If flush is true the peer gets time to
// read them: closing with unread bytes would discard them.
func (c *client) drain(flush bool) {
	c.s.mu.Lock()
	var idle chan struct{}
	switch {
	case !flush:
		c.conn.Close()
		fallthrough
	default:
		if c.awake {
			idle = make(chan struct{})
			c.idle = idle
		} else if c.out.n > 0 {
			idle = make(chan struct{})
			c.idle, c.awake = idle, true
			go c.write() // ends when c.out is empty; drain waits for it
		}
	}
	c.s.mu.Unlock()
	if idle != nil {
		<-idle
	}
	if flush {
		transport.Linger(c.conn, lingerTime, lingerBytes)
	}
	c.conn.Close()
}

// timedOut reports whether err is a timeout.
func timedOut(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}
