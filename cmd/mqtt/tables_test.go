package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"mqtt/internal/cli/clitest"
	"mqtt/internal/cmd/root"
	"mqtt/internal/proto"
	"mqtt/internal/rules"
)

// The tables in internal/proto/testdata/spec name, for each rule of the standards that binds a
// client and for each known mistake of other tools, the tests that fail without it: a test function
// as FOLDER.TestName, a script as cmd/mqtt.TestScript/NAME. What the rules say is in package rules.

// namedTests returns the source of each test function, with its comment, and of each script.
func namedTests(t *testing.T) map[string]string {
	t.Helper()
	texts := make(map[string]string)
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git":
			return filepath.SkipDir
		case d.IsDir():
			return nil
		}
		folder, err := filepath.Rel("../..", filepath.Dir(path))
		if err != nil {
			return err
		}
		folder = filepath.ToSlash(folder)
		switch {
		case folder == "cmd/mqtt/testdata/script":
			text, err := os.ReadFile(path)
			texts["cmd/mqtt.TestScript/"+strings.TrimSuffix(d.Name(), ".txt")] = string(text) + d.Name()
			return err
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files := token.NewFileSet()
		f, err := parser.ParseFile(files, path, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range f.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok {
				from := fn.Pos()
				if fn.Doc != nil {
					from = fn.Doc.Pos()
				}
				texts[folder+"."+fn.Name.Name] = string(text[files.Position(from).Offset:files.Position(fn.End()).Offset])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

// tableRows returns the rows of a table with that number of columns, without its titles.
func tableRows(t *testing.T, name string, columns int) [][]string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../internal/proto/testdata/spec", name))
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for line := range strings.Lines(string(b)) {
		row := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(row) != columns || slices.Contains(row, "") {
			t.Fatalf("%s: a row without %d columns: %q", name, columns, line)
		}
		rows = append(rows, row)
	}
	return rows[1:]
}

// TestRulesShown checks that each test of the tables of rules exists and names the rule, as
// [MQTT-1.2.3-4]. Many numbers mean other rules in 3.1.1: there [MQTT-1.2.3-4 of 3.1.1], unless
// version 5 has no such number.
func TestRulesShown(t *testing.T) {
	texts := namedTests(t)
	five := make(map[string]bool)
	for _, v := range []proto.Version{proto.V5, proto.V311} {
		table := "mqtt" + strings.ReplaceAll(v.String(), ".", "") + "-client.tsv"
		listed := make(map[string]bool)
		for _, row := range tableRows(t, table, 2) {
			id, older := row[0], row[0]+" of 3.1.1"
			listed[id] = true
			if _, ok := rules.Lookup(v, id); !ok {
				t.Errorf("%s: MQTT %s has no statement %s", table, v, id)
			}
			names := func(text string) bool { return namesRule(text, older) || !five[id] && namesRule(text, id) }
			if v == proto.V5 {
				five[id] = true
				names = func(text string) bool { return namesRule(text, id) }
			}
			for test := range strings.FieldsSeq(row[1]) {
				switch text, ok := texts[test]; {
				case !ok:
					t.Errorf("%s: %s names %s, which does not exist", table, id, test)
				case !names(text):
					t.Errorf("%s: %s does not name [%s]", table, test, id)
				}
			}
		}
		for _, s := range rules.Statements(v) {
			if s.ID != "" && s.Binds&rules.Client != 0 && !listed[s.ID] {
				t.Errorf("%s has no %s, which binds a client", table, s.ID)
			}
		}
	}
}

// namesRule reports whether text contains the rule, and not only a longer number that begins like it.
func namesRule(text, rule string) bool {
	for {
		i := strings.Index(text, rule)
		if i < 0 {
			return false
		}
		text = text[i+len(rule):]
		if text == "" || !strings.ContainsAny(text[:1], "0123456789.-") && !strings.HasPrefix(text, " of 3.1.1") {
			return true
		}
	}
}

// TestTrapsShown checks that each test of the table of mistakes of other tools exists and names it,
// as "Trap 12", "trap 12" or "Traps 12 and 13".
func TestTrapsShown(t *testing.T) {
	texts := namedTests(t)
	rows := tableRows(t, "traps.tsv", 3)
	if len(rows) != 62 {
		t.Errorf("%d traps", len(rows))
	}
	for i, row := range rows {
		n, err := strconv.Atoi(row[0])
		if err != nil || n != i+1 {
			t.Fatalf("traps.tsv: row %d: %q", i+1, row)
		}
		for test := range strings.FieldsSeq(row[2]) {
			switch text, ok := texts[test]; {
			case !ok:
				t.Errorf("trap %d names %s, which does not exist", n, test)
			case !slices.Contains(trapsIn(text), n):
				t.Errorf("%s does not name trap %d", test, n)
			}
		}
	}
}

// trapsIn returns the numbers that text names as traps.
func trapsIn(text string) []int {
	named := regexp.MustCompile(`[Tt]raps? ?(\d+)((?:(?:, | and | to )\d+)*)`)
	number := regexp.MustCompile(`(to )?\d+`)
	var all []int
	for _, m := range named.FindAllStringSubmatch(text, -1) {
		before := 0
		for _, word := range number.FindAllString(m[1]+m[2], -1) {
			digits, through := strings.CutPrefix(word, "to ")
			n, _ := strconv.Atoi(digits)
			for through && before+1 < n {
				before++
				all = append(all, before)
			}
			all, before = append(all, n), n
		}
	}
	return all
}

// TestFlagsShown checks that scripts run every flag of pub, sub and ping: a flag of one command on a
// line with that command, a flag of connections with any of them.
func TestFlagsShown(t *testing.T) {
	lines := make(map[string][]string) // by command
	command := regexp.MustCompile(`\b(?:mqtt |mosquitto_)(pub|sub|rr|ping)\b(.*)`)
	for name, text := range namedTests(t) {
		if !strings.Contains(name, "TestScript/") {
			continue
		}
		for line := range strings.Lines(text) {
			if m := command.FindStringSubmatch(line); m != nil && !strings.HasPrefix(line, "#") {
				lines[m[1]] = append(lines[m[1]], " "+m[2]+" ")
			}
		}
	}
	root := root.New(clitest.Env(nil, nil), nil)
	owners := make(map[string]int)
	walk := func(visit func(command string, f *pflag.Flag)) {
		for _, name := range []string{"pub", "sub", "ping"} {
			c, _, err := root.Find([]string{name})
			if err != nil {
				t.Fatal(err)
			}
			c.Flags().VisitAll(func(f *pflag.Flag) {
				if f.Name != "help" {
					visit(name, f)
				}
			})
		}
	}
	walk(func(_ string, f *pflag.Flag) { owners[f.Name]++ })
	walk(func(name string, f *pflag.Flag) {
		form := `[ '"]--` + f.Name + `[ ='")]`
		if f.Shorthand != "" {
			form += `|[ '"]-[A-Za-z0-9]{0,3}` + f.Shorthand + `[ '")]`
		}
		where := lines[name]
		if owners[f.Name] == 3 {
			where = slices.Concat(lines["pub"], lines["sub"], lines["ping"], lines["rr"])
		}
		used := regexp.MustCompile(form)
		if !slices.ContainsFunc(where, used.MatchString) {
			t.Errorf("no script runs mqtt %s with --%s", name, f.Name)
		}
	})
}
