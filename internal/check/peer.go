package check

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"mqtt/internal/proto"
	"mqtt/internal/rules"
)

// Bounds of the evidence of one attempt.
const (
	maxEvidence  = 120 // packets
	maxHexBytes  = 512 // of a packet
	maxTextBytes = 300
)

// Peer is a connection of a script. All methods end the script when the connection does not do what they
// expect.
type Peer struct {
	// Connack is the CONNACK that Connect has received.
	Connack *proto.Connack
	// ClientID is the client identifier of Connect, or the one that the server assigned.
	ClientID string

	// Hello is the CONNECT of a client that Accept has received.
	Hello *proto.Connect

	c       *C
	sends   rules.Way // the direction of what the script sends
	number  int       // counts the connections of the case from 1
	v       proto.Version
	conn    net.Conn
	reader  *proto.Reader
	watch   *rules.Observer // nil when it can judge no more
	lastID  uint16
	sent    time.Time        // when the last write began
	pongs   int              // PINGRESPs that came before they were awaited
	aside   []*proto.Publish // messages that came while something else was awaited
	anyForm bool             // the server may answer in the form of any version
	closing string           // the rule by which the server must close, after a packet that broke the standard; "" before
	odd     proto.Packet     // the last packet whose form is wrong and that was returned nevertheless
	oddText string           // odd as text
	closed  bool             // the server has closed the connection
	discard bool             // close has been called
	partial bool             // a write has failed: the last packet may have been sent in part
	stop    func()           // ends the watch over the context
}

// Open opens a connection without a CONNECT.
func (c *C) Open() *Peer {
	ctx, cancel := context.WithTimeout(c.ctx, c.r.opt.Limit)
	defer cancel()
	conn, err := c.r.dial(ctx, c.Version)
	if err != nil {
		c.Unsure("cannot connect: %v", err)
	}
	return c.peer(conn, rules.In)
}

// peer returns the peer of an open connection.
func (c *C) peer(conn net.Conn, sends rules.Way) *Peer {
	p := &Peer{c: c, sends: sends, number: len(c.peers) + 1, v: c.Version, conn: conn, reader: proto.NewReader(conn, 0), watch: c.sessions.Connection()}
	c.peers = append(c.peers, p)
	// A read or write that waits ends with the context.
	ended := make(chan struct{})
	stop := context.AfterFunc(c.ctx, func() {
		conn.SetDeadline(time.Unix(1, 0)) //nolint:errcheck // of a closed connection
		close(ended)
	})
	p.stop = sync.OnceFunc(func() {
		if !stop() {
			<-ended // so that the deadline is not set again
		}
	})
	return p
}

// receives returns the direction of what the script receives.
func (p *Peer) receives() rules.Way {
	if p.sends == rules.In {
		return rules.Out
	}
	return rules.In
}

// Send sends packets, in one write. They must be correct: what is wrong on purpose goes through Raw.
func (p *Peer) Send(packets ...proto.Packet) {
	var all []byte
	for _, packet := range packets {
		from := len(all)
		var err error
		if all, err = packet.Append(all, p.v); err != nil {
			p.c.Unsure("the case sends a packet that the standard forbids: %v", err)
		}
		p.record(p.sends, all[from:])
	}
	p.write(all)
}

// Raw sends bytes, which may be anything.
func (p *Peer) Raw(b ...byte) {
	p.record(p.sends, b)
	p.watch = nil
	p.write(b)
}

// Dribble sends the bytes of one correct packet with a write for each.
func (p *Peer) Dribble(b []byte) {
	p.record(p.sends, b)
	for i := range b {
		p.write(b[i : i+1])
	}
}

// write writes b. An error is not judged here: what the server said before it closed is read later.
func (p *Peer) write(b []byte) {
	p.sent = time.Now()
	p.conn.SetWriteDeadline(p.sent.Add(p.c.r.opt.Limit)) //nolint:errcheck // the write reports it
	if _, err := p.conn.Write(b); err != nil {
		p.partial = true
		if p.c.ctx.Err() != nil {
			p.c.Unsure("the run was interrupted")
		}
	}
}

// Encode returns the bytes of a packet, to be changed and sent by Raw.
func (p *Peer) Encode(packet proto.Packet) []byte {
	b, err := packet.Append(nil, p.v)
	if err != nil {
		p.c.Unsure("the case makes a packet that cannot be encoded: %v", err)
	}
	return b
}

// errNothing says that nothing was received in the time given.
var errNothing = errors.New("nothing was received")

// read returns the next packet. It fails with io.EOF when the server has closed the connection, and
// with errNothing after limit.
func (p *Peer) read(limit time.Duration) (proto.Packet, error) {
	if p.closed {
		return nil, io.EOF
	}
	p.conn.SetReadDeadline(time.Now().Add(limit)) //nolint:errcheck // the read reports it
	if p.c.ctx.Err() != nil {                     // after the deadline is set, which could have replaced that of the context
		p.c.Unsure("the run was interrupted, or the case took longer than %v", caseLimit)
	}
	f, err := p.reader.Next()
	p.c.silent = false
	var timeout net.Error
	var malformed *proto.Error
	switch {
	case err == nil:
	case p.c.ctx.Err() != nil:
		p.c.Unsure("the run was interrupted, or the case took longer than %v", caseLimit)
	case errors.As(err, &timeout) && timeout.Timeout():
		p.c.silent = true
		return nil, errNothing
	case errors.As(err, &malformed):
		p.malformed(slices.Clone(p.reader.Bytes()), err)
	default:
		p.closed = true
		p.c.closings++
		p.note(word(p.receives()), "connection closed")
		if p.watch != nil {
			for _, v := range p.watch.Closed(p.receives(), time.Now()) {
				if v.Broken == p.c.subject {
					p.c.violated(v)
				}
			}
		}
		return nil, io.EOF
	}
	raw := appendFrame(nil, f)
	p.record(p.receives(), raw)
	f, _, _ = proto.Split(raw, 0) // the reader's buffer is reused
	packet, err := proto.Decode(f, p.v)
	if err == nil {
		return packet, nil
	}
	if packet = p.refusal(f, raw); packet != nil {
		return packet, nil
	}
	if p.watch == nil && p.sends == rules.In && acknowledges(f.Type()) {
		return (*echo)(&raw), nil
	}
	p.malformed(raw, err)
	return nil, nil
}

// echo is the bytes of an acknowledgement that cannot be decoded, since it repeats what was wrong on purpose: the
// identifier 0, or no reason code for no topic filter. The server is wrong to send it, but breaks none of the rules
// of an acknowledgement.
type echo []byte

// Type returns the packet type.
func (e *echo) Type() proto.Type { return proto.Type((*e)[0] >> 4) }

// Append appends the bytes as they came.
func (e *echo) Append(dst []byte, _ proto.Version) ([]byte, error) { return append(dst, *e...), nil }

// Decode does nothing.
func (e *echo) Decode(proto.Frame, proto.Version) error { return nil }

// CloseAbruptly closes the connection without a DISCONNECT.
func (p *Peer) CloseAbruptly() {
	if !p.discard {
		p.note(word(p.sends), "connection closed")
		p.close()
	}
}

// Disconnect sends DISCONNECT and closes the connection when the server has.
func (p *Peer) Disconnect() {
	p.Send(&proto.Disconnect{})
	p.awaitClose()
	p.close()
}

// awaitClose reads until the server closes, at most for a second: most servers do at once.
func (p *Peer) awaitClose() {
	end := time.Now().Add(time.Second)
	for time.Now().Before(end) {
		if _, err := p.read(time.Until(end)); err != nil {
			return
		}
	}
}

func (p *Peer) close() {
	if p.discard {
		return
	}
	p.discard, p.closed = true, true
	p.stop()
	if p.watch != nil {
		p.watch.Cut(time.Now())
	}
	p.conn.Close() //nolint:errcheck // nothing was promised to the server
	p.reader.Close()
}
