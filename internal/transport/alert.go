package transport

import (
	"crypto/tls"
	"errors"
	"net"
	"reflect"
	"strings"
)

// TLS alerts with a hint of their own (RFC 8446, section 6.2).
const (
	alertHandshakeFailure     tls.AlertError = 40
	alertBadCertificate       tls.AlertError = 42
	alertUnsupportedCert      tls.AlertError = 43
	alertRevoked              tls.AlertError = 44
	alertExpired              tls.AlertError = 45
	alertUnknownCertificate   tls.AlertError = 46
	alertUnknownCA            tls.AlertError = 48
	alertAccessDenied         tls.AlertError = 49
	alertProtocolVersion      tls.AlertError = 70
	alertInsufficientSecurity tls.AlertError = 71
	alertUnrecognizedName     tls.AlertError = 112
	alertCertificateRequired  tls.AlertError = 116
	alertNoALPN               tls.AlertError = 120
)

// remoteAlert returns the TLS alert that the peer sent. With TLS 1.3 the first read may return it.
// Outside of QUIC, crypto/tls returns alerts in a type that it does not export, so the number is
// read by reflection.
func remoteAlert(err error) (alert tls.AlertError, ok bool) {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" || op.Err == nil {
		return 0, false
	}
	v := reflect.ValueOf(op.Err)
	if v.Kind() != reflect.Uint8 || v.Type().PkgPath() != "crypto/tls" {
		return 0, false
	}
	return tls.AlertError(v.Uint()), true
}

// AlertText returns the text of the TLS alert that the peer sent, or "".
func AlertText(err error) string {
	alert, ok := remoteAlert(err)
	if !ok {
		return ""
	}
	return strings.TrimPrefix(alert.Error(), "tls: ")
}

// alertHint returns the hint for an alert of a server.
func alertHint(alert tls.AlertError) string {
	switch alert {
	case alertCertificateRequired, alertHandshakeFailure:
		return "the server may want a client certificate (--cert, --key) or other ciphers (--ciphers)"
	case alertBadCertificate, alertUnknownCertificate, alertUnknownCA, alertUnsupportedCert, alertExpired, alertRevoked, alertAccessDenied:
		return "the server does not accept the certificate of --cert"
	case alertProtocolVersion, alertInsufficientSecurity:
		return "--tls-version sets the oldest version to use"
	case alertNoALPN:
		return "--tls-alpn sets the application protocol"
	case alertUnrecognizedName:
		return "--tls-servername sets the name to send"
	}
	return ""
}
