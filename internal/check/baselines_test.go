package check

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestBaselines checks the files of scripts/interop/known, which say what each failure of a server is: its cases
// exist, are in the order of a report, and have their rule and a sentence.
func TestBaselines(t *testing.T) {
	files, err := filepath.Glob("../../scripts/interop/known/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	head := regexp.MustCompile(`^# [A-Za-z-]+ v?[0-9][0-9.]*: `)
	line := regexp.MustCompile(`^(\S+) # ((?:MQTT-\S+ )*MQTT-[0-9.]+-[0-9]+|[0-9][0-9.]*|A): ([^ A-Z].*[^.])$`)
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ReadKnown(strings.NewReader(string(b))); err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if !head.Match(b) {
			t.Errorf("%s: the first line does not begin with # SERVER VERSION:", file)
		}
		var ids []string
		lines := bufio.NewScanner(strings.NewReader(string(b)))
		for n := 1; lines.Scan(); n++ {
			if len(lines.Text()) > 140 {
				t.Errorf("%s:%d: more than 140 columns", file, n)
			}
			if strings.HasPrefix(lines.Text(), "#") {
				continue
			}
			m := line.FindStringSubmatch(lines.Text())
			if m == nil {
				t.Errorf("%s:%d: %q is not of the form CASE # RULE: what the server does", file, n, lines.Text())
				continue
			}
			ids = append(ids, m[1])
		}
		if !slices.IsSortedFunc(ids, reportOrder) {
			t.Errorf("%s: the cases are not in the order of a report: %q", file, ids)
		}
	}
}

// reportOrder compares the IDs of cases: newer versions come first, then sections.
func reportOrder(a, b string) int {
	x, y := strings.SplitN(a, "/", 3), strings.SplitN(b, "/", 3)
	if x[0] != y[0] {
		return strings.Compare(y[0], x[0])
	}
	return compareSections(x[1], y[1])
}
