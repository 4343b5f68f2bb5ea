package broker

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"mqtt/internal/broker/fair"
	"mqtt/internal/proto"
)

// errLeft is the error of a connection that the client closed before its login was decided.
var errLeft = errors.New("closed before the login was decided")

// watchedBytes limits how much is read from a client during its login, in bytes.
const watchedBytes = 4 << 10

// loginContext is the context of a login, which is the part between CONNECT and CONNACK that may
// take time. It ends when the client leaves, when the time for CONNECT is over, or when the broker
// closes, which closes the connection. Because most logins are decided at once, the connection is
// watched only from the first call of Done. Until stop returns, the watching goroutine owns
// client.in.
type loginContext struct {
	context.Context
	c      *client
	cancel context.CancelFunc
	by     time.Time
	once   sync.Once
	end    chan error // receives the error that ended watching
}

// newLogin returns a loginContext that ends at by. The caller must call stop.
func (c *client) newLogin(by time.Time) *loginContext {
	l := &loginContext{c: c, by: by}
	l.Context, l.cancel = context.WithDeadline(c.ctx, by)
	return l
}

// Done implements context.Context.
func (l *loginContext) Done() <-chan struct{} {
	l.once.Do(func() {
		l.end = make(chan error, 1)
		go l.watch() // ends with stop
	})
	return l.Context.Done()
}

// watch reads what the client sends before CONNACK, and so notices when it leaves. It stops after
// watchedBytes, and then assumes that the client is still connected.
func (l *loginContext) watch() {
	c := l.c
	var err error
	for err == nil && c.in.Len() < watchedBytes {
		if err = c.in.Fill(); err == nil {
			err = c.accountInput()
		}
	}
	if err != nil && (!timedOut(err) || c.evicted.Load()) {
		l.cancel()
	} else {
		err = nil
	}
	l.end <- err
}

// stop ends watching, and returns an error if the client has left.
func (l *loginContext) stop() (err error) {
	l.once.Do(func() {}) // Done starts no goroutine from now on
	if l.end != nil {
		l.c.conn.SetReadDeadline(past())
		err = <-l.end
		l.c.conn.SetReadDeadline(l.by)
	}
	l.cancel()
	if err != nil {
		return errLeft
	}
	return nil
}

// permit decides by Options.ConnectRate and by the hooks whether the client may connect. err is not
// nil if the client has left.
func (c *client) permit(p *proto.Connect, o *connectRequest, by time.Time) (r proto.Reason, text string, err error) {
	if c.b.opt.ConnectRate > 0 {
		p.Password, p.Props = bytes.Clone(p.Password), bytes.Clone(p.Props) // watching may overwrite them
		l := c.newLogin(by)
		r, text = c.awaitRate(l, p)
		if err := l.stop(); err != nil {
			return r, "", err
		}
		if r != proto.Success {
			return r, text, nil
		}
	}
	l := c.newLogin(by)
	r, text = c.authenticate(l, p, o)
	if err := l.stop(); err != nil {
		return r, "", err
	}
	if r == proto.ServerUnavailable && text == "" && !time.Now().Before(by) {
		text = "the login timed out"
	}
	return r, text, nil
}

// awaitRate waits until Options.ConnectRate allows the connection.
func (c *client) awaitRate(l *loginContext, p *proto.Connect) (proto.Reason, string) {
	key := fair.KeyOf(c.who.Remote)
	if a, ok := c.b.opt.Auth.(PasswordMemory); ok && p.HasPassword && a.Remembers(c.who, p.Password) {
		key = fair.Key{User: c.who.Username}
	}
	if c.b.rate.Take(l, key) {
		return proto.Success, ""
	}
	return proto.ConnectionRateExceeded, ""
}
