package main

import (
	"io/fs"
	"maps"
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
)

// What must be shown is counted: rules of the standard, known traps, flags. A test or script shows what it names.

// tests returns the text of all tests and scripts of the repository, by path.
func tests(t *testing.T) map[string]string {
	t.Helper()
	text := make(map[string]string)
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if err == nil && (d.Name() == ".git" || d.Name() == "spec") {
				return filepath.SkipDir
			}
			return err
		}
		if !strings.HasSuffix(path, "_test.go") && (!strings.Contains(path, "testdata") || !strings.HasSuffix(path, ".txt")) || d.Name() == "shown_test.go" {
			return nil
		}
		b, err := os.ReadFile(path)
		text[path] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// table reads tab-separated rows behind a line of titles.
func table(t *testing.T, name string) [][]string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../internal/proto/testdata/spec", name))
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for line := range strings.Lines(string(b)) {
		rows = append(rows, strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
	}
	return rows[1:]
}

// TestRulesShown wants each rule of both versions that binds a client named by a test, as [MQTT-1.2.3-4]. Many numbers
// mean other rules in 3.1.1: there, [MQTT-1.2.3-4 of 3.1.1], unless version 5 has no such number.
func TestRulesShown(t *testing.T) {
	name := regexp.MustCompile(`MQTT-[\d.-]*\d( of 3\.1\.1)?`)
	said := make(map[string]bool)
	for _, text := range tests(t) {
		for _, id := range name.FindAllString(text, -1) {
			said[id] = true
		}
	}
	excused := make(map[string]string)
	for _, row := range table(t, "exceptions.tsv") {
		excused[row[0]] = row[1]
	}
	const older = " of 3.1.1"
	five := make(map[string]bool)
	for _, row := range table(t, "mqtt5-client.tsv") {
		five[row[0]] = true
	}
	all := slices.Collect(maps.Keys(five))
	for _, row := range table(t, "mqtt311-client.tsv") {
		if !five[row[0]] && said[row[0]] {
			said[row[0]+older] = true
		}
		all = append(all, row[0]+older)
	}
	slices.Sort(all)
	for _, id := range all {
		switch why, excuse := excused[id]; {
		case !said[id] && !excuse:
			t.Errorf("no test names [%s]", id)
		case said[id] && excuse:
			t.Errorf("[%s] is excused (%s), and shown", id, why)
		}
		delete(excused, id)
	}
	for id := range excused {
		t.Errorf("exceptions.tsv: no rule %s", id)
	}
	if len(all) < 200 {
		t.Errorf("only %d rules", len(all))
	}
}

// TestTrapsShown wants each trap that other tools fell into named by a test, as "Trap 12", "trap 12" or "Traps 12 and 13".
func TestTrapsShown(t *testing.T) {
	named := regexp.MustCompile(`[Tt]raps? ?(\d+)((?:(?:, | and | to )\d+)*)`)
	number := regexp.MustCompile(`(to )?\d+`)
	said := make(map[int]bool)
	for path, text := range tests(t) {
		if m := regexp.MustCompile(`trap(\d+)(?:_(\d+))?`).FindStringSubmatch(filepath.Base(path)); m != nil {
			first, _ := strconv.Atoi(m[1])
			last, _ := strconv.Atoi(m[2])
			for n := first; n <= max(first, last); n++ {
				said[n] = true
			}
		}
		for _, m := range named.FindAllStringSubmatch(text, -1) {
			before := 0
			for _, word := range number.FindAllString(m[1]+m[2], -1) {
				digits, through := strings.CutPrefix(word, "to ")
				n, _ := strconv.Atoi(digits)
				for through && before+1 < n {
					before++
					said[before] = true
				}
				said[n], before = true, n
			}
		}
	}
	rows := table(t, "traps.tsv")
	if len(rows) != 62 {
		t.Fatalf("%d traps", len(rows))
	}
	for i, row := range rows {
		n, err := strconv.Atoi(row[0])
		if err != nil || n != i+1 || len(row) != 3 {
			t.Fatalf("traps.tsv: row %d: %q", i+1, row)
		}
		if row[2] == "" && !said[n] {
			t.Errorf("no test names Trap %d: %s", n, row[1])
		}
	}
}

// TestFlagsShown wants every flag of pub, sub and ping in a script: one that the command has for itself on a line with the
// command, one of the connection with any of them.
func TestFlagsShown(t *testing.T) {
	lines := make(map[string][]string) // by command
	command := regexp.MustCompile(`\b(?:mqtt |mosquitto_)(pub|sub|rr|ping)\b(.*)`)
	for path, text := range tests(t) {
		if !strings.Contains(path, "script") {
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
