package check

import (
	"fmt"
	"strings"

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
packet, the most messages in flight, subscriptions and retained messages, and the Keep Alive that it takes.

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
			if err != nil {
				return failure(plan, err, nil)
			}
			var b strings.Builder
			version := ""
			for _, l := range limits {
				if l.Version != version {
					version = l.Version
					fmt.Fprintf(&b, "MQTT %s\n", version)
				}
				fmt.Fprintf(&b, "  %-32s %-16s %s\n", l.Name, l.Value, l.How)
			}
			return cli.WriteAll(e, []byte(b.String()))
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
