package report

import (
	"html"
	"strings"
	"unicode/utf8"

	"mqtt/internal/format"
)

// Fact is a name with its value, such as a setting of a run.
type Fact struct{ Name, Value string }

// escape escapes s for XML and HTML, also inside attributes.
func escape(s string) string { return html.EscapeString(representable(s)) }

// escapeVisible is escape, and shows control characters and direction marks as \x1b, as
// they are shown on a terminal.
func escapeVisible(s string) string {
	return escape(string(format.VisibleLine(nil, []byte(s))))
}

// representable replaces what neither XML 1.0 nor HTML can represent, even escaped:
// control characters, noncharacters, and bytes that are not UTF-8.
func representable(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' && c != '\n' && c != '\t' || c == 0xFFFE || c == 0xFFFF {
			return utf8.RuneError
		}
		return c
	}, s)
}
