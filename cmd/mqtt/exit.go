package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mqtt/internal/config"
	"mqtt/internal/conn"
	"mqtt/internal/format"
	"mqtt/internal/proto"
	"mqtt/internal/scram"
	"mqtt/internal/transport"
)

// The exit statuses.
const (
	exitOther     = 1  // an error that has no code of its own
	exitUsage     = 2  // wrong flags or arguments
	exitOpening   = 3  // no connection: name, TCP, TLS, WebSocket, time
	exitRefused   = 4  // the server refused the connection
	exitSubscribe = 5  // a subscription was refused
	exitPublish   = 6  // a message was refused
	exitLost      = 7  // the connection was lost
	exitExpected  = 8  // an expectation or threshold did not hold
	exitTimeout   = 27 // -W ran out
)

// failure is an error whose exit status the command itself knows.
type failure struct {
	code int
	err  error
	hint string
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func fail(code int, hint, text string, args ...any) error {
	return &failure{code, fmt.Errorf(text, args...), hint}
}

// finish says on stderr what went wrong, in one line, and returns the exit status.
func (e *env) finish(ctx context.Context, name string, err error) int {
	if err == nil || errors.Is(err, errQuiet) {
		return 0
	}
	var status exitStatus
	if errors.As(err, &status) {
		return int(status) // of a command that was told of the signal, too
	}
	code, hint := judge(err)
	var s signaled
	if cause := context.Cause(ctx); cause != nil && errors.As(cause, &s) {
		code, hint, err = 128+int(s.sig), "", s
	}
	if e.mosquitto() {
		code = mosquittoStatus(code, err)
	}
	line := string(format.VisibleLine(nil, []byte(err.Error())))
	if hint != "" {
		line += " - " + hint
	}
	fmt.Fprintf(e.err, "%s: %s\n", name, line)
	return code
}

// exitStatus is the status of another program that becomes ours, without a word.
type exitStatus int

func (s exitStatus) Error() string { return "exit status " + strconv.Itoa(int(s)) }

// topicHint is the hint for a bad topic or filter: about its form, or about its characters where these are what is bad.
func topicHint(s, form string) string {
	if proto.CheckText(s) != nil {
		return textRule
	}
	return form
}

// flagError is pflag's error in our words: the flag as it is typed, what was given, and what was expected.
func flagError(c *cobra.Command, err error) error {
	var (
		unknown *pflag.NotExistError
		missing *pflag.ValueRequiredError
		invalid *pflag.InvalidValueError
	)
	switch {
	case errors.Is(err, errTwice) && errors.As(err, &invalid):
		flag := typedFlag(invalid.GetFlag())
		return usage(flag+" with "+flag, "give one of them")
	case errors.As(err, &invalid):
		return usage(typedFlag(invalid.GetFlag())+" "+quoted(invalid.GetValue()), expectedBy(invalid.GetFlag()))
	case errors.Is(err, pflag.ErrHelp): // -h, where that is no host
		return err
	case errors.As(err, &missing):
		flag := typedFlag(missing.GetFlag())
		value, _ := pflag.UnquoteUsage(missing.GetFlag())
		return usage(flag+" without a value", "expected "+flag+" "+value)
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "":
		return usage(err.Error()+config.Suggestion(unknown.GetSpecifiedName(), describe(c.Flags()), "--"), c.CommandPath()+" --help lists the flags")
	}
	return usage(err.Error(), c.CommandPath()+" --help lists the flags")
}

// expectedBy says what kind of value a flag takes.
func expectedBy(f *pflag.Flag) string {
	if f.Value.Type() == "bool" {
		return "expected true or false"
	}
	return "expected a number"
}

// typedFlag is a flag as people type it: by its letter, if it has one.
func typedFlag(f *pflag.Flag) string {
	if f.Shorthand != "" {
		return "-" + f.Shorthand
	}
	return "--" + f.Name
}

// hinted is an error of another package that knows what to try.
type hinted interface{ Hint() string }

// outcome is what an error of a connection means to a command.
type outcome struct {
	code int
	hint func(err error) string // nil: the hint of package transport, if any
	// unnamed says that the error does not name the server, so that explain adds it.
	unnamed bool
}

// outcomes is the one table from the class of an error to exit status and hint.
var outcomes = [...]outcome{
	conn.ClassNone:         {code: exitOther},
	conn.ClassOther:        {code: exitOther},
	conn.ClassCanceled:     {code: exitOther},
	conn.ClassDeadline:     {code: exitOther},
	conn.ClassTimeout:      {code: exitOpening, unnamed: true},
	conn.ClassOpen:         {code: exitOpening, unnamed: true},
	conn.ClassResolve:      {code: exitOpening, unnamed: true},
	conn.ClassConnect:      {code: exitOpening, unnamed: true},
	conn.ClassProxy:        {code: exitOpening, unnamed: true},
	conn.ClassTLS:          {code: exitOpening, unnamed: true},
	conn.ClassCertificate:  {code: exitOpening, unnamed: true},
	conn.ClassWebSocket:    {code: exitOpening, unnamed: true},
	conn.ClassHungUp:       {code: exitOpening, hint: unansweredHint, unnamed: true},
	conn.ClassSilent:       {code: exitOpening, hint: unansweredHint, unnamed: true},
	conn.ClassForeign:      {code: exitOpening, hint: foreignHint, unnamed: true},
	conn.ClassRefused:      {code: exitRefused, hint: refusedHint, unnamed: true},
	conn.ClassDisconnected: {code: exitLost, hint: disconnectedHint, unnamed: true},
	conn.ClassLost:         {code: exitLost, hint: lostHint, unnamed: true},
	conn.ClassGone:         {code: exitLost, unnamed: true},
	conn.ClassProtocol:     {code: exitLost, hint: breachHint, unnamed: true},
	conn.ClassSubscribe:    {code: exitSubscribe, hint: subscribeHint},
	conn.ClassLimit:        {code: exitPublish, hint: limitHint},
	conn.ClassInvalid:      {code: exitUsage, hint: noHint},
}

// judge returns the exit status and the hint for err.
func judge(err error) (code int, hint string) {
	var (
		known    *failure
		wrong    *usageError
		settings *config.Error
	)
	switch {
	case errors.As(err, &known):
		return known.code, known.hint
	case errors.As(err, &wrong):
		return exitUsage, wrong.hint
	case errors.As(err, &settings):
		return exitUsage, "mqtt help environment and mqtt help profiles say what stands there"
	}
	o := &outcomes[conn.Class(err)]
	if o.hint != nil {
		return o.code, o.hint(err)
	}
	return o.code, transportHint(err)
}

// transportHint is the hint of an error that knows what to try, or of package transport.
func transportHint(err error) string {
	var tip hinted
	if errors.As(err, &tip) {
		return tip.Hint()
	}
	return transport.Hint(err)
}

func noHint(error) string { return "" }

func unansweredHint(error) string { return "is this an MQTT port, and does it want TLS? (--tls)" }

func lostHint(err error) string { return cmp.Or(transportHint(err), "--reconnect always tries again") }

func subscribeHint(err error) string {
	var s *conn.SubscribeError
	errors.As(err, &s)
	return refusedFilterHint(s.Reason)
}

func limitHint(err error) string {
	var l *conn.Limit
	errors.As(err, &l)
	switch l.Property {
	case proto.MaximumQoS:
		return fmt.Sprintf("-q %d, or --downgrade-qos", l.Max)
	case proto.RetainAvailable:
		return "this server keeps no retained messages: leave out -r"
	case proto.TopicAliasMaximum:
		return "leave out the topic alias, or use a smaller one"
	}
	return "send less at once"
}

const credentialsHint = "check -u and the password (--password-file, MQTT_PASSWORD)"

func refusedHint(err error) string {
	var r *conn.Refused
	if !errors.As(err, &r) {
		return credentialsHint // the exchange of --auth-method failed
	}
	switch r.Reason {
	case proto.BadUserNameOrPassword:
		return credentialsHint
	case proto.NotAuthorized:
		return "the server wants other credentials: -u with --password-file or MQTT_PASSWORD"
	case proto.UnsupportedProtocolVersion:
		return otherVersions(r.Version)
	case proto.UnspecifiedError, proto.ImplementationSpecificError:
		return "the server's log may say why"
	case proto.MalformedPacket, proto.ProtocolError:
		return "-d shows the packets; " + otherVersions(r.Version)
	case proto.Banned:
		return "the server has barred this client, by its identifier, user or address: ask who runs it"
	case proto.ClientIdentifierNotValid:
		return "try another client identifier: -i"
	case proto.BadAuthenticationMethod:
		return "try another --auth-method, or none"
	case proto.ServerBusy, proto.ServerUnavailable, proto.ConnectionRateExceeded, proto.QuotaExceeded:
		return "try again later, or with --reconnect 10"
	case proto.UseAnotherServer, proto.ServerMoved:
		if s := r.Props.Value(proto.ServerReference); len(s) > 0 {
			return "the server points to " + string(s)
		}
	case proto.TopicNameInvalid, proto.QoSNotSupported, proto.RetainNotSupported, proto.PayloadFormatInvalid:
		return "look at the will: --will-topic, --will-qos, --will-retain"
	}
	return ""
}

// otherVersions are those to try where one was refused.
func otherVersions(v proto.Version) string {
	switch v {
	case proto.V5:
		return "try another version: -V 3.1.1 or 3.1"
	case proto.V311:
		return "try another version: -V 5 or 3.1"
	}
	return "try another version: -V 5 or 3.1.1"
}

// refusedMessageHint says what may help against a refusal of a message.
func refusedMessageHint(r proto.Reason) string {
	switch r {
	case proto.NotAuthorized:
		return "this user may not publish there"
	case proto.TopicNameInvalid:
		return "the server takes no such topic"
	case proto.QuotaExceeded:
		return "try again later, or send less at once"
	case proto.PayloadFormatInvalid:
		return "the payload is not what --payload-format-indicator says"
	case proto.UnspecifiedError, proto.ImplementationSpecificError:
		return "the server's log may say why"
	}
	return "-d shows the packets"
}

func disconnectedHint(err error) string {
	var d *conn.Disconnected
	errors.As(err, &d)
	switch d.Reason {
	case proto.SessionTakenOver:
		return "another client came with the same identifier: choose another -i"
	case proto.NotAuthorized:
		return "this user may not do that here"
	case proto.PacketTooLarge:
		return "send less at once"
	case proto.MalformedPacket, proto.ProtocolError:
		return "-d shows the packets"
	}
	return "--reconnect always tries again"
}

// foreignHint is for a port where something else than MQTT is served.
func foreignHint(err error) string {
	var f *conn.Foreign
	errors.As(err, &f)
	switch f.Protocol {
	case "HTTP":
		return "MQTT over WebSocket may be there (--ws, --ws-path); MQTT itself is on another port, often 1883 or 8883"
	case "TLS":
		return "--tls speaks it"
	}
	return "check host and port: MQTT is often on 1883, or on 8883 with TLS"
}

func breachHint(err error) string {
	var e *proto.Error
	switch {
	case errors.As(err, &e) && e.Reason == proto.MalformedPacket:
		return "is this an MQTT server? -d shows the packets"
	case errors.Is(err, scram.ErrProof):
		return "whoever answers there may not know the password: check host and port, then the password"
	case errors.Is(err, scram.ErrIterations):
		return "have the password stored anew at the server, or use another --auth-method"
	}
	return "-d shows the packets"
}

// mosquittoStatus is the status that mosquitto's own tools would have ended with: where a small one is a CONNACK's, 1 is
// for what has none.
func mosquittoStatus(code int, err error) int {
	var refused *conn.Refused
	switch {
	case errors.As(err, &refused) && refused.Version < proto.V5:
		return int(refused.Reason.ReturnCode())
	case errors.As(err, &refused):
		return int(refused.Reason)
	case code == exitUsage, code == exitOpening, code == exitSubscribe, code == exitPublish:
		return exitOther
	}
	return code
}
