package rules

import "testing"

// TestInnocent checks that in the conversations of testdata/innocent.txt only the named side is
// blamed: what the other side makes of a fault is not held against it.
func TestInnocent(t *testing.T) {
	for _, s := range scripts(t, "innocent.txt") {
		all, _ := play(t, s[0], s[2])
		if len(all) == 0 {
			t.Errorf("%s the %s is not blamed: %s", s[0], s[1], s[2])
		}
		for _, v := range all {
			if v.Broken.String() != s[1] {
				t.Errorf("%s %s: the %s is blamed for %s: %s: %x", s[0], s[2], v.Broken, v.Name(), v.Got, v.Packet)
			}
		}
	}
}
