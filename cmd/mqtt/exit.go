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

// judge is the one table from error to exit status and hint.
func judge(err error) (code int, hint string) {
	var (
		known    *failure
		wrong    *usageError
		settings *config.Error
		limit    *conn.Limit
		refused  *conn.Refused
		gone     *conn.Disconnected
		broken   *conn.Broken
		breach   *conn.Violation
		opening  *conn.Opening
		lost     *conn.Gone
		foreign  *conn.Foreign
		bad      *proto.Error
		tip      hinted
	)
	if errors.As(err, &tip) {
		hint = tip.Hint()
	} else {
		hint = transport.Hint(err)
	}
	switch {
	case errors.As(err, &known):
		return known.code, known.hint
	case errors.As(err, &wrong):
		return exitUsage, wrong.hint
	case errors.As(err, &settings):
		return exitUsage, "mqtt help environment and mqtt help profiles say what stands there"
	case denied(err):
		return exitRefused, credentialsHint
	case errors.As(err, &limit):
		return exitPublish, limitHint(limit)
	case errors.As(err, &lost):
		return exitLost, hint
	case errors.As(err, &refused):
		return exitRefused, refusedHint(refused)
	case errors.As(err, &gone):
		return exitLost, goneHint(gone.Reason)
	case errors.As(err, &opening) && (errors.Is(err, conn.ErrHungUp) || errors.Is(err, conn.ErrSilent)):
		return exitOpening, "is this an MQTT port, and does it want TLS? (--tls)"
	case errors.As(err, &foreign):
		return exitOpening, foreignHint(foreign.Protocol)
	case errors.As(err, &breach):
		return exitLost, breachHint(breach)
	case errors.As(err, &opening):
		return exitOpening, hint
	case errors.As(err, &broken):
		return exitLost, cmp.Or(hint, "--reconnect always tries again")
	case errors.As(err, &bad):
		return exitUsage, ""
	}
	return exitOther, hint
}

func limitHint(l *conn.Limit) string {
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

func refusedHint(r *conn.Refused) string {
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

func goneHint(r proto.Reason) string {
	switch r {
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
func foreignHint(protocol string) string {
	switch protocol {
	case "HTTP":
		return "MQTT over WebSocket may be there (--ws, --ws-path); MQTT itself is on another port, often 1883 or 8883"
	case "TLS":
		return "--tls speaks it"
	}
	return "check host and port: MQTT is often on 1883, or on 8883 with TLS"
}

func breachHint(v *conn.Violation) string {
	var e *proto.Error
	switch {
	case errors.As(v, &e) && e.Reason == proto.MalformedPacket:
		return "is this an MQTT server? -d shows the packets"
	case errors.Is(v, scram.ErrProof):
		return "whoever answers there may not know the password: check host and port, then the password"
	case errors.Is(v, scram.ErrIterations):
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
