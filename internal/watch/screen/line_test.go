package screen

import (
	"strings"
	"testing"
)

func TestLine(t *testing.T) {
	l := line{text: []rune("ab日本c"), cursor: 5}
	for _, c := range []struct {
		cursor, width int
		want          string
		column        int
	}{{5, 20, "ab日本c", 7}, {5, 4, "本c", 3}, {0, 4, "ab日", 0}, {2, 4, "ab日", 2}, {3, 4, "b日", 3}, {0, 1, "", 0}} {
		l.cursor = c.cursor
		if got, column := l.draw(c.width); got != c.want || column != c.column {
			t.Errorf("cursor %d in %d: %q at %d, want %q at %d", c.cursor, c.width, got, column, c.want, c.column)
		}
	}
	l.cursor = 2
	l.insert(strings.Repeat("x", 2*lineLimit))
	if len(l.text) != lineLimit || string(l.text[len(l.text)-3:]) != "日本c" {
		t.Errorf("%d characters", len(l.text))
	}
}
