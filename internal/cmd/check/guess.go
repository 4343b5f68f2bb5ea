package check

import (
	"os/exec"
	"strings"

	"github.com/spf13/cobra"

	"mqtt/internal/check"
	"mqtt/internal/cli"
	"mqtt/internal/connect"
	"mqtt/internal/transport"
)

// noCase returns the error about selectors that select no case, with the flag or command that they were
// probably meant for.
func noCase(selectors []string) error {
	text := check.ErrNoCase.Error()
	for _, s := range selectors {
		if len(check.List(check.Cases(), []string{s})) > 0 {
			continue
		}
		text = cli.Quote(transport.Redact(s)) + ": " + text
		if meant := guess(s); meant != "" {
			text += ": did you mean " + meant + "?"
		}
		break
	}
	return cli.Usage(text, "mqtt check --list lists the cases")
}

// guess returns what a word that selects no case was probably meant for, "" if there is no guess.
func guess(word string) string {
	if rule := "MQTT-" + strings.Trim(word, "[]"); len(check.List(check.Cases(), []string{rule})) > 0 {
		return rule
	}
	if v, auto, err := connect.ReadVersion(word); err == nil && !auto {
		return "--version " + check.VersionName(v)
	}
	if server := cli.GuessServer(word); server != "" && (len(word) >= len("1883") || server[:2] != "-p") {
		return server
	}
	switch strings.ToLower(word) {
	case "help":
		return "--help"
	case "list", "cases", "rules":
		return "--list"
	case "limit", "measure", "capabilities":
		return "mqtt check limits"
	case "compare", "diff", "reports", "merge":
		return "mqtt check report FILE..."
	case "client":
		return "--client -- COMMAND"
	case "server", "broker":
		return "-h HOST"
	}
	if _, err := exec.LookPath(word); err == nil || strings.Contains(word, "/") {
		return "--client -- " + cli.ShellQuote(word)
	}
	return ""
}

// completeSelector completes an argument of mqtt check: a rule if its first letter is M, else a section, or
// the name of a case.
// With --client, files are completed too, because the client's command is an argument.
func completeSelector(c *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	directive := cobra.ShellCompDirectiveNoFileComp
	if c.Flags().Changed("client") {
		directive = cobra.ShellCompDirectiveDefault
	}
	var words []string
	seen := make(map[string]bool)
	add := func(word, title string) {
		if !seen[word] && strings.HasPrefix(word, typed) {
			seen[word] = true
			words = append(words, cobra.CompletionWithDesc(word, title))
		}
	}
	for line := range strings.Lines(string(check.List(check.Cases(), nil))) {
		fields := strings.Split(strings.TrimSpace(line), "\t")
		place := strings.Split(fields[0], "/")
		switch {
		case len(fields) < 3 || len(place) < 3 || typed == "":
		case typed[0] == 'M':
			for rule := range strings.FieldsSeq(fields[1]) {
				add(rule, fields[2])
			}
		case typed[0] >= '0' && typed[0] <= '9':
			add(place[1], "section")
		default:
			add(place[2], fields[2])
		}
	}
	return words, directive
}
