package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/cmd/root"
)

var update = flag.Bool("update", false, "rewrite the options in the man pages")

// The man pages in man/ are written by hand except for the lists of options, which are generated from
// the flags:
//
//	go test ./cmd/mqtt -run Man -update
//
// A list is between two comments, which name its command:
//
//	.\" begin options: mqtt bench conn
//	.\" end options
const (
	optionsBegin = `.\" begin options: `
	optionsEnd   = `.\" end options`
	manFolder    = "../../man"
)

// manCommands returns all commands that are not hidden, subcommands after their parents.
func manCommands() []*cobra.Command {
	e := &cli.Env{LookupEnv: func(string) (string, bool) { return "", false }, Environ: func() []string { return nil }}
	root := root.New(e, nil)
	var all []*cobra.Command
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			if sub.Hidden || !sub.Runnable() {
				continue // a help topic does nothing
			}
			all = append(all, sub)
			walk(sub)
		}
	}
	walk(root)
	return all
}

// manPage returns the file of a command's page. Subcommands are on the page of their parent.
func manPage(c *cobra.Command) string {
	words := strings.Fields(c.CommandPath())
	name := words[0] + "-" + words[1] + ".1"
	if _, err := os.Stat(filepath.Join(manFolder, name)); err != nil {
		return "mqtt.1" // help and completion
	}
	return name
}

// manFlags returns the flags that a command's help lists, in the order of registration.
func manFlags(c *cobra.Command) []*pflag.Flag {
	var all []*pflag.Flag
	for _, g := range root.Groups(c) {
		all = append(all, g.Flags...)
	}
	return all
}

func TestManHasEveryFlag(t *testing.T) {
	lists := make(map[string]string) // by command
	for _, c := range manCommands() {
		lists[c.CommandPath()] = optionsOf(c)
		if len(manFlags(c)) == 0 {
			delete(lists, c.CommandPath())
		}
	}
	pages, err := filepath.Glob(manFolder + "/*.1")
	if err != nil || len(pages) < 8 {
		t.Fatalf("%d man pages, error %v", len(pages), err)
	}
	for _, name := range pages {
		old, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var fresh strings.Builder
		rest := string(old)
		for {
			before, behind, ok := strings.Cut(rest, optionsBegin)
			fresh.WriteString(before)
			if !ok {
				break
			}
			command, behind, _ := strings.Cut(behind, "\n")
			_, after, ok := strings.Cut(behind, optionsEnd)
			list, known := lists[command]
			if !ok || !known {
				t.Fatalf("%s: options of %q: the command is unknown, or their end is not marked", name, command)
			}
			delete(lists, command)
			fresh.WriteString(optionsBegin + command + "\n" + list + optionsEnd)
			rest = after
		}
		switch {
		case fresh.String() == string(old):
		case *update:
			if err := os.WriteFile(name, []byte(fresh.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		default:
			t.Errorf("%s does not have the flags of now: go test ./cmd/mqtt -run Man -update\n%s", name, firstDifference(string(old), fresh.String()))
		}
	}
	for command := range lists {
		t.Errorf("no man page has the options of %q: it needs the lines %q and %q", command, optionsBegin+command, optionsEnd)
	}
}

func firstDifference(old, fresh string) string {
	a, b := strings.Split(old, "\n"), strings.Split(fresh, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d: %q\n  now: %q", i+1, a[i], b[i])
		}
	}
	return fmt.Sprintf("%d lines, now %d", len(a), len(b))
}

// Each command has a page, and each page names its command.
func TestManNamesEveryCommand(t *testing.T) {
	for _, c := range manCommands() {
		text, err := os.ReadFile(filepath.Join(manFolder, manPage(c)))
		if err != nil {
			t.Fatal(err)
		}
		words := strings.Fields(c.CommandPath())
		last := words[len(words)-1]
		if !regexp.MustCompile(`(?m)^\.(Nm|It|Ss|Op|Xr).*\b` + regexp.QuoteMeta(last) + `\b`).Match(text) {
			t.Errorf("%s: %s does not name it", c.CommandPath(), manPage(c))
		}
	}
}

// The usage of every flag with a value names the value in capitals.
func TestManPlaceholders(t *testing.T) {
	for _, c := range manCommands() {
		for _, f := range manFlags(c) {
			if f.Value.Type() == "bool" {
				continue
			}
			if name, _ := pflag.UnquoteUsage(f); !strings.Contains(f.Usage, "`") || strings.ToUpper(name) != name {
				t.Errorf("%s --%s: the value has no `NAME` in %q", c.CommandPath(), f.Name, f.Usage)
			}
		}
	}
}

// mandoc, if it is installed, reports nothing about the pages.
func TestManLint(t *testing.T) {
	mandoc, err := exec.LookPath("mandoc")
	if err != nil {
		t.Skip("mandoc is not installed")
	}
	pages, _ := filepath.Glob(manFolder + "/*.1")
	for _, name := range pages {
		if out, err := exec.Command(mandoc, "-Tlint", "-Wwarning", name).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

// Every flag that a page names exists: in a macro in any command, in an example in the command before
// it.
func TestManFlagsAreKnown(t *testing.T) {
	known := knownFlags()
	pages, _ := filepath.Glob(manFolder + "/*.1")
	for _, name := range pages {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			for _, w := range macroFlags(line) {
				if !known.any(w) {
					t.Errorf("%s:%d: %s is a flag of no command", name, i+1, w)
				}
			}
		}
		for _, s := range manExamples(string(text)) {
			for _, err := range known.misused(s.text) {
				t.Errorf("%s:%d: %v", name, s.line, err)
			}
		}
	}
}

// macroFlags returns the flags in the Fl macros of a line.
func macroFlags(line string) []string {
	if !strings.HasPrefix(line, ".") || strings.HasPrefix(line, `.\"`) {
		return nil
	}
	var flags []string
	words := strings.Fields(line[1:])
	for i := 1; i < len(words); i++ {
		if words[i-1] == "Fl" && strings.Trim(words[i], ",.;:()") != "" {
			flags = append(flags, "-"+words[i])
		}
	}
	return flags
}

// manExamples returns the literal blocks of a page.
func manExamples(text string) []docScript {
	var all []docScript
	var block []string
	in := false
	for i, line := range strings.Split(text, "\n") {
		switch {
		case strings.HasPrefix(line, ".Bd -literal"):
			in, block = true, nil
		case in && line == ".Ed":
			all = append(all, docScript{line: i + 1 - len(block), text: unescapeRoff(strings.Join(block, "\n"))})
			in = false
		case in:
			block = append(block, line)
		}
	}
	return all
}

func unescapeRoff(s string) string {
	return strings.NewReplacer(`\e`, `\`, `\-`, `-`, `\&`, ``, `\(aq`, `'`, `\(ti`, `~`, `\(ha`, `^`).Replace(s)
}

// optionsOf returns the list of a command's options in mdoc. Options that a subcommand shares with its
// parent are listed by name only.
func optionsOf(c *cobra.Command) string {
	var b bytes.Buffer
	above := make(map[string]string)
	if p := c.Parent(); p.HasParent() {
		for _, f := range manFlags(p) {
			above[f.Name] = f.Usage
		}
	}
	var same []string
	open := false
	for _, g := range root.Groups(c) {
		headed := false
		for _, f := range g.Flags {
			if usage, ok := above[f.Name]; ok && usage == f.Usage {
				same = append(same, f.Name)
				continue
			}
			if !open || !headed && !c.Parent().HasParent() { // a short list has no headings
				if open {
					b.WriteString(".El\n")
				}
				if !c.Parent().HasParent() {
					b.WriteString(".Ss " + g.Title + "\n")
				}
				b.WriteString(".Bl -tag -width Ds\n")
				open = true
			}
			headed = true
			appendOption(&b, f)
		}
	}
	if open {
		b.WriteString(".El\n")
	}
	if len(same) > 0 {
		if open {
			b.WriteString(".Pp\n")
		}
		b.WriteString("These mean the same as above:\n")
		for i, name := range same {
			end := " ,\n"
			if i == len(same)-1 {
				end = " .\n"
			}
			b.WriteString(".Fl -" + name + end)
		}
	}
	return b.String()
}

// appendOption appends one flag.
func appendOption(b *bytes.Buffer, f *pflag.Flag) {
	b.WriteString(".It ")
	if f.Shorthand != "" {
		b.WriteString("Fl " + f.Shorthand + " , ")
	}
	b.WriteString("Fl -" + f.Name)
	value, _ := pflag.UnquoteUsage(f)
	if f.Value.Type() != "bool" {
		b.WriteString(" Ar " + roffWord(value))
	}
	b.WriteByte('\n')
	usage := f.Usage
	if r := []rune(usage); unicode.IsLower(r[0]) {
		usage = string(unicode.ToUpper(r[0])) + string(r[1:])
	}
	usage = strings.TrimSuffix(usage, ".") + "."
	if d := root.DefaultOf(f); d != "" {
		usage += " The default is " + d + "."
	}
	appendText(b, usage, value)
}

// appendText appends the words of a usage string: the name of the value in backquotes and flags as
// macros, the rest as lines of text.
func appendText(b *bytes.Buffer, usage, value string) {
	line := ""
	flush := func() {
		if line != "" {
			b.WriteString(line + "\n")
			line = ""
		}
	}
	macro := func(name, word, behind string) {
		flush()
		b.WriteString("." + name + " " + roffWord(word))
		for _, r := range behind {
			b.WriteString(" " + string(r))
		}
		b.WriteByte('\n')
	}
	if value != "" && strings.Contains(usage, "`"+value+"`") {
		usage = strings.Replace(usage, "`"+value+"`", "`"+strings.ReplaceAll(value, " ", "\x00")+"`", 1)
	}
	flagWord := regexp.MustCompile(`^-(-[a-z][a-z-]+|[A-Za-z])$`)
	for _, word := range strings.Fields(usage) {
		bare := strings.TrimRight(word, ",.;:)")
		behind := word[len(bare):]
		switch {
		case strings.HasPrefix(bare, "`") && strings.HasSuffix(bare, "`") && len(bare) > 2:
			macro("Ar", strings.ReplaceAll(strings.Trim(bare, "`"), "\x00", " "), behind)
		case flagWord.MatchString(bare):
			macro("Fl", bare[1:], behind)
		default:
			word = strings.ReplaceAll(roffWord(strings.ReplaceAll(word, "`", "")), "\x00", " ")
			if line == "" && strings.HasPrefix(word, ".") {
				word = `\&` + word
			}
			if len(line)+1+len(word) > 78 {
				flush()
			}
			if line != "" {
				line += " "
			}
			line += word
			if strings.HasSuffix(line, ".") && !strings.HasSuffix(line, "...") {
				flush()
			}
		}
	}
	flush()
}

// roffWord escapes text for roff and returns plain ASCII.
func roffWord(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "…", "...", "'", `\(aq`, "`", `\(ga`).Replace(s)
	if strings.HasPrefix(s, ".") {
		s = `\&` + s
	}
	return s
}
