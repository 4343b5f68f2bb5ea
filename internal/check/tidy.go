package check

import (
	"context"
	"slices"
	"sync"
	"time"

	"mqtt/internal/proto"
	"mqtt/internal/transport"
)

// leave closes the connections of the script. If something is to be removed afterwards, it first awaits that the
// server has handled what was sent: a CONNECT or PUBLISH that the server reads after tidy would leave a session or a
// retained message again. An interrupted script has not awaited that.
func (c *C) leave() {
	if c.keeps && !c.r.sentinel.gone() {
		var wait sync.WaitGroup
		for _, p := range c.peers {
			if !p.closed {
				wait.Go(func() { p.leave(c.r.opt.Limit) }) // ends within the limit
			}
		}
		wait.Wait()
	}
	for _, p := range c.peers {
		p.close()
	}
}

// leave ends a connection and waits until the server has closed it, at most for limit. DISCONNECT removes the will, and in
// MQTT 5 ends the session, also one whose client identifier the server has not told yet. It is not sent after a
// packet that is wrong or incomplete.
func (p *Peer) leave(limit time.Duration) {
	p.stop() // its deadline in the past would end what follows
	if !p.sent.IsZero() && p.watch != nil && !p.partial {
		bye := &proto.Disconnect{}
		if p.v == proto.V5 {
			bye.Props = bye.Props.AppendNum(proto.SessionExpiryInterval, 0)
		}
		p.conn.SetWriteDeadline(time.Now().Add(limit)) //nolint:errcheck // the write reports it
		p.conn.Write(p.Encode(bye))                    //nolint:errcheck // Linger sees a connection that is over
	}
	p.conn.SetWriteDeadline(time.Now().Add(limit)) //nolint:errcheck // a write that fails ends the connection
	transport.Linger(p.conn, limit, 0)
}

// tidy removes what the attempt left on the server. It is also done after an interrupt. A server that answers nothing
// is not asked again.
func (c *C) tidy(ctx context.Context, j *job) {
	for _, f := range slices.Backward(c.cleanup) {
		limited, cancel := context.WithTimeout(ctx, 2*c.r.opt.Limit)
		after := c.r.newC(limited, j)
		after.topics, after.ids = c.topics, c.ids
		after.script(0, f)
		cancel()
		if !slices.ContainsFunc(after.packets, func(p Packet) bool { return p.Way == "out" }) {
			return
		}
	}
}

// unretain removes the retained message of topic after the case.
func (c *C) unretain(topic string) {
	c.After(func(c *C) {
		p := c.Connect()
		p.Send(&proto.Publish{Topic: []byte(topic), Retain: true})
		p.Barrier()
		p.Disconnect()
	})
}

// forget ends the session of a client identifier after the case, as the user of hello. It takes over a connection that
// the server still serves, so that the will of that is published before what was registered earlier is removed.
func (c *C) forget(id string, hello *proto.Connect) {
	if id == "" { // the server assigns one, under which DISCONNECT ends the session
		c.keeps = true
		return
	}
	user := *hello
	c.After(func(c *C) {
		p := c.Open()
		p.Send(c.Hello(WithID(id), func(p *proto.Connect) {
			p.HasUsername, p.Username, p.HasPassword, p.Password = user.HasUsername, user.Username, user.HasPassword, user.Password
		}))
		p.read(c.r.opt.Limit) //nolint:errcheck // whatever comes, the session is over or cannot be ended
		p.Disconnect()
	})
}
