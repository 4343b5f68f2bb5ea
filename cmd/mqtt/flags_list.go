package main

import (
	"errors"

	"github.com/spf13/pflag"
)

// listValue is a flag that may be given many times. It does what pflag's own does, without the detour over CSV that
// each start would pay for.
type listValue struct{ to *[]string }

// list adds such a flag.
func list(fs *pflag.FlagSet, to *[]string, name, short, usage string) {
	fs.VarP(listValue{to}, name, short, usage)
}

func (l listValue) Set(s string) error         { *l.to = append(*l.to, s); return nil }
func (l listValue) Type() string               { return "stringArray" }
func (l listValue) Append(s string) error      { return l.Set(s) }
func (l listValue) Replace(all []string) error { *l.to = all; return nil }
func (l listValue) GetSlice() []string         { return *l.to }
func (l listValue) String() string {
	if l.to == nil || len(*l.to) == 0 {
		return ""
	}
	return (*l.to)[len(*l.to)-1]
}

// onceValue is a flag with one value, of which two are a mistake: the first would be dropped in silence.
type onceValue struct {
	to    *string
	given *bool
}

// once adds such a flag.
func once(fs *pflag.FlagSet, to *string, name, short, usage string) {
	fs.VarP(onceValue{to, new(bool)}, name, short, usage)
}

// Set takes the value, the first time.
func (o onceValue) Set(s string) error {
	if *o.given {
		return errTwice
	}
	*o.to, *o.given = s, true
	return nil
}

// Type is that of other flags with text.
func (o onceValue) Type() string { return "string" }

func (o onceValue) String() string {
	if o.to == nil {
		return ""
	}
	return *o.to
}

var errTwice = errors.New("given twice")
