package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"mqtt/internal/config"
)

// CommandLine returns the command line of c as a shell reads it, with secrets replaced and long
// names of flags. LoadSettings must have been called. Values from elsewhere, such as the
// environment, are not in it.
func (e *Env) CommandLine(c *cobra.Command) string {
	words := []string{c.CommandPath()}
	fs := c.Flags()
	for _, s := range Given(fs) {
		if !e.Typed[s.Flag] {
			continue
		}
		f := fs.Lookup(s.Flag)
		for _, value := range s.Values {
			name, value := "--"+f.Name, config.Masked(f.Name, value)
			if f.NoOptDefVal == "" {
				words = append(words, name, ShellQuote(value))
			} else if value == f.NoOptDefVal {
				words = append(words, name)
			} else {
				words = append(words, name+"="+ShellQuote(value))
			}
		}
	}
	for _, arg := range fs.Args() {
		words = append(words, ShellQuote(arg))
	}
	return strings.Join(words, " ")
}
