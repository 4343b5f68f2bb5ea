package root

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"mqtt/internal/bench"
	"mqtt/internal/cli"
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

// No line of a topic is wider than a terminal of 120 columns, and none ends with a space.
func TestHelpIsReadable(t *testing.T) {
	e := &cli.Env{LookupEnv: func(string) (string, bool) { return "", false }}
	e.Tree = func(args []string) *cobra.Command { return New(e, args) }
	for _, topic := range topics() {
		for _, line := range strings.Split(topic.text(e), "\n") {
			if len(line) > 120 || strings.HasSuffix(line, " ") || strings.Contains(line, "\t") {
				t.Errorf("%s: %q", topic.name, line)
			}
		}
	}
}
