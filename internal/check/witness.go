package check

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"mqtt/internal/proto"
)

// witness is one connection of a sentinel.
type witness struct {
	conn   net.Conn
	reader *proto.Reader
	asked  time.Time
}

// dialError says that no connection could be opened.
type dialError struct{ error }

func (e *dialError) Unwrap() error { return e.error }

// open opens a connection whose PINGREQ is answered.
func (s *sentinel) open(ctx context.Context) (*witness, error) {
	ctx, cancel := context.WithTimeout(ctx, s.r.opt.Limit)
	defer cancel()
	conn, err := s.r.opt.Dial(ctx, s.v)
	if err != nil {
		return nil, &dialError{err}
	}
	w := &witness{conn: conn, reader: proto.NewReader(conn, 0)}
	c := s.r.newC(ctx, &job{k: &Case{Name: "sentinel"}, v: s.v, found: s.found})
	b, err := c.Hello(WithID(c.ID("w"))).Append(nil, s.v)
	if err == nil {
		err = w.exchange(ctx, b, proto.CONNACK, s.r.opt.Limit)
	}
	if err == nil {
		err = w.ping(ctx, s.r.opt.Limit)
	}
	if err == errNothing {
		err = fmt.Errorf("no answer within %v", s.r.opt.Limit)
	}
	if err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

// ping sends PINGREQ and waits for PINGRESP.
func (w *witness) ping(ctx context.Context, limit time.Duration) error {
	w.asked = time.Now()
	return w.exchange(ctx, []byte{0xC0, 0}, proto.PINGRESP, limit)
}

// exchange sends a packet and reads until one of type t comes. The error is errNothing if none came within limit.
func (w *witness) exchange(ctx context.Context, packet []byte, t proto.Type, limit time.Duration) error {
	conn := w.conn
	conn.SetDeadline(time.Now().Add(limit)) //nolint:errcheck // read and write report it
	// A read or write that waits ends with the context.
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })() //nolint:errcheck // of a closed connection
	_, err := conn.Write(packet)
	for err == nil {
		var f proto.Frame
		if f, err = w.reader.Next(); err != nil {
			break
		}
		switch {
		case t == proto.CONNACK && (f.Type() != t || len(f.Body) < 2 || f.Body[1] != 0):
			return errors.New("the server did not accept a connection")
		case f.Type() == t:
			return nil
		}
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return errNothing
	}
	return err
}

// close closes the connection; a nil witness has none.
func (w *witness) close() {
	if w == nil || w.conn == nil {
		return
	}
	w.conn.Close() //nolint:errcheck // nothing was promised to the server
	w.reader.Close()
	w.conn = nil
}
