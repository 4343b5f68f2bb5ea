package cli

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"mqtt/internal/format"
	"mqtt/internal/proto"
)

// Quote returns s as a quoted Go string, for messages.
func Quote(s string) string { return strconv.Quote(s) }

// FirstError returns the first error that is not nil.
func FirstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// ParseDuration parses the duration of flag; a bare number is seconds.
func ParseDuration(flag, s string) (time.Duration, error) {
	d, err := format.ParseDuration(s)
	if err != nil {
		return 0, BadValue(flag, s, "expected a duration such as 5, 250ms or 1m30s")
	}
	return d, nil
}

// ParseSeconds parses a duration of whole seconds, at most `most`.
func ParseSeconds(flag, s string, most int64) (int64, error) {
	d, err := ParseDuration(flag, s)
	if err != nil {
		return 0, err
	}
	n := int64(d / time.Second)
	if d%time.Second != 0 || n > most {
		return 0, BadValue(flag, s, fmt.Sprintf("expected whole seconds, at most %d", most))
	}
	return n, nil
}

// ParseSize parses a number of bytes between least and most, such as 64KiB.
func ParseSize(flag, s string, least, most int64) (int64, error) {
	n, err := format.ParseSize(s)
	if err == nil && n >= least && n <= most {
		return n, nil
	}
	hint := "expected bytes such as 4096, 64KiB or 1MB"
	switch {
	case most < math.MaxInt64:
		hint += fmt.Sprintf(": from %d to %d (%s)", least, most, format.Bytes(uint64(most)))
	case err == nil:
		hint = fmt.Sprintf("expected at least %d bytes", least)
	}
	return 0, BadValue(flag, s, hint)
}

// CheckCount rejects a number below 1 or above most.
func CheckCount(flag string, n, most int) error {
	switch {
	case n >= 1 && n <= most:
		return nil
	case most < math.MaxInt:
		return BadNumber(flag, n, fmt.Sprintf("expected a whole number from 1 to %d", most))
	}
	return BadNumber(flag, n, "expected a whole number of at least 1")
}

// CheckQoS rejects a QoS other than 0, 1 and 2.
func CheckQoS(flag string, n int) error {
	if n < 0 || n > 2 {
		return BadNumber(flag, n, "expected 0, 1 or 2")
	}
	return nil
}

// CheckInflight rejects a number of messages in flight that is not in the range of packet
// identifiers, 1 to 65535.
func CheckInflight(flag string, n int) error {
	if n < 1 || n > math.MaxUint16 {
		return BadNumber(flag, n, "expected 1 to 65535")
	}
	return nil
}

// textRule says what a text field of a packet may hold [MQTT-1.5.4-1] [MQTT-1.5.4-2].
const textRule = "it must be UTF-8 without NUL, at most 65535 bytes"

// CheckText rejects a value that cannot be a text field of a packet.
func CheckText(flag, s string) error {
	if err := proto.CheckText(s); err != nil {
		return BadFlag(flag, ": "+err.Error(), textRule)
	}
	return nil
}

// TopicHint returns the hint for a bad topic or filter s: about its characters if these are at
// fault, else form.
func TopicHint(s, form string) string {
	if proto.CheckText(s) != nil {
		return textRule
	}
	return form
}

// RandomID returns 64 random bits in base 36, which need not be secret, for a client identifier.
// Without a prefix of the caller's it begins with "mqtt-". It has at most the 23 letters and
// digits that every server accepts [MQTT-3.1.3-5].
func RandomID(prefix string) string {
	end := strconv.FormatUint(rand.Uint64(), 36)
	if prefix == "" {
		return "mqtt-" + end
	}
	return end
}

// ListValue is a pflag.Value that may be given more than once. Unlike pflag's own it does not
// parse CSV, whose start-up cost every command would pay.
type ListValue struct{ To *[]string }

// ListVar adds a flag whose values are appended to *to.
func ListVar(fs *pflag.FlagSet, to *[]string, name, short, usage string) {
	fs.VarP(ListValue{to}, name, short, usage)
}

// Set appends a value.
func (l ListValue) Set(s string) error { *l.To = append(*l.To, s); return nil }

// Type returns the name that pflag has for such flags.
func (l ListValue) Type() string { return "stringArray" }

// Append appends a value.
func (l ListValue) Append(s string) error { return l.Set(s) }

// Replace replaces all values.
func (l ListValue) Replace(all []string) error { *l.To = all; return nil }

// GetSlice returns all values.
func (l ListValue) GetSlice() []string { return *l.To }

// String returns the last value.
func (l ListValue) String() string {
	if l.To == nil || len(*l.To) == 0 {
		return ""
	}
	return (*l.To)[len(*l.To)-1]
}

// onceValue is a text flag that may be given once: of two values the first would be dropped
// without a word.
type onceValue struct {
	to    *string
	given *bool
}

// OnceVar adds a text flag that may be given once.
func OnceVar(fs *pflag.FlagSet, to *string, name, short, usage string) {
	fs.VarP(onceValue{to, new(bool)}, name, short, usage)
}

func (o onceValue) Set(s string) error {
	if *o.given {
		return errTwice
	}
	*o.to, *o.given = s, true
	return nil
}

func (o onceValue) Type() string { return "string" }

func (o onceValue) String() string {
	if o.to == nil {
		return ""
	}
	return *o.to
}

var errTwice = errors.New("given twice")
