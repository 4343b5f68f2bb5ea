package bench

import (
	"bytes"
	"strings"
	"testing"
)

func TestMarkdownGolden(t *testing.T) {
	var b bytes.Buffer
	if err := Markdown(&b, small()); err != nil {
		t.Fatal(err)
	}
	golden(t, "report.md", b.Bytes())
}

// TestMarkdownEscapes checks that no text of a result becomes markup, or ends its line or cell.
func TestMarkdownEscapes(t *testing.T) {
	for name, r := range unusual() {
		var b bytes.Buffer
		if err := Markdown(&b, r); err != nil {
			t.Fatal(err)
		}
		cells := 0
		for line := range strings.Lines(b.String()) {
			inside := strings.ReplaceAll(strings.TrimSuffix(line, "\n"), `\|`, "")
			switch n := strings.Count(inside, "|"); {
			case n == 0:
				cells = 0
			case cells == 0:
				cells = n
			case n != cells:
				t.Errorf("%s: %d cells, want %d: %s", name, n-1, cells-1, line)
			}
			inside = strings.NewReplacer("<details><summary>Settings</summary>", "", "</details>", "").Replace(inside)
			if strings.ContainsAny(inside, "<\x1b\x00\u202e") || strings.Contains(inside, " > ") {
				t.Errorf("%s: markup in %s", name, line)
			}
		}
	}
	if got, want := inMarkdown("a_b [x](y) *z* `c` <i>&amp; |~\n"), `a\_b \[x\](y) \*z\* \`+"`c"+"\\`"+` &lt;i\>&amp;amp; \|\~`+"\\\\n"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
