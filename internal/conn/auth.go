package conn

import (
	"errors"

	"mqtt/internal/proto"
)

// beginAuth begins an exchange and returns ps with the method and the first data appended.
func (c *Conn) beginAuth(ps proto.Props) (proto.Props, error) {
	x, err := c.cfg.Auth.Begin()
	if err != nil {
		return nil, err
	}
	c.exchange = x
	return c.cfg.appendAuth(ps, x.Start()), nil
}

// appendAuth appends the Authentication Method, and data unless it is nil, to a copy of ps.
func (c *Config) appendAuth(ps proto.Props, data []byte) proto.Props {
	ps = ps[:len(ps):len(ps)].AppendText(proto.AuthenticationMethod, c.Auth.Method())
	if data != nil {
		ps = ps.AppendValue(proto.AuthenticationData, data)
	}
	return ps
}

// answerAuth returns the AUTH that answers p. The server must keep to the method [MQTT-4.12.0-5].
// Without a method it must not send AUTH [MQTT-4.12.0-7].
func (c *Conn) answerAuth(p *proto.Auth) (*proto.Auth, error) {
	if c.exchange == nil {
		return nil, authViolation("no authentication method was given")
	}
	if string(p.Props.Value(proto.AuthenticationMethod)) != c.cfg.Auth.Method() {
		return nil, authViolation("another authentication method")
	}
	if p.Reason != proto.ContinueAuthentication {
		return nil, authViolation("reason of a client")
	}
	data, err := c.exchange.Next(p.Props.Value(proto.AuthenticationData))
	if err != nil {
		return nil, err
	}
	return &proto.Auth{Reason: proto.ContinueAuthentication, Props: c.cfg.appendAuth(c.cfg.AuthProps, data)}, nil // [MQTT-4.12.0-3]
}

// finishAuth ends the exchange with the success of the server, in CONNACK or AUTH. CONNACK may
// leave the method out.
func (c *Conn) finishAuth(kind proto.Type, ps proto.Props) error {
	x := c.exchange
	c.exchange = nil
	if m := ps.Value(proto.AuthenticationMethod); m != nil && string(m) != c.cfg.Auth.Method() { // [MQTT-4.12.0-5]
		return &proto.Error{Type: kind, Reason: proto.ProtocolError, What: "another authentication method"}
	}
	return x.Finish(ps.Value(proto.AuthenticationData))
}

func authViolation(what string) error {
	return &Violation{Err: &proto.Error{Type: proto.AUTH, Reason: proto.ProtocolError, What: what}}
}

// Reauthenticate begins another exchange with the same method [MQTT-4.12.1-1]. An Answer event
// reports its end.
func (c *Conn) Reauthenticate() error {
	if c.err != nil {
		return c.err
	}
	if c.cfg.Auth == nil || c.v < proto.V5 { // [MQTT-4.12.0-7]
		return errors.New("re-authenticate: no authentication method was given")
	}
	before := c.exchange
	ps, err := c.beginAuth(c.cfg.AuthProps)
	if err != nil {
		return err
	}
	if err := c.queue(&proto.Auth{Reason: proto.ReAuthenticate, Props: ps}); err != nil {
		c.exchange = before
		return err
	}
	return nil
}

// handleAuth handles an AUTH after CONNACK.
func (c *Conn) handleAuth(f proto.Frame) (Event, error) {
	var p proto.Auth
	if err := p.Decode(f, c.v); err != nil {
		return Event{}, c.protocolError(err)
	}
	if c.exchange == nil {
		// The client begins a re-authentication, not the server [MQTT-4.12.0-7].
		return Event{}, c.protocolError(&proto.Error{Type: proto.AUTH, Reason: proto.ProtocolError, What: "no re-authentication was begun"})
	}
	if p.Reason == proto.Success {
		if err := c.finishAuth(proto.AUTH, p.Props); err != nil {
			return Event{}, c.protocolError(err) // [MQTT-4.12.1-2]
		}
		return Event{Kind: Answer, Answer: &p}, nil
	}
	answer, err := c.answerAuth(&p)
	if err != nil {
		var v *Violation
		if errors.As(err, &v) {
			err = v.Err
		}
		return Event{}, c.protocolError(err)
	}
	return Event{}, c.queue(answer)
}
