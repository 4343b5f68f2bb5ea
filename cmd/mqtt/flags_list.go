package main

import "github.com/spf13/pflag"

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
