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
	write       func(p *page, e *cli.Env) // called when it is asked for
}

func topics() []topic {
	return []topic{
		{"connection", "Server, proxy, credentials, profiles, diagnostics", connectionText},
		{"tls", "Certificates: trust, client certificates, a CA for tests", tlsText},
		{"session", "Sessions, reconnecting and the will", sessionText},
		{"properties", "The properties of MQTT 5", propertiesText},
		{"environment", "The environment variable of each flag", environmentText},
		{"exit", "Exit statuses", exitText},
		{"faults", "The words of --fault", func(p *page, _ *cli.Env) { p.text(faults.Help) }},
		{"formats", "The escapes of -F", formatsText},
		{"payloads", "The formats of --decode and --encode, and --schema", payloadsText},
		{"profiles", "Profiles and options files", profilesText},
		{"templates", "Variables in topics and payloads of mqtt bench", templatesText},
	}
}

// helpTopics returns the topics as commands that do nothing.
func helpTopics() []*cobra.Command {
	var all []*cobra.Command
	for _, t := range topics() {
		all = append(all, &cobra.Command{Use: t.name, Short: t.short})
	}
	return all
}

// isTopic reports whether c is a help topic. All other commands can be run.
func isTopic(c *cobra.Command) bool { return !c.Runnable() }

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
				what := "no help on " + cli.Quote(strings.Join(args, " "))
				if guess := guessCommand(args[0]); guess != "" {
					what += ": did you mean " + guess + " --help?"
				} else if names := c.ValidArgsFunction; names != nil {
					words, _ := names(c, nil, "")
					for i := range words {
						words[i], _, _ = strings.Cut(words[i], "\t")
					}
					what += cli.Suggestion(args[0], words)
				}
				return cli.Usage(what, "mqtt help lists commands and topics")
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}
