package format

import "github.com/fatih/color"

// Palette colors text by its meaning. The zero Palette leaves text unchanged. A Palette
// does not escape anything: text from others must go through VisibleLine first.
type Palette struct{ err, warning, hint, topic, dim, bold, selected *color.Color }

// NewPalette returns a palette that colors text if on is true. It neither reads nor
// changes the global settings of package color.
func NewPalette(on bool) Palette {
	if !on {
		return Palette{}
	}
	style := func(a ...color.Attribute) *color.Color {
		c := color.New(a...)
		c.EnableColor()
		return c
	}
	return Palette{
		err:      style(color.FgRed, color.Bold),
		warning:  style(color.FgYellow),
		hint:     style(color.FgCyan),
		topic:    style(color.FgGreen),
		dim:      style(color.Faint),
		bold:     style(color.Bold),
		selected: style(color.ReverseVideo),
	}
}

// paint returns s in color c, and s itself if c is nil or s is empty.
func paint(c *color.Color, s string) string {
	if c == nil || s == "" {
		return s
	}
	return c.Sprint(s)
}

// Error colors an error.
func (p Palette) Error(s string) string { return paint(p.err, s) }

// Warning colors a warning.
func (p Palette) Warning(s string) string { return paint(p.warning, s) }

// Hint colors advice.
func (p Palette) Hint(s string) string { return paint(p.hint, s) }

// Topic colors topics and other names.
func (p Palette) Topic(s string) string { return paint(p.topic, s) }

// Dim colors text that is less important than the text around it.
func (p Palette) Dim(s string) string { return paint(p.dim, s) }

// Bold emphasizes headings and text that has just changed.
func (p Palette) Bold(s string) string { return paint(p.bold, s) }

// Selected marks the selected line. s has no colors of its own, which would end the mark.
func (p Palette) Selected(s string) string { return paint(p.selected, s) }
