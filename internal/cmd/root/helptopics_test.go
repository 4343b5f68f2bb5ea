package root

import (
	"strings"
	"testing"

	"mqtt/internal/bench"
	"mqtt/internal/format"
)

// Every escape that format knows is in the help, and every one in the help is known.
func TestHelpHasEveryEscape(t *testing.T) {
	named := make(map[string]bool)
	for _, table := range [][]escape{messageEscapes(), timeEscapes(), byteEscapes()} {
		for _, row := range table {
			for _, name := range strings.Fields(strings.ReplaceAll(row[0], ",", " ")) {
				named[name] = true
			}
		}
	}
	for _, first := range `%@\` {
		for c := '!'; c <= '~'; c++ {
			if first == '%' && strings.ContainsRune("0123456789-.", c) {
				continue // what may stand between % and its letter
			}
			name := string(first) + string(c)
			_, err := format.Compile(name, format.Options{})
			if named[name] != (err == nil) {
				t.Errorf("%s: in the help %v, known %v", name, named[name], err == nil)
			}
		}
	}
}

// Every variable of bench is in the help.
func TestHelpHasEveryVariable(t *testing.T) {
	for c := '!'; c <= '~'; c++ {
		known := false
		for _, row := range templateVariables() {
			known = known || row[0] == "%"+string(c)
		}
		if _, err := bench.Compile("%"+string(c), "intru"); known != (err == nil) {
			t.Errorf("%%%c: in the help %v, known %v", c, known, err == nil)
		}
	}
}
