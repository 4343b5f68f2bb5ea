package format

import "github.com/fatih/color"

// Palette colours text by what it means. The zero Palette leaves it plain. Text must
// be made visible first: Palette escapes nothing.
type Palette struct{ err, warning, hint, topic, dim *color.Color }

// NewPalette returns a palette that colours if on is true. It neither reads nor
// changes what color keeps for the whole process.
func NewPalette(on bool) Palette {
	if !on {
		return Palette{}
	}
	ink := func(a ...color.Attribute) *color.Color {
		c := color.New(a...)
		c.EnableColor()
		return c
	}
	return Palette{
		err:     ink(color.FgRed, color.Bold),
		warning: ink(color.FgYellow),
		hint:    ink(color.FgCyan),
		topic:   ink(color.FgGreen),
		dim:     ink(color.Faint),
	}
}

func paint(c *color.Color, s string) string {
	if c == nil || s == "" {
		return s
	}
	return c.Sprint(s)
}

// Error colours what went wrong.
func (p Palette) Error(s string) string { return paint(p.err, s) }

// Warning colours what may surprise.
func (p Palette) Warning(s string) string { return paint(p.warning, s) }

// Hint colours what to try.
func (p Palette) Hint(s string) string { return paint(p.hint, s) }

// Topic colours topics and other names.
func (p Palette) Topic(s string) string { return paint(p.topic, s) }

// Dim colours what matters less than what is around it.
func (p Palette) Dim(s string) string { return paint(p.dim, s) }
