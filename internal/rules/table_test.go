package rules

import (
	"slices"
	"strings"
	"testing"

	"mqtt/internal/proto"
)

var versions = []proto.Version{proto.V5, proto.V311, proto.V31}

// TestTable checks that each row is whole, and that no statement is missing or listed twice.
func TestTable(t *testing.T) {
	texts := map[proto.Version]string{proto.V5: text5, proto.V311: text311, proto.V31: text31}
	numbered := map[proto.Version]int{proto.V5: 251, proto.V311: 141, proto.V31: 0}
	for _, v := range versions {
		rows := strings.Count(texts[v], "\n") - 1
		all := Statements(v)
		if len(all) != rows {
			t.Errorf("%s: %d of %d rows are well formed", v, len(all), rows)
		}
		seen := make(map[string]bool)
		numbers := 0
		for _, s := range all {
			if seen[s.key] {
				t.Errorf("%s: %s is listed twice", v, s.key)
			}
			seen[s.key] = true
			if s.ID != "" {
				numbers++
				if got, ok := Lookup(v, s.ID); !ok || got != s {
					t.Errorf("%s: Lookup(%s) = %v", v, s.ID, got)
				}
			}
			if s.Level == 0 || s.Binds == 0 || s.Section == "" || s.Version != v {
				t.Errorf("%s: %s has an empty or unknown column", v, s.key)
			}
			if !strings.HasSuffix(s.Text, ".") {
				t.Errorf("%s: the text of %s is no sentence: %q", v, s.key, s.Text)
			}
			// A statement is shown by the observer, by a case, or there is a reason why by neither.
			if s.Shown != "observer" && s.Shown != "case" && !strings.Contains(s.Shown, " ") {
				t.Errorf("%s: %s has neither observer, case nor a reason: %q", v, s.key, s.Shown)
			}
		}
		if numbers != numbered[v] {
			t.Errorf("%s: %d numbered statements, want %d", v, numbers, numbered[v])
		}
	}
}

// TestKeys checks that each rule has a statement in some version, and that exactly the statements
// marked so have a check in the observer.
func TestKeys(t *testing.T) {
	checked := make(map[proto.Version]map[string]bool)
	for _, v := range versions {
		checked[v] = make(map[string]bool)
		for r := ruleNone + 1; r < ruleCount; r++ {
			for _, who := range []Role{Client, Server} {
				for key := range strings.FieldsSeq(keysOf(r, v, who)) {
					checked[v][key] = true
				}
			}
		}
		for key := range checked[v] {
			s, ok := tableOf(v).find(key)
			if !ok {
				t.Errorf("%s has no statement %s", v, key)
			} else if s.Shown != "observer" {
				t.Errorf("%s: %s is checked by the observer and the table says %q", v, key, s.Shown)
			}
		}
		for _, s := range Statements(v) {
			if s.Shown == "observer" && !checked[v][s.key] {
				t.Errorf("%s: %s is not checked by the observer", v, s.key)
			}
		}
	}
	for r := ruleNone + 1; r < ruleCount; r++ {
		if !slices.ContainsFunc(keys[r][:], func(k string) bool { return k != "" }) {
			t.Errorf("rule %d has no statement", r)
		}
	}
}
