package root

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mqtt/internal/cli"
)

const (
	pipeWidth = 80  // columns of a help text that no terminal shows
	mostWidth = 120 // longer lines are hard to read
)

// helpFlag is the value of --help: off, on, or all for the flags of the connection, too. To cobra it
// is a bool.
type helpFlag struct{ on, all bool }

func (h *helpFlag) Set(s string) error {
	switch s {
	case "all":
		h.on, h.all = true, true
	case "true":
		h.on = true
	case "false":
		h.on, h.all = false, false
	default:
		return cli.BadValue("--help", s, "expected --help or --help=all")
	}
	return nil
}

func (h *helpFlag) String() string {
	if h.on {
		return "true"
	}
	return "false"
}

func (h *helpFlag) Type() string { return "bool" }

// addHelpFlag adds --help to root and all of its commands.
func addHelpFlag(root *cobra.Command) {
	f := root.PersistentFlags().VarPF(&helpFlag{}, "help", "", "print help and exit; --help=all lists every flag")
	f.NoOptDefVal = "true"
}

// helpWidth returns the width of help texts.
func helpWidth(e *cli.Env) int {
	if width, ok := cli.TerminalWidth(e.Out); ok {
		return min(width, mostWidth)
	}
	return pipeWidth
}

// printHelp writes the help of a command or topic.
func printHelp(e *cli.Env, c *cobra.Command) {
	all := false
	if f := c.Flag("help"); f != nil {
		if h, ok := f.Value.(*helpFlag); ok {
			all = h.all
		}
	}
	c.OutOrStdout().Write([]byte(HelpText(e, c, helpWidth(e), all)))
}

// HelpText returns the help of a command or topic for a terminal of that width. With all, it has every
// flag of the command.
func HelpText(e *cli.Env, c *cobra.Command, width int, all bool) string {
	p := &page{width: width}
	switch {
	case !c.HasParent():
		p.rootHelp(c)
	case isTopic(c):
		for _, t := range topics() {
			if t.name == c.Name() {
				t.write(p, e)
			}
		}
	default:
		p.help(c, all)
	}
	return strings.TrimRight(p.b.String(), "\n") + "\n"
}

// help writes what a command does, how it is used, examples, its flags, and at the end the rest of its
// description.
func (p *page) help(c *cobra.Command, all bool) {
	about, notes, _ := strings.Cut(c.Long, "\n\n")
	if about == "" {
		about = c.Short
	}
	p.text(about)
	p.line("\nUsage:")
	p.usage(c)
	for _, sub := range visible(c.Commands()) {
		p.usage(sub)
	}
	if c.Example != "" {
		p.line("\nExamples:")
		for line := range strings.SplitSeq(c.Example, "\n") {
			p.command(line)
		}
	}
	if subs := visible(c.Commands()); len(subs) > 0 {
		p.line("\nCommands:")
		p.commands(subs)
	}
	groups := Groups(c)
	if !all {
		groups = shortGroups(c)
	}
	for _, g := range groups {
		p.line("\n" + g.Title + ":")
		p.flags(g.Flags)
	}
	if notes != "" {
		p.line("")
		p.text(notes)
	}
	if more := moreHelp(c, all); more != "" {
		p.line("")
		p.text(more)
	}
}

// usage writes the forms of a command line. Use may have several lines, each beginning with the name of
// the command. A command that only prints its help has none.
func (p *page) usage(c *cobra.Command) {
	flags := ""
	if len(Groups(c)) > 0 {
		flags = " [flags]"
	} else if len(visible(c.Commands())) > 0 {
		return
	}
	name := "  " + c.CommandPath()
	for line := range strings.SplitSeq(c.Use, "\n") {
		line = strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(line), c.CommandPath()), c.Name())
		if line = strings.TrimSpace(line + flags); line == "" {
			p.line(name)
			continue
		}
		p.hang(name+" ", len(name)+1, line)
	}
}

// moreHelp returns the last line of a command's help: where the rest is.
func moreHelp(c *cobra.Command, all bool) string {
	switch {
	case c.Flags().Lookup("profile") != nil && !all:
		return "More flags: mqtt help connection, mqtt help tls, mqtt help session, mqtt help properties. All flags: " + c.CommandPath() + " --help=all"
	case len(visible(c.Commands())) > 0:
		return "Help on a command: " + c.CommandPath() + " COMMAND --help"
	}
	return ""
}

// rootHelp writes the help of mqtt itself.
func (p *page) rootHelp(c *cobra.Command) {
	p.text(c.Long)
	p.line("\nUsage:\n  mqtt COMMAND [flags]\n  mqtt help [COMMAND | TOPIC]\n\nExamples:")
	for line := range strings.SplitSeq(c.Example, "\n") {
		p.command(line)
	}
	var names []string // in the order of the page
	for _, known := range commands() {
		names = append(names, known.name)
	}
	names = append(names, "help")
	for _, known := range topics() {
		names = append(names, known.name)
	}
	var about []*cobra.Command
	subs := slices.DeleteFunc(visible(c.Commands()), func(sub *cobra.Command) bool {
		if isTopic(sub) {
			about = append(about, sub)
		}
		return isTopic(sub)
	})
	for _, list := range [][]*cobra.Command{subs, about} {
		slices.SortStableFunc(list, func(a, b *cobra.Command) int {
			return slices.Index(names, a.Name()) - slices.Index(names, b.Name())
		})
	}
	p.line("\nCommands:")
	p.commands(subs)
	p.line("\nTopics of mqtt help:")
	p.commands(about)
	p.line("\nFlags:")
	p.flags([]*pflag.Flag{c.Flag("help"), c.Flag("version")})
	p.line("")
	p.text("-h is the host, as in mosquitto's clients. mqtt COMMAND --help explains a command.")
}

// visible returns the commands that help lists.
func visible(all []*cobra.Command) []*cobra.Command {
	return slices.DeleteFunc(slices.Clone(all), func(c *cobra.Command) bool { return c.Hidden })
}

// commands writes a list of commands or topics.
func (p *page) commands(all []*cobra.Command) {
	var rows [][2]string
	for _, c := range all {
		rows = append(rows, [2]string{c.Name(), c.Short})
	}
	p.rows(rows, 2)
}

// flags writes a list of flags.
func (p *page) flags(all []*pflag.Flag) {
	var rows [][2]string
	for _, f := range all {
		value, usage := pflag.UnquoteUsage(f)
		name := "    --" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", --" + f.Name
		}
		if f.Value.Type() != "bool" {
			name += " " + value
		}
		if d := DefaultOf(f); d != "" {
			if before, ok := strings.CutSuffix(usage, ")"); ok {
				usage = before + ", default " + d + ")"
			} else {
				usage += " (default " + d + ")"
			}
		}
		rows = append(rows, [2]string{name, usage})
	}
	p.rows(rows, 2)
}
