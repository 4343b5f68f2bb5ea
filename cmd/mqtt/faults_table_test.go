package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The table of faults and the tests agree: each test or script that the table names exists, and each
// fault test is in the table.
func TestFaultTable(t *testing.T) {
	read := func(name string) string {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	root := filepath.Join("..", "..")
	table := read(filepath.Join(root, "docs", "faults.md"))
	named := make(map[string]bool)
	for _, m := range regexp.MustCompile("`((?:Test|Fuzz)\\w+|(?:cmd|scripts)/[\\w./]+)`").FindAllStringSubmatch(table, -1) {
		named[m[1]] = true
	}
	if len(named) < 40 {
		t.Fatalf("the table names %d tests: it is not read as it is written", len(named))
	}
	declared := make(map[string]bool)
	ours := make(map[string]bool)
	declaration := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		for _, m := range declaration.FindAllStringSubmatch(read(path), -1) {
			declared[m[1]] = true
			if filepath.Dir(path) == filepath.Join(root, "cmd", "mqtt") && strings.HasPrefix(m[1], "TestFault") {
				ours[m[1]] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	scripts, err := filepath.Glob(filepath.Join("testdata", "script", "fault_*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range scripts {
		ours["cmd/mqtt/"+filepath.ToSlash(s)] = true
	}
	delete(ours, t.Name())
	for name := range named {
		if _, err := os.Stat(filepath.Join(root, name)); !declared[name] && err != nil {
			t.Errorf("the table names %s, which is not there", name)
		}
	}
	for name := range ours {
		if !named[name] {
			t.Errorf("%s is not in the table of docs/faults.md", name)
		}
	}
}
