package check

import (
	"os/exec"
	"strings"

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
