package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"mqtt/internal/config"
	"mqtt/internal/conn"
	"mqtt/internal/format"
	"mqtt/internal/proto"
)

// The exit statuses.
const (
	ExitOther     = 1  // an error that has no code of its own
	ExitUsage     = 2  // wrong flags or arguments
	ExitOpening   = 3  // no connection: name, TCP, TLS, WebSocket, time
	ExitRefused   = 4  // the server refused the connection
	ExitSubscribe = 5  // a subscription was refused
	ExitPublish   = 6  // a message was refused
	ExitLost      = 7  // the connection was lost
	ExitExpected  = 8  // an expectation or threshold did not hold
	ExitTimeout   = 27 // -W ran out
)

// A Failure is an error with the exit status and hint that the command chose.
type Failure struct {
	Code int
	Err  error
	Hint string
}

func (f *Failure) Error() string { return f.Err.Error() }
func (f *Failure) Unwrap() error { return f.Err }

// Fail returns a Failure with a formatted message; %w wraps.
func Fail(code int, hint, text string, args ...any) error {
	return &Failure{code, fmt.Errorf(text, args...), hint}
}

// Finish writes what went wrong to stderr, in one line after the command's name, and returns the
// exit status.
func (e *Env) Finish(ctx context.Context, name string, err error) int {
	if err == nil || errors.Is(err, ErrQuiet) {
		return 0
	}
	var status ExitStatus
	if errors.As(err, &status) {
		return int(status) // of a program that got the signal, too
	}
	code, hint := Judge(err)
	var s Signaled
	if cause := context.Cause(ctx); cause != nil && errors.As(cause, &s) {
		code, hint, err = 128+int(s.Signal), "", s
	}
	if e.Mosquitto() {
		code = mosquittoStatus(code, err)
	}
	// Everything is escaped, because reasons, names and hints contain what a server sent.
	text := err.Error()
	if hint != "" {
		text += " - " + hint
	}
	line := []byte(e.Palette().Error(string(format.VisibleLine(nil, []byte(name+":")))) + " ")
	e.WriteErr(append(format.VisibleLine(line, []byte(text)), '\n'))
	return code
}

// ExitStatus is the status of another program that becomes this one's, without a message.
type ExitStatus int

func (s ExitStatus) Error() string { return "exit status " + strconv.Itoa(int(s)) }

// An Outcome is what the class of a connection's error means to a command.
type Outcome struct {
	Code int                    // exit status
	hint func(err error) string // nil: the hint of package transport, if any
	// Unnamed reports that the message does not name the server.
	Unnamed bool
}

// outcomes is the one table from the class of an error to its exit status and hint.
var outcomes = [...]Outcome{
	conn.ClassNone:         {Code: ExitOther},
	conn.ClassOther:        {Code: ExitOther},
	conn.ClassCanceled:     {Code: ExitOther},
	conn.ClassDeadline:     {Code: ExitOther},
	conn.ClassTimeout:      {Code: ExitOpening, Unnamed: true},
	conn.ClassOpen:         {Code: ExitOpening, Unnamed: true},
	conn.ClassResolve:      {Code: ExitOpening, Unnamed: true},
	conn.ClassConnect:      {Code: ExitOpening, Unnamed: true},
	conn.ClassProxy:        {Code: ExitOpening, Unnamed: true},
	conn.ClassTLS:          {Code: ExitOpening, Unnamed: true},
	conn.ClassCertificate:  {Code: ExitOpening, Unnamed: true},
	conn.ClassWebSocket:    {Code: ExitOpening, Unnamed: true},
	conn.ClassHungUp:       {Code: ExitOpening, hint: unansweredHint, Unnamed: true},
	conn.ClassSilent:       {Code: ExitOpening, hint: unansweredHint, Unnamed: true},
	conn.ClassForeign:      {Code: ExitOpening, hint: foreignHint, Unnamed: true},
	conn.ClassRefused:      {Code: ExitRefused, hint: refusedHint, Unnamed: true},
	conn.ClassDisconnected: {Code: ExitLost, hint: disconnectedHint, Unnamed: true},
	conn.ClassLost:         {Code: ExitLost, hint: lostHint, Unnamed: true},
	conn.ClassReconnect:    {Code: ExitLost, Unnamed: true},
	conn.ClassProtocol:     {Code: ExitLost, hint: breachHint, Unnamed: true},
	conn.ClassSubscribe:    {Code: ExitSubscribe, hint: subscribeHint},
	conn.ClassLimit:        {Code: ExitPublish, hint: LimitHint},
	conn.ClassInvalid:      {Code: ExitUsage, hint: noHint},
}

// Judge returns the exit status and the hint for err.
func Judge(err error) (code int, hint string) {
	var (
		known    *Failure
		wrong    *UsageError
		settings *config.Error
	)
	switch {
	case errors.As(err, &known):
		return known.Code, known.Hint
	case errors.As(err, &wrong):
		return ExitUsage, wrong.Hint
	case errors.As(err, &settings):
		return ExitUsage, "mqtt help environment and mqtt help profiles describe the values"
	}
	o := &outcomes[conn.Class(err)]
	if o.hint != nil {
		return o.Code, o.hint(err)
	}
	return o.Code, transportHint(err)
}

// OutcomeOf returns the outcome of the class of err.
func OutcomeOf(err error) Outcome { return outcomes[conn.Class(err)] }

// mosquittoStatus returns the status that mosquitto's own clients would have ended with: small ones
// are return codes of CONNACK, and 1 stands for what has none.
func mosquittoStatus(code int, err error) int {
	var refused *conn.Refused
	switch {
	case errors.As(err, &refused) && refused.Version < proto.V5:
		return int(refused.Reason.ReturnCode())
	case errors.As(err, &refused):
		return int(refused.Reason)
	case code == ExitUsage, code == ExitOpening, code == ExitSubscribe, code == ExitPublish:
		return ExitOther
	}
	return code
}

// ErrTimeout is the cause of a context that -W canceled.
var ErrTimeout = errors.New("time is up")
