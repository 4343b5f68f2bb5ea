package check

import (
	"context"
	"errors"
	"net"
	"slices"

	"mqtt/internal/proto"
)

// write sends packets to one side of the link.
func (m *link) write(to net.Conn, packets ...proto.Packet) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var b []byte
	for _, p := range packets {
		c, err := p.Append(b, m.v)
		if err == nil {
			b = c
		}
	}
	to.Write(b) //nolint:errcheck // the reader sees the end
}

// dialMutant returns a dialer of the mutant of the broker that l serves.
func dialMutant(mu mutant, l *pipes) func(context.Context, proto.Version) (net.Conn, error) {
	return func(ctx context.Context, v proto.Version) (net.Conn, error) {
		server, err := l.dial(ctx, v)
		if err != nil {
			return nil, err
		}
		ours, theirs := net.Pipe()
		near, far := &buffered{Conn: ours}, &buffered{Conn: theirs} // link.mu is held during writes
		m := &link{v: v, client: far, server: server}
		go mu.relay(m, far, server, mu.in, true)   // ends with the client's connection
		go mu.relay(m, server, far, mu.out, false) // ends with the server's
		return near, nil
	}
}

// relay passes packets on, changed by the fault. It closes from when nothing more comes from it.
func (mu *mutant) relay(m *link, from, to net.Conn, fault func(*link, proto.Packet) []proto.Packet, in bool) {
	defer from.Close() //nolint:errcheck // one end of a test's connection
	r := proto.NewReader(from, 0)
	closing := func() { to.Close() } //nolint:errcheck // one end of a test's connection
	for {
		f, err := r.Next()
		var wrong *proto.Error
		if errors.As(err, &wrong) {
			// Not a packet: the rest goes to the other side as it is.
			m.mu.Lock()
			to.Write(slices.Clone(r.Bytes())) //nolint:errcheck // the reader sees the end
			m.mu.Unlock()
			buf := make([]byte, 4096)
			for {
				n, err := from.Read(buf)
				if err != nil {
					break
				}
				m.mu.Lock()
				to.Write(buf[:n]) //nolint:errcheck // the reader sees the end
				m.mu.Unlock()
			}
		}
		if err != nil {
			if mu.open && !in {
				mu.pretend(m)
				return
			}
			if mu.farewell && !in {
				m.mu.Lock()
				to.Write([]byte{0xE0, 0}) //nolint:errcheck // the client may be gone
				m.mu.Unlock()
			}
			closing()
			return
		}
		raw := appendFrame(nil, f)
		if mu.raw != nil {
			if raw = mu.raw(m, raw, in); raw == nil {
				continue
			}
		}
		f, _, _ = proto.Split(raw, 0)
		if mu.abrupt && in && f.Type() == proto.DISCONNECT {
			closing()
			continue
		}
		if mu.open && in && m.count("gone") < 0 {
			continue
		}
		p, err := proto.Decode(f, m.v)
		if c, ok := p.(*proto.Connect); ok && err == nil {
			m.v = c.Version
		}
		if mu.open && !in {
			if d, ok := p.(*proto.Disconnect); ok && err == nil && d.Reason >= 0x80 {
				continue
			}
			if ack, ok := p.(*proto.Connack); ok && err == nil && ack.Reason != proto.Success {
				*ack = proto.Connack{}
			}
			if s, ok := p.(*proto.Suback); ok && err == nil && s.Kind == proto.SUBACK {
				for i := range s.Reasons {
					s.Reasons[i] &= 2
				}
			}
		}
		if fault == nil && !mu.open || err != nil {
			m.mu.Lock()
			to.Write(raw) //nolint:errcheck // the reader sees the end
			m.mu.Unlock()
			continue
		}
		packets := []proto.Packet{p}
		if fault != nil {
			packets = fault(m, p)
		}
		m.write(to, packets...)
	}
}

// pretend serves the client after the server has closed: it accepts it, and answers PINGREQ.
func (mu *mutant) pretend(m *link) {
	m.write(m.client, &proto.Connack{}, &proto.Ping{Kind: proto.PINGRESP})
}
