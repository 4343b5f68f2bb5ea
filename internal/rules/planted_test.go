package rules

import (
	"slices"
	"testing"

	"mqtt/internal/proto"
)

// unplanted are statements that no script of their version can break, and why.
var unplanted = map[string]string{
	"3.1.1 MQTT-3.1.0-1": "without CONNECT the version is not known: reported as a rule of 5.0",
	"3.1 connect-first":  "without CONNECT the version is not known: reported as a rule of 5.0",
	"3.1 dup-repeat":     "CONNACK of 3.1 does not say whether the session goes on",
}

// TestPlanted checks that the observer reports each violation of testdata/planted.txt when it
// happens, nothing before it, and that each of its rules is broken once.
func TestPlanted(t *testing.T) {
	shown := make(map[string]bool)
	for _, s := range scripts(t, "planted.txt") {
		version, key, script := s[0], s[1], s[2]
		all, last := play(t, version, script)
		is := func(v Violation) bool { return v.key == key || slices.Contains(v.Also, key) }
		if !slices.ContainsFunc(last, is) {
			t.Errorf("%s %s is not reported: %s: %v", version, key, script, all)
			continue
		}
		if slices.ContainsFunc(all[:len(all)-len(last)], func(v Violation) bool { return v.Broken == last[0].Broken }) {
			t.Errorf("%s %s: other violations before: %s: %v", version, key, script, all)
		}
		for _, v := range last {
			if v.Broken&v.Binds == 0 {
				t.Errorf("%s %s binds the %s, and the %s is blamed: %s", version, v.key, v.Binds, v.Broken, script)
			}
			shown[v.Version.String()+" "+v.key] = true
			for _, also := range v.Also {
				shown[v.Version.String()+" "+also] = true
			}
		}
	}
	for _, v := range []proto.Version{proto.V5, proto.V311, proto.V31} {
		for _, s := range Statements(v) {
			if name := v.String() + " " + s.key; s.Shown == "observer" && !shown[name] && unplanted[name] == "" {
				t.Errorf("no script breaks %s", name)
			}
		}
	}
}
