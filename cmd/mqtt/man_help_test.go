package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/cmd/root"
)

// Help texts are compared with files, one for each command and topic:
//
//	go test ./cmd/mqtt -run Man -update
const helpFolder = "testdata/help"

// helpTree returns an environment without variables, and its command tree.
func helpTree() (*cli.Env, *cobra.Command) {
	e := &cli.Env{LookupEnv: func(string) (string, bool) { return "", false }, Environ: func() []string { return nil }, Release: "1.2.3"}
	e.Tree = func(args []string) *cobra.Command { return root.New(e, args) }
	return e, root.New(e, nil)
}

// helpPages calls f for mqtt, each command and each topic.
func helpPages(top *cobra.Command, f func(c *cobra.Command)) {
	f(top)
	for _, c := range top.Commands() {
		if !c.Hidden {
			helpPages(c, f)
		}
	}
}

func TestManHelpText(t *testing.T) {
	e, top := helpTree()
	known := make(map[string]bool)
	compare := func(name, text string) {
		t.Helper()
		file := filepath.Join(helpFolder, name)
		known[file] = true
		if *update {
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if old, err := os.ReadFile(file); err != nil || string(old) != text {
			t.Errorf("%s is not the help of now (%v): go test ./cmd/mqtt -run Man -update\n%s", file, err, firstDifference(string(old), text))
		}
	}
	helpPages(top, func(c *cobra.Command) {
		name := strings.ReplaceAll(c.CommandPath(), " ", "-")
		compare(name+".txt", root.HelpText(e, c, 80, false))
		if c.Name() == "sub" || c.Name() == "tls" || c == top {
			compare(name+".50.txt", root.HelpText(e, c, 50, false))
			compare(name+".120.txt", root.HelpText(e, c, 120, false))
		}
		if c.Name() == "sub" {
			compare(name+".all.txt", root.HelpText(e, c, 80, true))
		}
	})
	files, err := filepath.Glob(helpFolder + "/*")
	for _, file := range files {
		if err == nil && !known[file] && *update {
			err = os.Remove(file)
		}
		if err != nil || !known[file] && !*update {
			t.Errorf("%s belongs to no command: %v", file, err)
		}
	}
}

// No line is wider than the terminal, if that has 50 columns, and a narrow page has the words of a wide
// one.
func TestManHelpWidth(t *testing.T) {
	e, top := helpTree()
	words := func(text string) string {
		return strings.Join(strings.Fields(strings.ReplaceAll(text, " \\\n", " ")), " ")
	}
	helpPages(top, func(c *cobra.Command) {
		for _, all := range []bool{false, true} {
			wide := words(root.HelpText(e, c, 1000, all))
			for _, width := range []int{30, 50, 80, 120} {
				text := root.HelpText(e, c, width, all)
				if words(text) != wide {
					t.Errorf("%s: the words at %d columns are not those at 1000", c.CommandPath(), width)
				}
				for line := range strings.Lines(text) {
					line = strings.TrimSuffix(line, "\n")
					if utf8.RuneCountInString(line) > width && width >= 50 {
						t.Errorf("%s: more than %d columns: %q", c.CommandPath(), width, line)
					}
					if strings.TrimRight(line, " ") != line || strings.ContainsAny(line, "`\t\x00") {
						t.Errorf("%s: %q", c.CommandPath(), line)
					}
				}
			}
		}
	})
}

// The text of a flag is an imperative phrase of at most 60 characters; what is optional comes after it.
func TestManFlagTexts(t *testing.T) {
	for _, c := range manCommands() {
		for _, f := range manFlags(c) {
			_, text := pflag.UnquoteUsage(f)
			first, _ := utf8.DecodeRuneInString(text)
			switch {
			case utf8.RuneCountInString(text) > 60:
				t.Errorf("%s --%s: more than 60 characters: %q", c.CommandPath(), f.Name, text)
			case !unicode.IsLower(first) || strings.HasSuffix(text, ".") || strings.Contains(text, "`"):
				t.Errorf("%s --%s: %q", c.CommandPath(), f.Name, text)
			case strings.Contains(text, ", many") || strings.HasPrefix(text, "with -"):
				t.Errorf("%s --%s: say repeatable, or requires -x: %q", c.CommandPath(), f.Name, text)
			}
		}
	}
}
