package jsonline

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// FuzzValues compares the JSON checker with the standard library.
func FuzzValues(f *testing.F) {
	for _, s := range []string{`{"a":[1,-2.5e+3,"\u00e9\n",{},[],null,true,false]}`, "-", "01", "1.", "[1,]", `{"a"}`, `"`, `"\x"`, "[[[", `{"a":1,}`, " 1 "} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var c Checker
		end, why := c.value(b, skipSpace(b, 0))
		good := why == "" && skipSpace(b, end) == len(b)
		if why != faultDepth && good != json.Valid(b) {
			t.Fatalf("%q: %v (%s at %d), the standard library says %v", b, good, why, end, !good)
		}
		line, ok := c.Compact(b)
		if ok != (good && utf8.Valid(b)) {
			t.Fatalf("%q: Compact says %v", b, ok)
		}
		if c.Valid(b) != ok {
			t.Fatalf("%q: Valid is not what Compact says, %v", b, ok)
		}
		if !good {
			return
		}
		var want bytes.Buffer
		if json.Compact(&want, b); ok && !bytes.Equal(line, want.Bytes()) {
			t.Fatalf("%q is compacted to %q, want %q", b, line, want.Bytes())
		}
		for _, visible := range []bool{false, true} {
			compact := AppendCompact(nil, b, visible)
			if !json.Valid(compact) || !json.Valid(AppendIndented(nil, compact)) {
				t.Fatalf("%q is compacted to %q", b, compact)
			}
		}
	})
}
