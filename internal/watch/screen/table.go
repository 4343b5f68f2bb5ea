package screen

import (
	"strings"

	"mqtt/internal/format"
	"mqtt/internal/watch"
)

// The widths of the table from which on a column is drawn.
const (
	minForPayload = 26
	minForCount   = 34
	minForRate    = 48
	minForAge     = 60
)

// columns has the widths of the columns. They only grow, so that the table does not flicker, until
// the order or the size of the screen changes.
type columns struct{ topic, count, rate, age, payload int }

// gutter is the width of the marks before a topic: the selected row, and one that has just changed.
const gutter = 2

// cell is a row of the table as text.
type cell struct{ topic, count, rate, age, payload string }

// table draws the heading and the rows.
func (u *ui) table(l layout) []string {
	cells := make([]cell, len(u.rows))
	c := &u.columns
	c.topic, c.count, c.rate, c.age = max(c.topic, 6), max(c.count, 5), max(c.rate, 8), max(c.age, 4)
	for i := range u.rows {
		cells[i] = rowCell(&u.rows[i], l.tableWidth)
		c.topic = max(c.topic, indent(&u.rows[i], l.tableWidth)+width(cells[i].topic))
		c.count = max(c.count, width(cells[i].count))
		c.rate = max(c.rate, width(cells[i].rate))
		c.age = max(c.age, width(cells[i].age))
		c.payload = max(c.payload, min(width(cells[i].payload), l.tableWidth))
	}
	w := u.fit(l.tableWidth)
	var lines []string
	if l.heading {
		h := cell{"TOPIC", "COUNT", "RATE", "AGE", "PAYLOAD"}
		switch u.sort {
		case watch.ByName:
			h.topic += "▾"
		case watch.ByRate:
			h.rate += "▾"
		case watch.ByAge:
			h.age += "▾"
		}
		lines = append(lines, u.s.cfg.Palette.Dim(left(strings.Repeat(" ", gutter)+left(h.topic, w.topic)+w.rest(h), l.tableWidth)))
	}
	for i := range u.rows {
		lines = append(lines, u.tableRow(&u.rows[i], cells[i], w, l.tableWidth))
	}
	if len(u.rows) == 0 && l.tableRows > 0 {
		lines = append(lines, u.s.cfg.Palette.Dim(left("  "+u.emptyText(), l.tableWidth)))
	}
	if n := u.summary.Unlisted; n > 0 && l.tableRows > 1 {
		more := "  and " + format.Plural(n, "message") + " of topics beyond the first " + format.Count(uint64(u.summary.Topics))
		lines = append(lines[:min(len(lines), len(lines)-len(u.rows)+l.tableRows-1)], u.s.cfg.Palette.Warning(left(more, l.tableWidth)))
	}
	return lines
}

// emptyText says why there are no rows.
func (u *ui) emptyText() string {
	switch {
	case u.filter != "" && u.summary.Topics > 0:
		return "no topic matches the filter (esc removes it)"
	case u.conn.Phase == Connected:
		return "waiting for messages"
	}
	return "no messages yet"
}

// indent returns the columns before the name of a row. Deep levels do not push it off the screen.
func indent(r *watch.Row, tableWidth int) int { return min(2*r.Depth, tableWidth/4) }

// rowCell returns the texts of a row. Those of a topic are not cut.
func rowCell(r *watch.Row, tableWidth int) cell {
	mark := "  "
	switch {
	case r.Open:
		mark = "▾ "
	case r.Branch:
		mark = "▸ "
	}
	name := safe([]byte(r.Name))
	if name == "" {
		name = "(empty)"
	}
	c := cell{topic: mark + name, count: format.Count(r.Count), age: wholeSeconds(r.Age)}
	if r.Rate > 0 {
		c.rate = format.Rate(r.Rate)
	}
	switch {
	case r.Own:
		c.payload = cut(safe(r.Payload), tableWidth)
		if r.Retain {
			c.payload = "[retained] " + c.payload
		}
	case r.Branch:
		c.payload = format.Plural(uint64(r.Topics), "topic")
	}
	return c
}

// fit returns the widths that fit into the table. 0 leaves a column out.
func (u *ui) fit(tableWidth int) columns {
	c := u.columns
	room := tableWidth - gutter
	take := func(column *int, from int) {
		if tableWidth < from {
			*column = 0
		} else {
			room -= *column + 2
		}
	}
	take(&c.count, minForCount)
	take(&c.rate, minForRate)
	take(&c.age, minForAge)
	if tableWidth < minForPayload {
		c.payload, c.topic = 0, max(room, 1)
		return c
	}
	room -= 2
	// A topic gets what it needs, unless the payload then has neither what it needs nor a third.
	if c.topic+c.payload > room {
		c.topic = min(c.topic, max(room-c.payload, room*2/3))
	}
	c.payload = max(room-c.topic, 1)
	return c
}

// rest returns the cells after the topic.
func (w columns) rest(c cell) string {
	var b strings.Builder
	for _, column := range [...]struct {
		text  string
		width int
	}{{c.count, w.count}, {c.rate, w.rate}, {c.age, w.age}} {
		if column.width > 0 {
			b.WriteString("  " + right(column.text, column.width))
		}
	}
	if w.payload > 0 {
		b.WriteString("  " + left(c.payload, w.payload))
	}
	return b.String()
}

// tableRow draws a row.
func (u *ui) tableRow(r *watch.Row, c cell, w columns, tableWidth int) string {
	p := u.s.cfg.Palette
	mark, changed := " ", " "
	if r.Selected {
		mark = ">"
	}
	if r.Changed {
		changed = "•"
	}
	before := indent(r, tableWidth)
	name := cutMiddle(c.topic, max(w.topic-before, 1))
	name = strings.Repeat(" ", before) + name
	name += strings.Repeat(" ", max(w.topic-width(name), 0))
	if r.Selected {
		return p.Selected(left(mark+changed+name+w.rest(c), tableWidth))
	}
	rest := w.rest(c)
	switch {
	case !r.Own:
		rest = p.Dim(rest)
	case r.Changed:
		rest = p.Bold(rest)
	}
	return mark + p.Warning(changed) + p.Topic(name) + rest
}
