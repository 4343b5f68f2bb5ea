package root

import (
	"bytes"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/connect"
	"mqtt/internal/proto"
)

func newCompletion(*cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "completion {bash|zsh|fish|powershell}",
		Short: "Print the script that completes commands and flags in a shell",
		Long: `Print a script for a shell, which completes commands, flags and values: profiles, versions, files and more.

  bash        source <(mqtt completion bash), or into /etc/bash_completion.d/mqtt (it needs the package bash-completion)
  zsh         mqtt completion zsh > "${fpath[1]}/_mqtt"
  fish        mqtt completion fish > ~/.config/fish/completions/mqtt.fish
  powershell  mqtt completion powershell | Out-String | Invoke-Expression`,
		Args:      cli.Arguments(1, "the name of a shell", 1),
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		RunE: func(c *cobra.Command, args []string) error {
			root, out := c.Root(), c.OutOrStdout()
			switch args[0] {
			case "bash":
				return bashScript(root, out)
			case "zsh":
				return root.GenZshCompletion(out)
			case "fish":
				return root.GenFishCompletion(out, true)
			case "powershell", "pwsh":
				return root.GenPowerShellCompletionWithDesc(out)
			}
			return cli.Usage("no completion for "+cli.Quote(args[0]), "expected bash, zsh, fish or powershell")
		},
	}
}

// completing reports whether a shell asks for completions.
func completing(args []string) bool {
	return len(args) > 0 && (args[0] == cobra.ShellCompRequestCmd || args[0] == cobra.ShellCompNoDescRequestCmd)
}

// completeValues registers the values of flags and arguments in the tree. It is called only when a
// shell asks.
func completeValues(e *cli.Env, c *cobra.Command) {
	for _, sub := range c.Commands() {
		completeValues(e, sub)
	}
	if c.ValidArgsFunction == nil && c.ValidArgs == nil {
		c.ValidArgsFunction = completeArgs(e, c)
	}
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Value.Type() == "bool" {
			return
		}
		if complete := completeFlag(e, c, f); complete != nil {
			c.RegisterFlagCompletionFunc(f.Name, complete)
		}
		_, f.Usage = pflag.UnquoteUsage(f) // for descriptions: without the marks around the value's name
	})
}

// bashScript writes the script for bash. Cobra's script cuts long descriptions in the middle of a word.
func bashScript(root *cobra.Command, out io.Writer) error {
	var b bytes.Buffer
	if err := root.GenBashCompletionV2(&b, true); err != nil {
		return err
	}
	_, err := out.Write(bytes.ReplaceAll(b.Bytes(), []byte(`desc+="…"`), []byte(`desc="${desc% *} …"`)))
	return err
}

// completeArgs completes arguments that are not flags: further words of -D, names of profiles, FLAG=
// for a profile, and the command after --.
func completeArgs(e *cli.Env, c *cobra.Command) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		switch parent := c.Parent(); {
		case parent != nil && parent.Name() == "config" && c.Name() == "show" && len(args) == 0:
			return connected(e), cobra.ShellCompDirectiveNoFileComp
		case parent != nil && parent.Name() == "config" && c.Name() == "add" && len(args) > 0:
			return assignments(e), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
		case parent != nil && parent.Name() == "config" && c.Name() != "list" && c.Name() != "add" && len(args) == 0:
			return profileNames(e), cobra.ShellCompDirectiveNoFileComp
		case c.ArgsLenAtDash() < len(args): // cobra adds a -- at the end
			return nil, cobra.ShellCompDirectiveDefault
		}
		if f := c.Flags().Lookup("property"); f != nil && f.Changed {
			lines := f.Value.(pflag.SliceValue).GetSlice()
			return propertyNames(lines[len(lines)-1], len(args)), cobra.ShellCompDirectiveNoFileComp
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
}

func profileNames(e *cli.Env) []string {
	names, err := cli.Profiles(e).List()
	if err != nil {
		return nil
	}
	return names
}

// connected returns the commands that accept profiles.
func connected(e *cli.Env) []string {
	var names []string
	for _, c := range e.Tree(nil).Commands() {
		if c.Flags().Lookup("profile") != nil {
			names = append(names, c.Name()+"\t"+c.Short)
		}
	}
	return names
}

func assignments(e *cli.Env) []string {
	var words []string
	for _, f := range cli.AllFlags(e) {
		if f.Name != "profile" && f.Name != "options" && f.Name != "help" {
			words = append(words, f.Name+"=")
		}
	}
	return words
}

// propertyNames returns the properties that a packet of -D may carry, once the packet is typed.
func propertyNames(line string, words int) []string {
	if words > 0 {
		return nil
	}
	for _, p := range connect.PropertyPackets {
		if !strings.EqualFold(p.Name, line) {
			continue
		}
		var names []string
		for i := range proto.Properties {
			if row := &proto.Properties[i]; sendable(row, p.T) {
				names = append(names, row.Name)
			}
		}
		return names
	}
	return nil
}
