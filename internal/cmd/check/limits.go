package check

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"mqtt/internal/check"
	"mqtt/internal/cli"
)

// newLimits returns the command mqtt check limits.
func newLimits(e *cli.Env) *cobra.Command {
	f := &flags{}
	c := &cobra.Command{
		Use:   "limits",
		Short: "Measure the limits of a server",
		Long: `Measure the limits of a server by trying: the longest topic and client identifier, the most levels, the largest
packet, the most messages in flight, subscriptions and retained messages, and the Keep Alive that it accepts.

A value with "at least" is the most that was tried.`,
		Example: `  mqtt check limits -h broker.example`,
		Args:    cli.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := e.LoadSettings(c); err != nil {
				return err
			}
			opt, plan, err := f.options(c.Context(), e, c.Flags())
			if err != nil {
				return err
			}
			limits, err := check.Limits(c.Context(), opt)
			if err != nil && !errors.Is(err, check.ErrGone) {
				return failure(plan, err, nil)
			}
			if failed := cli.WriteAll(e, limitsTable(limits)); failed != nil || err == nil {
				return failed
			}
			return cli.Fail(cli.ExitLost, "the last line of the table says at which size", "%w", err)
		},
	}
	fs := c.Flags()
	fs.SortFlags = false
	fs.StringVar(&f.versions, "version", "", "measure with `VERSIONS`: 5,3.1.1 (default: all it speaks)")
	fs.BoolVar(&f.harsh, "harsh", false, "try up to the limits of the protocol")
	fs.StringVar(&f.wait, "wait", "5s", "wait `DURATION` for one answer")
	f.Flags.RegisterServer(fs)
	return c
}

// limitsTable returns the limits as text, a table for each version, with columns as wide as their contents.
func limitsTable(limits []check.Fact) []byte {
	var names, values int
	for _, l := range limits {
		names, values = max(names, len(l.Name)), max(values, len(l.Value))
	}
	var b []byte
	version := ""
	for _, l := range limits {
		if l.Version != version {
			version = l.Version
			b = fmt.Appendf(b, "MQTT %s\n", version)
		}
		b = fmt.Appendf(b, "  %-*s  %-*s  %s\n", names, l.Name, values, l.Value, l.How)
	}
	return b
}
