package root

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"mqtt/internal/cli"
	"mqtt/internal/faults"
)

// topic is a text of mqtt help that belongs to no single command.
type topic struct {
	name, short string
	text        func(e *cli.Env) string // called when it is asked for
}

func topics() []topic {
	return []topic{
		{"environment", "The environment variable of each flag", environmentText},
		{"exit", "Exit statuses", exitText},
		{"faults", "The words of --fault", func(*cli.Env) string { return faults.Help }},
		{"formats", "What -F prints", formatsText},
		{"profiles", "Profiles and options files", profilesText},
		{"properties", "The properties of MQTT 5 and where they may stand", propertiesText},
		{"templates", "Topics and payloads of mqtt bench", templatesText},
	}
}

// helpTopics returns the topics as commands that print their text and do nothing.
func helpTopics(e *cli.Env) []*cobra.Command {
	var all []*cobra.Command
	for _, t := range topics() {
		c := &cobra.Command{Use: t.name, Short: t.short}
		c.SetHelpFunc(func(c *cobra.Command, _ []string) {
			c.OutOrStdout().Write([]byte(strings.Trim(t.text(e), "\n") + "\n"))
		})
		all = append(all, c)
	}
	return all
}

// newHelp returns the command mqtt help. An unknown topic is an error.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND | TOPIC]",
		Short: "Help on a command or topic",
		Args:  cobra.ArbitraryArgs,
		ValidArgsFunction: func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var names []string
			if at, _, err := c.Root().Find(args); err == nil {
				for _, sub := range at.Commands() {
					if !sub.Hidden {
						names = append(names, sub.Name()+"\t"+sub.Short)
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			about, rest, err := c.Root().Find(args)
			if err != nil || len(rest) > 0 && !slices.Contains(about.ValidArgs, rest[0]) {
				return cli.Usage("no help on "+cli.Quote(strings.Join(args, " ")), "mqtt help lists commands and topics")
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}

// columns lays out rows of two columns, the first as wide as its longest entry.
func columns(b *strings.Builder, rows [][2]string) {
	width := 0
	for _, r := range rows {
		width = max(width, len(r[0]))
	}
	for _, r := range rows {
		b.WriteString("  " + r[0])
		if r[1] != "" {
			b.WriteString(strings.Repeat(" ", width-len(r[0])+2) + r[1])
		}
		b.WriteByte('\n')
	}
}
