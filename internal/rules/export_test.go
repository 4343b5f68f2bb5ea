package rules

import "testing"

// Scripts, Assemble and Key are what tests outside of the package need of the scripts in testdata.

func Scripts(t *testing.T, name string) [][3]string { return scripts(t, name) }

// Assemble returns the packet of a step without its direction.
func Assemble(t *testing.T, version, step string) []byte {
	t.Helper()
	if s, ok := short[version][step]; ok {
		step = s
	}
	return assemble(t, step)
}

// Is reports whether v breaks the statement with that number or name.
func (v Violation) Is(key string) bool {
	for _, k := range append(v.Also, v.key) {
		if k == key {
			return true
		}
	}
	return false
}
