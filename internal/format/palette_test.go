package format

import (
	"testing"

	"github.com/fatih/color"
)

func TestPalette(t *testing.T) {
	before := color.NoColor
	plain, coloured := NewPalette(false), NewPalette(true)
	for _, c := range []struct{ name, got, want string }{
		{"error", coloured.Error("x"), "\x1b[31;1mx\x1b[0;22m"},
		{"warning", coloured.Warning("x"), "\x1b[33mx\x1b[0m"},
		{"hint", coloured.Hint("x"), "\x1b[36mx\x1b[0m"},
		{"topic", coloured.Topic("x"), "\x1b[32mx\x1b[0m"},
		{"dim", coloured.Dim("x"), "\x1b[2mx\x1b[22m"},
		{"empty", coloured.Error(""), ""},
		{"off", plain.Error("x") + plain.Warning("x") + plain.Hint("x") + plain.Topic("x") + plain.Dim("x"), "xxxxx"},
		{"zero", Palette{}.Error("x"), "x"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.name, c.got, c.want)
		}
	}
	if color.NoColor != before {
		t.Error("the global switch was changed")
	}
}
