package conn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"mqtt/internal/proto"
	"mqtt/internal/transport"
)

// TestClass checks the class of every kind of error, also when it is wrapped.
func TestClass(t *testing.T) {
	phase := func(p transport.Phase, err error) error {
		return &OpenError{Err: &transport.Error{Phase: p, Addr: "localhost:1883", Err: err}}
	}
	failed := errors.New("failed")
	alert := &net.OpError{Op: "remote error", Err: tls.AlertError(116)}
	for _, k := range []struct {
		err  error
		want ErrorClass
	}{
		{nil, ClassNone},
		{failed, ClassOther},
		{ErrClosed, ClassOther},
		{ErrWindow, ClassOther},
		{context.Canceled, ClassCanceled},
		{context.DeadlineExceeded, ClassDeadline},
		{&OpenError{Err: fmt.Errorf("no connection within 1s: %w", &transport.Error{Phase: transport.Connect, Err: context.DeadlineExceeded})}, ClassTimeout},
		{&OpenError{Err: failed}, ClassOpen},
		{phase(transport.Prepare, failed), ClassOpen},
		{phase(transport.Resolve, failed), ClassResolve},
		{phase(transport.Connect, failed), ClassConnect},
		{phase(transport.Proxy, failed), ClassProxy},
		{phase(transport.Secure, failed), ClassTLS},
		{phase(transport.Secure, &tls.CertificateVerificationError{Err: failed}), ClassCertificate},
		{phase(transport.Upgrade, failed), ClassWebSocket},
		{&OpenError{Err: &Broken{Op: "read", Err: alert}}, ClassTLS},
		{&OpenError{Err: ErrHungUp}, ClassHungUp},
		{&OpenError{Err: fmt.Errorf("no connection within 1s: %w", &OpenError{Err: ErrSilent})}, ClassSilent},
		{&OpenError{Err: &Foreign{Protocol: "HTTP"}}, ClassForeign},
		{&Refused{}, ClassRefused},
		{&Denied{Err: failed}, ClassRefused},
		{&Violation{Err: &Denied{Err: failed}}, ClassRefused},
		{&Disconnected{}, ClassDisconnected},
		{&Broken{Op: "read", Err: io.EOF}, ClassLost},
		{&Broken{Op: "keep alive", Err: ErrTimeout}, ClassLost},
		{ErrTimeout, ClassLost},
		{&ReconnectError{Err: &OpenError{Err: failed}}, ClassReconnect},
		{&Violation{Err: &proto.Error{}}, ClassProtocol},
		{&SubscribeError{Filter: "a/#", Reason: proto.NotAuthorized}, ClassSubscribe},
		{&Limit{}, ClassLimit},
		{&proto.Error{}, ClassInvalid},
	} {
		if got := Class(k.err); got != k.want {
			t.Errorf("%v: class %v, want %v", k.err, got, k.want)
		}
		if k.err == nil {
			continue
		}
		if got := Class(fmt.Errorf("wrapped: %w", k.err)); got != k.want {
			t.Errorf("wrapped %v: class %v, want %v", k.err, got, k.want)
		}
	}
}

// TestClassNames checks that every class has a name of its own.
func TestClassNames(t *testing.T) {
	seen := map[string]bool{}
	for c := ClassNone; c <= ClassInvalid; c++ {
		if s := c.String(); s == "" || seen[s] {
			t.Errorf("class %d is called %q", c, s)
		} else {
			seen[s] = true
		}
	}
}

// TestGranted checks the three results for a topic filter.
func TestGranted(t *testing.T) {
	filters := []proto.Subscription{{Filter: "a", QoS: 1}, {Filter: "b", QoS: 2}, {Filter: "c"}}
	got := Granted(filters, &proto.Suback{Kind: proto.SUBACK, Reasons: []proto.Reason{1, 1, proto.NotAuthorized},
		Props: props(proto.ReasonString, "read only")})
	for i, want := range []string{"<nil>", "subscribe b: granted QoS 1, not 2", "subscribe c: Not authorized (0x87): read only"} {
		if text := fmt.Sprint(got[i]); text != want {
			t.Errorf("filter %d: %s, want %s", i, text, want)
		}
	}
}
