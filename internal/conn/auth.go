package conn

import (
	"errors"

	"mqtt/internal/proto"
)

// authProps is the property block of an AUTH packet or of CONNECT's.
func authProps(ps proto.Props, a Auth, data []byte) proto.Props {
	ps = ps.AppendText(proto.AuthenticationMethod, a.Method())
	if data != nil {
		ps = ps.AppendValue(proto.AuthenticationData, data)
	}
	return ps
}

// answerAuth returns the AUTH that answers p. The server must keep to the method
// [MQTT-4.12.0-5]; without one it may not send AUTH at all [MQTT-4.12.0-7].
func answerAuth(cfg *Config, p *proto.Auth) (*proto.Auth, error) {
	a := cfg.Auth
	wrong := func(what string) error {
		return &Violation{Err: &proto.Error{Type: proto.AUTH, Reason: proto.ProtocolError, What: what}}
	}
	if a == nil {
		return nil, wrong("no authentication method was given")
	}
	if string(p.Props.Value(proto.AuthenticationMethod)) != a.Method() {
		return nil, wrong("another authentication method")
	}
	if p.Reason != proto.ContinueAuthentication {
		return nil, wrong("reason of a client")
	}
	data, err := a.Next(p.Props.Value(proto.AuthenticationData))
	if err != nil {
		return nil, err
	}
	return &proto.Auth{Reason: proto.ContinueAuthentication, Props: authProps(cfg.authProps(), a, data)}, nil // [MQTT-4.12.0-3]
}

// Reauthenticate begins another exchange with the same method [MQTT-4.12.1-1]; its
// end is an Answer event.
func (c *Conn) Reauthenticate() error {
	if c.err != nil {
		return c.err
	}
	if c.cfg.Auth == nil || c.v < proto.V5 { // [MQTT-4.12.0-7]
		return errors.New("re-authenticate: no authentication method was given")
	}
	data, err := c.cfg.Auth.Start()
	if err != nil {
		return err
	}
	err = c.queue(&proto.Auth{Reason: proto.ReAuthenticate, Props: authProps(c.cfg.authProps(), c.cfg.Auth, data)})
	c.auth = c.auth || err == nil
	return err
}

// takeAuth takes in an AUTH past CONNACK.
func (c *Conn) takeAuth(f proto.Frame) (Event, error) {
	var p proto.Auth
	if err := p.Decode(f, c.v); err != nil {
		return Event{}, c.violated(err)
	}
	if !c.auth {
		// A server answers; it is the client that begins [MQTT-4.12.0-7].
		return Event{}, c.violated(&proto.Error{Type: proto.AUTH, Reason: proto.ProtocolError, What: "no re-authentication was begun"})
	}
	if p.Reason == proto.Success {
		c.auth = false
		if m := p.Props.Value(proto.AuthenticationMethod); m != nil && string(m) != c.cfg.Auth.Method() { // [MQTT-4.12.0-5]
			return Event{}, c.violated(&proto.Error{Type: proto.AUTH, Reason: proto.ProtocolError, What: "another authentication method"})
		}
		if err := c.cfg.Auth.Finish(p.Props.Value(proto.AuthenticationData)); err != nil {
			return Event{}, c.violated(err) // [MQTT-4.12.1-2]
		}
		return Event{Kind: Answer, Answer: &p}, nil
	}
	answer, err := answerAuth(c.cfg, &p)
	if err != nil {
		var v *Violation
		if errors.As(err, &v) {
			err = v.Err
		}
		return Event{}, c.violated(err)
	}
	return Event{}, c.queue(answer)
}
