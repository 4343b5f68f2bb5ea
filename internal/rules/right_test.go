package rules

import "testing"

// TestRight checks that the observer reports nothing in the conversations of testdata/right.txt.
func TestRight(t *testing.T) {
	for _, s := range scripts(t, "right.txt") {
		if all, _ := play(t, s[0], s[2]); len(all) > 0 {
			t.Errorf("%s %s: %s:", s[0], s[1], s[2])
			for _, v := range all {
				t.Errorf("\tthe %s is blamed for %s: %s: %x", v.Broken, v.Name(), v.Got, v.Packet)
			}
		}
	}
}
