package terminal

import (
	"slices"
	"strconv"
)

// A Frame is what a terminal shows.
type Frame struct {
	Lines  []string // from the top; each fits the terminal, and has no escape sequences but those of colours
	Cursor *Cursor  // nil: hidden
}

// Cursor is a position, counted from 0 at the top left.
type Cursor struct{ X, Y int }

const (
	enter = "\x1b[?1049h\x1b[?7l\x1b[?25l\x1b[?2004h\x1b[2J" // alternate screen; long lines are cut; no cursor; pasted text is marked
	leave = "\x1b[?2026l\x1b[m\x1b[?2004l\x1b[?25h\x1b[?7h\x1b[?1049l"

	// A terminal that knows this mode shows what is between the two at once. Others ignore it.
	begin = "\x1b[?2026h\x1b[?25l"
	end   = "\x1b[?2026l"
)

// picture is what a terminal shows now.
type picture struct {
	lines  []string
	cursor *Cursor
	valid  bool // otherwise it is not known
}

// update appends what turns the picture into f, and makes it f. It appends nothing if they are equal.
func (p *picture) update(b []byte, f Frame) []byte {
	if p.valid && slices.Equal(p.lines, f.Lines) && equal(p.cursor, f.Cursor) {
		return b
	}
	b = append(b, begin...)
	if !p.valid {
		b = append(b, "\x1b[2J"...)
		p.lines = p.lines[:0]
	}
	for y := range max(len(f.Lines), len(p.lines)) {
		var was, line string
		if y < len(p.lines) {
			was = p.lines[y]
		}
		if y < len(f.Lines) {
			line = f.Lines[y]
		}
		if line != was {
			b = append(move(b, 0, y), "\x1b[2K"...) // before the line: after a full one it would take its last character
			b = append(b, line...)
		}
	}
	if f.Cursor != nil {
		b = append(move(b, f.Cursor.X, f.Cursor.Y), "\x1b[?25h"...)
	}
	p.lines, p.cursor, p.valid = append(p.lines[:0], f.Lines...), f.Cursor, true
	return append(b, end...)
}

func equal(a, b *Cursor) bool { return a == b || a != nil && b != nil && *a == *b }

// move appends what moves the cursor.
func move(b []byte, x, y int) []byte {
	b = strconv.AppendInt(append(b, "\x1b["...), int64(y+1), 10)
	return append(strconv.AppendInt(append(b, ';'), int64(x+1), 10), 'H')
}
