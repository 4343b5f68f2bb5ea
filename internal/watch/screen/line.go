package screen

import (
	"strings"
	"unicode/utf8"

	"mqtt/internal/format"
	"mqtt/internal/terminal"
)

// A line is a text that is typed.
type line struct {
	text   []rune
	cursor int // index in text
}

// lineLimit is how many characters a line may have.
const lineLimit = 16 << 10

func (l *line) String() string { return string(l.text) }

// insert inserts s at the cursor. What is pasted may have any characters.
func (l *line) insert(s string) {
	add := []rune(strings.ToValidUTF8(s, "\uFFFD"))
	add = add[:min(len(add), max(lineLimit-len(l.text), 0))]
	l.text = append(l.text[:l.cursor:l.cursor], append(add, l.text[l.cursor:]...)...)
	l.cursor += len(add)
}

// press acts on a key that edits. It reports whether the text has changed.
func (l *line) press(k terminal.Event) (changed bool) {
	before := len(l.text)
	switch k.Name {
	case "left", "ctrl+b":
		l.cursor = max(l.cursor-1, 0)
	case "right", "ctrl+f":
		l.cursor = min(l.cursor+1, len(l.text))
	case "home", "ctrl+a":
		l.cursor = 0
	case "end", "ctrl+e":
		l.cursor = len(l.text)
	case "backspace", "ctrl+h":
		l.remove(l.cursor-1, l.cursor)
	case "delete", "ctrl+d":
		l.remove(l.cursor, l.cursor+1)
	case "ctrl+u":
		l.remove(0, l.cursor)
	case "ctrl+k":
		l.remove(l.cursor, len(l.text))
	case "ctrl+w":
		start := l.cursor
		for start > 0 && l.text[start-1] == ' ' {
			start--
		}
		for start > 0 && l.text[start-1] != ' ' {
			start--
		}
		l.remove(start, l.cursor)
	default:
		if k.Text == "" {
			return false
		}
		l.insert(k.Text)
	}
	return len(l.text) != before
}

// remove removes text[from:to], as far as it exists, and puts the cursor there.
func (l *line) remove(from, to int) {
	if from < 0 || to > len(l.text) {
		return
	}
	l.text = append(l.text[:from:from], l.text[to:]...)
	l.cursor = from
}

// draw returns the part of the text around the cursor that fits on width columns, and the column of
// the cursor.
func (l *line) draw(width int) (shown string, column int) {
	if width < 2 {
		return "", 0
	}
	visible := func(from, to int) []byte { return format.VisibleLine(nil, []byte(string(l.text[from:to]))) }
	from := max(l.cursor-width+1, 0) // a character has one column or more, or belongs to the one before
	for from < l.cursor && format.Columns(visible(from, l.cursor)) > width-1 {
		from++
	}
	before := visible(from, l.cursor)
	column = format.Columns(before)
	rest := visible(l.cursor, min(l.cursor+width, len(l.text)))
	b := append([]byte(nil), before...)
	for used := column; len(rest) > 0; {
		_, size := utf8.DecodeRune(rest)
		if used += format.Columns(rest[:size]); used > width {
			break
		}
		b = append(b, rest[:size]...)
		rest = rest[size:]
	}
	return string(b), column
}
