package connect

import (
	"errors"
	"fmt"
	"strings"

	"mqtt/internal/cli"
	"mqtt/internal/conn"
	"mqtt/internal/proto"
	"mqtt/internal/transport"
)

// Explain adds to an error of the connection what only the plan knows: the server, and why there
// was no fallback to 3.1.1.
func (p *Plan) Explain(err error) error {
	if conn.Class(err) == conn.ClassReconnect { // the server had answered, so the version is known
		return p.withServer(err)
	}
	return p.withServer(p.explainNoFallback(p.explainNoAnswer(p.explainTLS(err))))
}

// explainTLS adds to a failed TLS handshake which flag turned TLS on, if the URL and the port did not.
func (p *Plan) explainTLS(err error) error {
	if p.tlsBy == "" || conn.Class(err) != conn.ClassTLS {
		return err
	}
	code, hint := cli.Judge(err)
	if hint != "" {
		hint += "; "
	}
	return cli.Fail(code, hint+p.tlsBy+" turned TLS on", "%w", err)
}

// explainNoAnswer adds a hint for a server that hung up after the TLS or WebSocket handshake, or stayed
// silent. Some servers do so after a CONNECT of a version that they do not know.
func (p *Plan) explainNoAnswer(err error) error {
	class := conn.Class(err)
	if class != conn.ClassHungUp && class != conn.ClassSilent {
		return err
	}
	code, hint := cli.Judge(err)
	var closed *transport.CloseError
	if p.secure && !errors.As(err, &closed) {
		hint = "is this an MQTT port? the server may also want a client certificate (--cert, --key)"
	}
	if class == conn.ClassHungUp && p.Target != nil && p.Target.WebSocket != nil {
		hint = "the server speaks WebSocket: its log may say more"
	}
	if p.Cfg != nil && (class == conn.ClassSilent || !p.auto) {
		switch p.Cfg.Connect.Version {
		case proto.V5:
			hint += "; if it does not know MQTT 5: -V 3.1.1"
		case proto.V31:
			hint += "; if it does not know MQTT 3.1: -V 3.1.1"
		}
	}
	return cli.Fail(code, hint, "%w", err)
}

// explainNoFallback adds what prevented a try with 3.1.1 if the server may not support MQTT 5.
func (p *Plan) explainNoFallback(err error) error {
	if p.needs5 == "" || !p.auto {
		return err
	}
	instead := "leave it out to speak 3.1.1"
	if _, missing, ok := strings.Cut(p.needs5, " without "); ok {
		instead = "give " + missing + " to speak 3.1.1"
	}
	var r *conn.Refused
	switch {
	case errors.As(err, &r) && r.Reason == proto.UnsupportedProtocolVersion:
		return cli.Fail(cli.ExitRefused, instead, "%w, and %s needs MQTT 5", err, p.needs5)
	case errors.Is(err, conn.ErrOldConnack):
		return cli.Fail(cli.ExitLost, instead, "%w, and %s needs MQTT 5, so 3.1.1 was not tried", err, p.needs5)
	case conn.Class(err) == conn.ClassHungUp:
		code, hint := cli.Judge(err)
		return cli.Fail(code, instead+"; "+hint, "%w, and %s needs MQTT 5, so 3.1.1 was not tried", err, p.needs5)
	}
	return err
}

// withServer adds the server to an error of the connection that does not name it.
func (p *Plan) withServer(err error) error {
	var (
		dial *transport.Error
		gone *conn.ReconnectError
	)
	class := conn.Class(err)
	switch {
	case errors.As(err, &dial): // it has an address
		return err
	case cli.OutcomeOf(err).Code == cli.ExitOpening && transport.AlertText(err) != "", class == conn.ClassReconnect && transport.AlertText(err) != "":
		alert := &conn.OpenError{Err: &transport.Error{Phase: transport.Secure, Addr: p.server, Err: err}}
		if errors.As(err, &gone) {
			return &conn.ReconnectError{Err: alert}
		}
		return alert
	case cli.OutcomeOf(err).Unnamed:
		return fmt.Errorf("%s: %w", p.server, err)
	}
	return err
}
