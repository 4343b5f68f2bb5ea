package schema

import (
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var suite = flag.String("suite", "", "a checkout of github.com/json-schema-org/JSON-Schema-Test-Suite")

// byChoice are the files of the suite that do not hold. Meta-schemas other than that of 2020-12 are
// refused, also where they only choose a vocabulary.
var byChoice = []string{"vocabulary.json", "cross-draft.json", "format-assertion.json"}

// TestSuite runs the suite of the standard: its required tests, and the optional ones without those of
// format.
func TestSuite(t *testing.T) {
	if *suite == "" {
		t.Skip("needs -suite")
	}
	known := make(map[string]string)
	remotes := filepath.Join(*suite, "remotes")
	err := filepath.WalkDir(remotes, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		known["http://localhost:1234"+filepath.ToSlash(strings.TrimPrefix(path, remotes))] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, pattern := range []string{"*.json", "optional/*.json"} {
		files, _ := filepath.Glob(filepath.Join(*suite, "tests/draft2020-12", pattern))
		for _, file := range files {
			name := filepath.Base(file)
			chosen := strings.Contains(strings.Join(byChoice, " "), name)
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var groups []struct {
				Description string
				Schema      json.RawMessage
				Tests       []struct {
					Description string
					Data        json.RawMessage
					Valid       bool
				}
			}
			if err := json.Unmarshal(b, &groups); err != nil {
				t.Fatal(err)
			}
			for _, g := range groups {
				s, err := Compile("main.json", g.Schema, Options{known: known})
				if err != nil {
					if !chosen {
						t.Errorf("%s: %s: %v", name, g.Description, err)
					}
					continue
				}
				v := s.NewValidator()
				for _, c := range g.Tests {
					ran++
					if err := v.Validate(c.Data); (err == nil) != c.Valid && !chosen {
						t.Errorf("%s: %s: %s: got %v, want valid %t", name, g.Description, c.Description, err, c.Valid)
					}
				}
			}
		}
	}
	if t.Logf("%d tests", ran); ran < 1400 {
		t.Errorf("only %d tests ran", ran)
	}
}
