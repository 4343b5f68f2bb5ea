package check

import (
	"slices"
	"strings"
	"testing"

	"mqtt/internal/proto"
	"mqtt/internal/rules"
)

// TestEveryStatementIsShown checks that each statement of the standards has a case, is judged by the observer in
// all cases, or has a reason why neither is possible; and that each rule of a case exists and binds who is
// checked.
func TestEveryStatementIsShown(t *testing.T) {
	for _, v := range []proto.Version{proto.V5, proto.V311, proto.V31} {
		servers, clients := rulesOf(t, Cases(), v, rules.Server), rulesOf(t, ClientCases(), v, rules.Client)
		for _, s := range rules.Statements(v) {
			if s.ID == "" || s.Shown == "observer" {
				continue
			}
			if s.Shown != "case" {
				if len(strings.Fields(s.Shown)) < 3 {
					t.Errorf("%v %s: %q is no reason", v, s.ID, s.Shown)
				}
				continue
			}
			if s.Binds&rules.Server != 0 && !slices.Contains(servers, s.ID) && !(s.Binds == rules.Both && slices.Contains(clients, s.ID)) {
				t.Errorf("%v %s: no case shows it of a server: %s", v, s.ID, s.Text)
			}
			if s.Binds == rules.Client && !slices.Contains(clients, s.ID) {
				t.Errorf("%v %s: no case shows it of a client: %s", v, s.ID, s.Text)
			}
		}
	}
	n := 0
	for _, k := range Cases() {
		n += len(k.ids())
	}
	if n < 350 {
		t.Errorf("%d cases, expected 350 or more", n)
	}
}

// rulesOf returns the rules of all cases in version v, and checks that they exist.
func rulesOf(t *testing.T, cases []*Case, v proto.Version, _ rules.Role) (all []string) {
	t.Helper()
	names := map[string]bool{}
	for _, k := range cases {
		if names[k.Name] {
			t.Errorf("two cases have the name %s", k.Name)
		}
		names[k.Name] = true
		_, ids, _ := k.place(v)
		for _, id := range ids {
			if _, ok := rules.Lookup(v, id); !ok {
				t.Errorf("%s: %v has no statement %s", k.Name, v, id)
			}
		}
		all = append(all, ids...)
	}
	return all
}
