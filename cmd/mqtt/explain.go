package main

import (
	"errors"
	"fmt"
	"strings"

	"mqtt/internal/conn"
	"mqtt/internal/proto"
	"mqtt/internal/transport"
)

// explain adds to an error of the connection what only the plan knows: why there was no fallback to 3.1.1, and which
// server it was.
func (p *plan) explain(err error) error {
	var lost *conn.Gone
	if errors.As(err, &lost) { // there was an answer, and a version
		return p.named(err)
	}
	return p.named(p.unfallen(p.unanswered(err)))
}

// unanswered gives a server that hung up or was silent behind TLS a hint of its own.
func (p *plan) unanswered(err error) error {
	if p.secure && (errors.Is(err, conn.ErrHungUp) || errors.Is(err, conn.ErrSilent)) {
		return fail(exitOpening, "is this an MQTT port? the server may also want a client certificate (--cert, --key)", "%w", err)
	}
	return err
}

// unfallen says what kept the run from trying 3.1.1 where the server may not know MQTT 5.
func (p *plan) unfallen(err error) error {
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
		return fail(exitRefused, instead, "%w, and %s needs MQTT 5", err, p.needs5)
	case errors.Is(err, conn.ErrHungUp):
		code, hint := judge(err)
		return fail(code, instead+"; "+hint, "%w, and %s needs MQTT 5, so 3.1.1 was not tried", err, p.needs5)
	}
	return err
}

// named puts the server before an error of the connection that does not name it.
func (p *plan) named(err error) error {
	var (
		refused *conn.Refused
		gone    *conn.Disconnected
		breach  *conn.Violation
		broken  *conn.Broken
		opening *conn.Opening
		way     *transport.Error
		lost    *conn.Gone
	)
	switch {
	case errors.As(err, &way): // which has an address
		return err
	case errors.As(err, &opening) && transport.Alert(err) != "":
		alert := &conn.Opening{Err: &transport.Error{Phase: transport.Secure, Addr: p.server, Err: err}}
		if errors.As(err, &lost) {
			return &conn.Gone{Err: alert}
		}
		return alert
	case errors.As(err, &refused), errors.As(err, &gone), errors.As(err, &breach), errors.As(err, &broken), errors.As(err, &opening),
		denied(err):
		return fmt.Errorf("%s: %w", p.server, err)
	}
	return err
}
