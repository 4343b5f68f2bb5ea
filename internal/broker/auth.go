package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"mqtt/internal/proto"
)

// authenticate asks Options.Auth or Options.Enhanced whether the client may connect.
func (c *client) authenticate(ctx context.Context, p *proto.Connect, o *connectRequest) (proto.Reason, string) {
	opt := &c.b.opt
	c.stamp.Store(c.b.stamp(c.who))
	method, ok := p.Props.Get(proto.AuthenticationMethod)
	if !ok {
		if opt.Auth == nil {
			return proto.Success, ""
		}
		var password []byte
		if p.HasPassword {
			password = append([]byte{}, p.Password...)
		}
		return opt.Auth.Authenticate(ctx, c.who, password), ""
	}
	c.method = string(method.Value)
	if opt.Enhanced == nil {
		return proto.BadAuthenticationMethod, "authentication methods are not supported" // [MQTT-4.12.0-1]
	}
	x, r := opt.Enhanced.Start(c.ctx, c.who, c.method)
	if r != proto.Success {
		return r, ""
	}
	data := append([]byte(nil), p.Props.Value(proto.AuthenticationData)...)
	for range maxAuthSteps {
		user := x.User()
		c.stamp.Store(c.b.stamp(c.identityAs(user)))
		answer, r := x.Step(c.ctx, data)
		if r == proto.Success {
			o.done = answer
			if x.User() != user { // the exchange has just found it out
				c.stamp.Store(c.b.stamp(c.identityAs(x.User())))
			}
			return c.recognize(x.User(), o), ""
		}
		if r != proto.ContinueAuthentication {
			return r, ""
		}
		out := c.auth(r, answer)
		if out == nil {
			return proto.PacketTooLarge, "AUTH exceeds the client's Maximum Packet Size"
		}
		c.b.stats.answers.Add(1)
		if _, err := c.conn.Write(out); err != nil {
			return proto.UnspecifiedError, err.Error()
		}
		f, err := c.readPacket()
		if err != nil {
			return proto.UnspecifiedError, err.Error()
		}
		var a proto.Auth
		if f.Type() != proto.AUTH {
			return proto.ProtocolError, f.Type().String() + " while authenticating" // [MQTT-3.1.2-30]
		}
		if err := a.Decode(f, c.v); err != nil {
			return reasonOf(err), err.Error()
		}
		if a.Reason != proto.ContinueAuthentication || string(a.Props.Value(proto.AuthenticationMethod)) != c.method {
			return proto.ProtocolError, "AUTH of another method" // [MQTT-4.12.0-5]
		}
		data = append(data[:0], a.Props.Value(proto.AuthenticationData)...)
	}
	return proto.NotAuthorized, "too many authentication steps"
}

// maxAuthSteps limits the steps of an exchange before CONNACK. Options.ConnectTimeout limits its
// time.
const maxAuthSteps = 16

// identityAs returns the client's identity with that user name, if the CONNECT had none.
func (c *client) identityAs(user string) *Identity {
	if user == "" || c.who.HasUsername {
		return c.who
	}
	who := *c.who
	who.HasUsername, who.Username = true, user
	return &who
}

// recognize sets the client's user name to the one that the authentication method found.
func (c *client) recognize(user string, o *connectRequest) proto.Reason {
	c.who = c.identityAs(user)
	if user != "" && c.who.Username != user {
		return proto.BadUserNameOrPassword
	}
	if o.will != nil {
		o.will.who = c.who
	}
	return proto.Success
}

func reasonOf(err error) proto.Reason {
	var e *proto.Error
	if errors.As(err, &e) && e.Reason.Allowed(proto.CONNACK) {
		return e.Reason
	}
	return proto.ProtocolError
}

// auth returns an AUTH packet of the client's method, or nil if it is larger than the client
// accepts [MQTT-3.1.2-24].
func (c *client) auth(r proto.Reason, data []byte) []byte {
	a := proto.Auth{Reason: r}
	a.Props = a.Props.AppendText(proto.AuthenticationMethod, c.method)
	if data != nil {
		a.Props = a.Props.AppendValue(proto.AuthenticationData, data)
	}
	b, err := a.Append(nil, c.v)
	if err != nil || c.maxPacket > 0 && len(b) > c.maxPacket {
		return nil
	}
	return b
}

// reauthenticate handles an AUTH of a connected client. Its method must be that of the CONNECT
// [MQTT-4.12.1-1].
func (c *client) reauthenticate(bt *batch, f proto.Frame) error {
	var a proto.Auth
	if err := a.Decode(f, c.v); err != nil {
		return err
	}
	if c.method == "" {
		return disconnectError(proto.ProtocolError, "AUTH without an authentication method in CONNECT") // [MQTT-4.12.0-7]
	}
	if string(a.Props.Value(proto.AuthenticationMethod)) != c.method {
		return disconnectError(proto.BadAuthenticationMethod, "AUTH of another method")
	}
	switch {
	case a.Reason == proto.ReAuthenticate && c.exchange == nil:
		x, r := c.b.opt.Enhanced.Start(c.ctx, c.who, c.method)
		if r != proto.Success {
			return disconnectError(proto.NotAuthorized, "") // [MQTT-4.12.1-2]
		}
		c.exchange, c.exchangeBy = x, time.Now().Add(c.b.opt.ConnectTimeout)
	case a.Reason == proto.ContinueAuthentication && c.exchange != nil && time.Now().After(c.exchangeBy):
		return disconnectError(proto.NotAuthorized, "reauthentication timed out")
	case a.Reason == proto.ContinueAuthentication && c.exchange != nil:
	default:
		return disconnectError(proto.ProtocolError, fmt.Sprintf("unexpected AUTH with %s", a.Reason.Name(proto.AUTH)))
	}
	stamp := c.b.stamp(c.who)
	answer, r := c.exchange.Step(c.ctx, append([]byte(nil), a.Props.Value(proto.AuthenticationData)...))
	switch r {
	case proto.Success:
		if user := c.exchange.User(); user != "" && user != c.who.Username {
			return disconnectError(proto.NotAuthorized, "another user")
		}
		c.exchange = nil
		c.stamp.Store(stamp)
	case proto.ContinueAuthentication:
	default:
		return disconnectError(proto.NotAuthorized, "")
	}
	out := c.auth(r, answer)
	if out == nil {
		return disconnectError(proto.PacketTooLarge, "AUTH exceeds the client's Maximum Packet Size")
	}
	bt.flush()
	bt.reply = append(bt.reply, out...)
	bt.count.answers++
	return nil
}
