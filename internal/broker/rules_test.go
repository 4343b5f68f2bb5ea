package broker

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"mqtt/internal/proto"
	"mqtt/internal/rules"
)

// testdata/rules5.tsv and rules311.tsv list every numbered statement of the two standards that binds
// a server, and those about clients that the broker enforces: the number, and the tests for it, or
// why there can be none here. What the numbers mean is in package rules.
//
// A listed test must name the number, as [MQTT-...] for 5.0 and as "3.1.1 [MQTT-...]" for 3.1.1,
// because the two standards number their statements independently. A number that a test names must
// be in the list of its standard.
func TestEveryRuleIsShown(t *testing.T) {
	named5, named311 := namedRules(t)
	for _, c := range []struct {
		file  string
		v     proto.Version
		named map[string][]string // test to numbers
	}{{"rules5.tsv", proto.V5, named5}, {"rules311.tsv", proto.V311, named311}} {
		known := map[string]bool{}
		for line := range strings.Lines(readFile(t, filepath.Join("testdata", c.file))) {
			f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
			if len(f) != 2 || f[0] == "" || f[1] == "" {
				t.Errorf("%s: a line without its two fields: %q", c.file, line)
				continue
			}
			if f[0] == "id" {
				continue
			}
			if known[f[0]] {
				t.Errorf("%s: %s stands there twice", c.file, f[0])
			}
			known[f[0]] = true
			if _, ok := rules.Lookup(c.v, f[0]); !ok {
				t.Errorf("%s: MQTT %s has no statement %s", c.file, c.v, f[0])
			}
			if reason, ok := strings.CutPrefix(f[1], "not here: "); ok {
				if len(reason) < 10 {
					t.Errorf("%s: %s has no reason", c.file, f[0])
				}
				continue
			}
			for test := range strings.FieldsSeq(f[1]) {
				numbers, ok := c.named[test]
				switch {
				case !ok:
					t.Errorf("%s: %s is shown by %s, which there is not", c.file, f[0], test)
				case !slices.Contains(numbers, f[0]):
					t.Errorf("%s: %s is not named in %s", c.file, f[0], test)
				}
			}
		}
		for _, s := range rules.Statements(c.v) {
			if s.ID != "" && s.Binds&rules.Server != 0 && !known[s.ID] {
				t.Errorf("%s has no %s, which binds a server", c.file, s.ID)
			}
		}
		for test, numbers := range c.named {
			for _, n := range numbers {
				if !known[n] {
					t.Errorf("%s names %s, which is not in %s", test, n, c.file)
				}
			}
		}
	}
}

// namedRules reads this package's tests: which numbers each one names.
func namedRules(t *testing.T) (five, old map[string][]string) {
	t.Helper()
	oldRules := regexp.MustCompile(`3\.1\.1 \[MQTT-[\d.]+-\d+\](,\s+\[MQTT-[\d.]+-\d+\])*`)
	anyRule := regexp.MustCompile(`\[(MQTT-[\d.]+-\d+)\]`)
	lineBreak := regexp.MustCompile(`\n\s*//\s*`)
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	five, old = map[string][]string{}, map[string][]string{}
	for _, name := range files {
		src := readFile(t, name)
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, name, src, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv != nil || !strings.HasPrefix(fn.Name.Name, "Test") || fn.Name.Name == t.Name() {
				continue
			}
			from := fn.Pos()
			if fn.Doc != nil {
				from = fn.Doc.Pos()
			}
			text := src[set.Position(from).Offset:set.Position(fn.End()).Offset]
			text = lineBreak.ReplaceAllString(text, " ")
			list := func(text string) []string {
				numbers := []string{}
				for _, m := range anyRule.FindAllStringSubmatch(text, -1) {
					numbers = append(numbers, m[1])
				}
				return numbers
			}
			old[fn.Name.Name] = list(strings.Join(oldRules.FindAllString(text, -1), " "))
			five[fn.Name.Name] = list(oldRules.ReplaceAllString(text, ""))
		}
	}
	return five, old
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
