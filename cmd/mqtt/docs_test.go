package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// The documents are tested: docs_run_test.go runs every command line of README.md, docs/, SECURITY.md
// and the man pages. Here every flag that they name must exist, and every file that they link to.
//
// A command line is a fenced block of the language sh, a literal block of a man page, or a cell of a table in a column
// with the heading "command" or "mqtt".
//
//   - A block is one script for sh -eu. If one of its lines says how it ends, the block is a list and
//     each line is a script: `# until Ctrl-C` is interrupted once it has printed something,
//     `# exit status 8` must end with that status.
//   - What cannot be run says why: "Not run: REASON" in the paragraph before a block, or in the row of
//     a table.
//   - In a table with a column "mqtt" the other columns belong to other programs.
const docsRoot = "../.."

// docScript is one or several command lines, with their place.
type docScript struct {
	file   string
	line   int
	text   string
	notRun string // why not
}

// documents returns the documents, without the man pages.
func documents(t testing.TB) []string {
	names := []string{docsRoot + "/README.md", docsRoot + "/SECURITY.md", docsRoot + "/CONTRIBUTING.md", docsRoot + "/CHANGELOG.md"}
	more, err := filepath.Glob(docsRoot + "/docs/*.md")
	if err != nil || len(more) == 0 {
		t.Fatalf("docs: %d files, error %v", len(more), err)
	}
	return append(names, more...)
}

// document is a document in lines: prose and scripts.
type document struct {
	name    string
	prose   []string // empty where a fence is; of tables our own cells
	scripts []docScript
}

func readDocument(t testing.TB, name string) *document {
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	d := &document{name: name}
	var block []string
	fence, before, reason := "", "", ""
	var tab docTable
	for i, line := range strings.Split(string(text), "\n") {
		d.prose = append(d.prose, "")
		switch {
		case fence == "" && strings.HasPrefix(line, "```"):
			fence, block = strings.TrimPrefix(line, "```"), nil
			if fence == "" {
				fence = "text"
			}
			_, reason, _ = strings.Cut(before, "Not run: ")
		case line == "```":
			if fence == "sh" {
				d.scripts = append(d.scripts, docScript{name, i + 1 - len(block), strings.Join(block, "\n"), reason})
			}
			fence, before = "", ""
		case fence != "":
			block = append(block, line)
		default:
			row := tab.row(line)
			d.prose[i] = strings.Join(tab.ours(row), "|")
			if row == nil {
				d.prose[i] = line
			}
			d.scripts = append(d.scripts, tab.commands(name, i+1, line, row)...)
			if line != "" {
				before = line
			}
		}
	}
	if fence != "" {
		t.Errorf("%s: a fence is not closed", name)
	}
	return d
}

// docCells are the columns of a row, nil if the line is none. A \| is no border.
func docCells(line string) []string {
	if !strings.HasPrefix(line, "|") {
		return nil
	}
	line = strings.ReplaceAll(line, `\|`, "\x00")
	var all []string
	for _, c := range strings.Split(strings.Trim(line, "|"), "|") {
		all = append(all, strings.ReplaceAll(c, "\x00", "|"))
	}
	return all
}

// docSpans returns the code spans in a line of prose.
func docSpans(line string) []string {
	var all []string
	parts := strings.Split(line, "`")
	for i := 1; i+1 < len(parts); i += 2 {
		all = append(all, parts[i])
	}
	return all
}

// docTable is the table that the current line belongs to.
type docTable struct{ heading []string }

// row reads the next line and returns its cells, nil if it belongs to no table.
func (t *docTable) row(line string) []string {
	all := docCells(line)
	if all == nil {
		t.heading = nil
	} else if t.heading == nil {
		for _, c := range all {
			t.heading = append(t.heading, strings.TrimSpace(c))
		}
	}
	return all
}

// has reports whether column i has the heading.
func (t *docTable) has(i int, heading string) bool {
	return i < len(t.heading) && t.heading[i] == heading
}

// ours returns the cells of a row that contain commands of mqtt.
func (t *docTable) ours(row []string) []string {
	if !slices.Contains(t.heading, "mqtt") {
		return row
	}
	i := slices.Index(t.heading, "mqtt")
	return row[min(i, len(row)):min(i+1, len(row))]
}

// commands returns the command lines in a row.
func (t *docTable) commands(name string, n int, line string, row []string) []docScript {
	_, reason, _ := strings.Cut(line, "Not run: ")
	var all []docScript
	for i, cell := range row {
		if !t.has(i, "command") && !t.has(i, "mqtt") {
			continue
		}
		for _, code := range docSpans(cell) {
			if isCommandLine(code) {
				all = append(all, docScript{name, n, code, strings.TrimRight(reason, " |")})
			}
		}
	}
	return all
}

// isCommandLine reports whether s is a command line, not only the name of a command.
func isCommandLine(code string) bool {
	for _, c := range commandsIn(code) {
		if programOf(c) != "" && len(c) > 2 {
			return true
		}
	}
	return false
}

func TestDocsFlagsAreKnown(t *testing.T) {
	known := knownFlags()
	for _, name := range documents(t) {
		d := readDocument(t, name)
		for _, s := range d.scripts {
			for _, err := range known.misused(s.text) {
				t.Errorf("%s:%d: %v", s.file, s.line, err)
			}
		}
		for i, line := range d.prose {
			for _, code := range docSpans(line) {
				for _, err := range known.unknown(code) {
					t.Errorf("%s:%d: %v", name, i+1, err)
				}
			}
		}
	}
}

// Links within the repository lead to an existing file and heading.
func TestDocsLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]*)(#[^)]*)?\)`)
	for _, name := range documents(t) {
		for i, line := range readDocument(t, name).prose {
			for _, m := range link.FindAllStringSubmatch(line, -1) {
				target := name
				if m[1] != "" {
					target = filepath.Join(filepath.Dir(name), m[1])
				}
				text, err := os.ReadFile(target)
				if info, serr := os.Stat(target); serr == nil && info.IsDir() {
					continue
				}
				if err != nil {
					t.Errorf("%s:%d: %v", name, i+1, err)
				} else if m[2] != "" && !strings.Contains(anchors(string(text)), "\n"+m[2]+"\n") {
					t.Errorf("%s:%d: %s has no heading %s", name, i+1, target, m[2])
				}
			}
		}
	}
}

// anchors returns the headings of a document as links name them, one per line.
func anchors(text string) string {
	var b strings.Builder
	b.WriteByte('\n')
	drop := regexp.MustCompile(`[^a-z0-9 _-]`)
	for _, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "#") {
			h := drop.ReplaceAllString(strings.ToLower(strings.TrimLeft(line, "# ")), "")
			b.WriteString("#" + strings.ReplaceAll(h, " ", "-") + "\n")
		}
	}
	return b.String()
}

// The files and tests that a document names in code spans exist: internal/conn/laws_test.go,
// TestImports.
func TestDocsNamesAreThere(t *testing.T) {
	test := regexp.MustCompile(`^(Test|Fuzz)[A-Z]\w*$`)
	path := regexp.MustCompile(`^(cmd|internal|scripts|man|docs)/[\w./-]*$`)
	declared := testNames(t)
	for _, name := range documents(t) {
		for i, line := range readDocument(t, name).prose {
			for _, code := range docSpans(line) {
				switch {
				case test.MatchString(code) && !declared[code]:
					t.Errorf("%s:%d: there is no test %s", name, i+1, code)
				case path.MatchString(code):
					if _, err := os.Stat(filepath.Join(docsRoot, code)); err != nil {
						t.Errorf("%s:%d: %v", name, i+1, err)
					}
				}
			}
		}
	}
}

// testNames returns the tests of the module.
func testNames(t testing.TB) map[string]bool {
	names := make(map[string]bool)
	decl := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	for _, pattern := range []string{"/internal/*/*_test.go", "/internal/*/*/*_test.go", "/cmd/*/*_test.go", "/scripts/*/*_test.go"} {
		files, err := filepath.Glob(docsRoot + pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range decl.FindAllStringSubmatch(string(text), -1) {
				names[m[1]] = true
			}
		}
	}
	return names
}

// flagIndex holds the flags of each command.
type flagIndex struct {
	byCommand map[string]map[string]bool // -t and --topic; true if it takes a value
	all       map[string]bool
}

func knownFlags() *flagIndex {
	x := &flagIndex{byCommand: make(map[string]map[string]bool), all: map[string]bool{"--help": true, "--version": true}}
	for _, c := range manCommands() {
		flags := map[string]bool{"--help": false}
		c.Flags().VisitAll(func(f *pflag.Flag) {
			takes := f.Value.Type() != "bool"
			flags["--"+f.Name] = takes
			x.all["--"+f.Name] = true
			if f.Shorthand != "" {
				flags["-"+f.Shorthand] = takes
				x.all["-"+f.Shorthand] = true
			}
		})
		x.byCommand[c.CommandPath()] = flags
	}
	return x
}

func (x *flagIndex) any(flag string) bool { return x.all[flag] }

// unknown returns the errors in a code span: a command line, or flags alone.
func (x *flagIndex) unknown(code string) []error {
	if !strings.HasPrefix(code, "-") {
		return x.misused(code)
	}
	var errs []error
	like := regexp.MustCompile(`^-(-[a-z][a-z0-9-]+|[A-Za-z])$`)
	for _, w := range strings.Fields(code) {
		w, _, _ = strings.Cut(strings.TrimRight(w, ",.;:"), "=")
		if like.MatchString(w) && !x.any(w) {
			errs = append(errs, fmt.Errorf("%s is a flag of no command", w))
		}
		if w == "--" {
			break
		}
	}
	return errs
}

// misused returns errors about flags in a command line that its commands do not have.
func (x *flagIndex) misused(text string) []error {
	var errs []error
	for _, c := range commandsIn(text) {
		path := programOf(c)
		if path == "" {
			continue
		}
		words := c[1:]
		if strings.HasPrefix(path, "mosquitto_") {
			path = "mqtt " + strings.TrimPrefix(path, "mosquitto_")
		} else {
			path = "mqtt"
			for len(words) > 0 {
				if _, ok := x.byCommand[path+" "+words[0]]; !ok {
					break
				}
				path, words = path+" "+words[0], words[1:]
			}
		}
		flags := x.byCommand[path]
		if path == "mqtt config show" && len(words) > 0 {
			flags = x.byCommand["mqtt "+words[0]]
		}
		errs = append(errs, wrongFlags(path, flags, x, words)...)
	}
	return errs
}

func wrongFlags(path string, flags map[string]bool, x *flagIndex, words []string) []error {
	var errs []error
	if flags == nil {
		flags = x.all
	}
	for i := 0; i < len(words) && words[i] != "--"; i++ {
		w := words[i]
		switch {
		case strings.HasPrefix(w, "--"):
			name, _, value := strings.Cut(w, "=")
			takes, ok := flags[name]
			if !ok {
				errs = append(errs, fmt.Errorf("%s has no flag %s", path, name))
			}
			if takes && !value {
				i++
			}
		case strings.HasPrefix(w, "-") && len(w) > 1:
			for k := 1; k < len(w); k++ {
				takes, ok := flags["-"+w[k:k+1]]
				if !ok {
					errs = append(errs, fmt.Errorf("%s has no flag -%s", path, w[k:k+1]))
				}
				if takes {
					if k+1 == len(w) {
						i++
					}
					break
				}
			}
		}
	}
	return errs
}

// programOf returns the name of a command's program if it is mqtt or one of its links.
func programOf(words []string) string {
	if len(words) == 0 {
		return ""
	}
	switch name := strings.TrimPrefix(words[0], "./"); name {
	case "mqtt", "mosquitto_pub", "mosquitto_sub", "mosquitto_rr":
		return name
	}
	return ""
}

// commandsIn splits shell text into simple commands, including those after --, in sh -c '…' and in
// $(…). It knows as much of the shell as the documents use.
func commandsIn(text string) [][]string {
	var all [][]string
	var words []string
	var word strings.Builder
	in, quoted := false, false // in a word; it was quoted
	end := func() {
		if in {
			words = append(words, word.String())
			if w := word.String(); quoted && (strings.Contains(w, "mqtt ") || strings.Contains(w, "mosquitto_")) &&
				len(words) > 1 && words[len(words)-2] == "-c" {
				all = append(all, commandsIn(w)...)
			}
		}
		word.Reset()
		in, quoted = false, false
	}
	over := func() {
		end()
		all = append(all, simpleCommands(words)...)
		words = nil
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\'' || c == '"':
			j := i + 1
			for ; j < len(text) && text[j] != c; j++ {
				if c == '"' && text[j] == '\\' {
					j++
				}
			}
			inner := text[i+1 : min(j, len(text))]
			if _, sub, ok := strings.Cut(inner, "$("); ok && c == '"' {
				all = append(all, commandsIn(sub)...)
			}
			word.WriteString(inner)
			in, quoted, i = true, true, j
		case c == '\\' && i+1 < len(text):
			if text[i+1] != '\n' {
				word.WriteByte(text[i+1])
				in = true
			}
			i++
		case c == '#' && !in:
			for i+1 < len(text) && text[i+1] != '\n' {
				i++
			}
		case strings.IndexByte("\n;|&()", c) >= 0:
			over()
		case c == ' ' || c == '\t':
			end()
		case c == '<' || c == '>':
			if w := word.String(); len(w) == 1 && w[0] >= '0' && w[0] <= '9' {
				word.Reset() // 2>file
				in = false
			}
			end()
			for i+1 < len(text) && strings.IndexByte(">& ", text[i+1]) >= 0 {
				i++
			}
			for i+1 < len(text) && strings.IndexByte(" \n;|&)", text[i+1]) < 0 {
				i++
			}
		default:
			word.WriteByte(c)
			in = true
		}
	}
	over()
	return all
}

// simpleCommands removes variables and keywords from a command, and returns what follows -- as a
// command of its own.
func simpleCommands(words []string) [][]string {
	assignment := regexp.MustCompile(`^[A-Za-z_]+=`)
	for len(words) > 0 && (assignment.MatchString(words[0]) || strings.Contains(" while until if then else do ! { exec ", " "+words[0]+" ")) {
		words = words[1:]
	}
	if len(words) == 0 {
		return nil
	}
	for i, w := range words {
		if w == "--" {
			return append([][]string{words[:i]}, simpleCommands(words[i+1:])...)
		}
	}
	return [][]string{words}
}

func TestCommandsIn(t *testing.T) {
	got := fmt.Sprint(commandsIn(`while read x; do A=1 mqtt pub -t "a b" -m '|' > f 2>&1; done # mqtt x
mqtt broker -- sh -c 'mqtt sub -C 1 & wait' | jq -r .x \
  -c && x="$(mqtt rr -n)"`))
	want := fmt.Sprint([][]string{{"read", "x"}, {"mqtt", "pub", "-t", "a b", "-m", "|"}, {"done"}, {"mqtt", "sub", "-C", "1"}, {"wait"},
		{"mqtt", "broker"}, {"sh", "-c", "mqtt sub -C 1 & wait"}, {"jq", "-r", ".x", "-c"}, {"mqtt", "rr", "-n"}})
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
