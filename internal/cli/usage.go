package cli

import (
	"errors"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mqtt/internal/config"
	"mqtt/internal/transport"
)

// A UsageError is a command line that cannot be carried out. Nothing was sent, and the exit status
// is ExitUsage.
type UsageError struct {
	Flag   string   // the flag at fault, as typed; "" if there is none
	Others []string // further flags that Flag does not go with
	Value  string   // the value of Flag, if the value is wrong
	What   string   // what is wrong, with the flag and its value
	Hint   string   // what to do

	origin string // where the values of the flags come from, if not from the command line
}

func (u *UsageError) Error() string {
	if u.origin != "" {
		return u.What + " (" + u.origin + ")"
	}
	return u.What
}

// Usage returns a UsageError that concerns no single flag. Like the functions below, which together have
// 270 callers, it is not inlined.
//
//go:noinline
func Usage(what, hint string) error { return &UsageError{What: what, Hint: hint} }

// BadValue returns a UsageError about the value of flag; hint says what was expected.
//
//go:noinline
func BadValue(flag, value, hint string) error {
	return &UsageError{Flag: flag, Value: value, What: flag + " " + Quote(value), Hint: hint}
}

// BadNumber is BadValue for a number, which is not quoted.
//
//go:noinline
func BadNumber(flag string, n int, hint string) error {
	value := strconv.Itoa(n)
	return &UsageError{Flag: flag, Value: value, What: flag + " " + value, Hint: hint}
}

// BadFlag returns a UsageError about flag. rest follows the flag in the message and includes its
// separator, as in ": no such file" or " without -i".
//
//go:noinline
func BadFlag(flag, rest, hint string) error {
	return &UsageError{Flag: flag, What: flag + rest, Hint: hint}
}

// Conflict returns a UsageError about a flag that cannot be given together with one of the others.
func Conflict(flag string, others ...string) error {
	return ConflictHint("give one of them", flag, others...)
}

// ConflictHint is Conflict with another hint.
func ConflictHint(hint, flag string, others ...string) error {
	what := flag + " with " + others[0]
	for i, other := range others[1:] {
		if i == len(others)-2 {
			what += " or " + other
		} else {
			what += ", " + other
		}
	}
	return &UsageError{Flag: flag, Others: others, What: what, Hint: hint}
}

// Suggestion returns ": did you mean NAME?" with the name that is most like word, "" if none is.
func Suggestion(word string, names []string) string {
	known := make([]config.Flag, len(names))
	for i, name := range names {
		known[i].Name = name
	}
	return config.Suggestion(word, known, "")
}

// HintOf returns the hint of a usage error, "" if err is not one.
func HintOf(err error) string {
	var wrong *UsageError
	if errors.As(err, &wrong) {
		return wrong.Hint
	}
	return ""
}

// Origin returns where the value of a flag comes from, as " (from environment MQTT_CAFILE)", "" if it
// is on the command line or not set.
func (e *Env) Origin(flag string) string {
	if at := e.origins[flag]; at != "" {
		return " (from " + at + ")"
	}
	return ""
}

// WithOrigin adds to a usage error where the values of its flags come from, if that is not the
// command line. Other errors are returned as they are.
func (e *Env) WithOrigin(err error) error {
	wrong, ok := err.(*UsageError)
	if !ok || wrong.Flag == "" || len(e.origins) == 0 {
		return err
	}
	var named, from []string
	for _, flag := range append([]string{wrong.Flag}, wrong.Others...) {
		if at := e.origins[flag]; at != "" {
			named, from = append(named, flag), append(from, at)
		}
	}
	with := *wrong
	switch len(named) {
	case 0:
		return err
	case 1:
		with.origin = "from " + from[0]
	default:
		for i := range named {
			named[i] += " from " + from[i]
		}
		with.origin = strings.Join(named, ", ")
	}
	return &with
}

// FlagError returns an error of pflag as a usage error: the flag as typed, what was given, and
// what was expected.
func FlagError(c *cobra.Command, err error) error {
	var (
		unknown *pflag.NotExistError
		missing *pflag.ValueRequiredError
		invalid *pflag.InvalidValueError
		ours    *UsageError
	)
	list := c.CommandPath() + " --help lists the flags"
	if !c.HasParent() {
		list = "flags come after a command; mqtt help lists the commands"
	}
	switch {
	case errors.As(err, &ours):
		return ours
	case errors.Is(err, errTwice) && errors.As(err, &invalid):
		flag := TypedFlag(invalid.GetFlag())
		return Conflict(flag, flag)
	case errors.As(err, &invalid):
		return BadValue(TypedFlag(invalid.GetFlag()), invalid.GetValue(), Expected(invalid.GetFlag()))
	case errors.Is(err, pflag.ErrHelp): // -h, where it is not the host
		return err
	case errors.As(err, &missing):
		return missingValue(missing.GetFlag())
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "":
		return Usage(err.Error()+Guess(c, unknown.GetSpecifiedName()), list)
	case errors.As(err, &unknown):
		return Usage("unknown flag: -"+unknown.GetSpecifiedName()+guessLetter(c, unknown.GetSpecifiedName()), list)
	}
	return Usage(err.Error(), list)
}

// Expected returns a hint about the kind of value that f takes.
func Expected(f *pflag.Flag) string {
	switch {
	case f.Value.Type() == "bool":
		return "expected true or false"
	case f.Name == "qos" || f.Name == "will-qos":
		return "expected 0, 1 or 2"
	}
	return "expected a number"
}

// TypedFlag returns a flag as people type it: -x if it has a letter, else --name.
func TypedFlag(f *pflag.Flag) string {
	if f.Shorthand != "" {
		return "-" + f.Shorthand
	}
	return "--" + f.Name
}

// NoArguments is a cobra.PositionalArgs that rejects all of them.
func NoArguments(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	what := "unexpected argument " + Quote(transport.Redact(args[0]))
	if guess := guessArguments(c, args); guess != "" {
		what += ": did you mean " + guess + "?"
	}
	return Usage(what, c.CommandPath()+" --help lists the flags")
}

// Arguments returns a cobra.PositionalArgs that wants at least `least` arguments, and at most the
// given number if there is one. what names the first in an error.
func Arguments(least int, what string, most ...int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < least {
			return Usage(what+" is missing", c.CommandPath()+" --help describes the arguments")
		}
		if len(most) > 0 && len(args) > most[0] {
			return NoArguments(c, args[most[0]:])
		}
		return nil
	}
}
