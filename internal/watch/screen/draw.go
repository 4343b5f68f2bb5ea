package screen

import (
	"strings"
	"time"
	"unicode/utf8"

	"mqtt/internal/format"
	"mqtt/internal/terminal"
)

// The sizes at which the screen changes.
const (
	minForSides   = 110 // columns from which on table and detail are side by side
	minForHeading = 8   // lines
	minForBoth    = 12  // lines of table and detail together
	tableShare    = 55  // percent of the columns, beside a detail
)

// layout says how many lines and columns the parts of the screen have.
type layout struct {
	heading               bool
	tableWidth, tableRows int
	detailWidth, detail   int // 0 lines: not shown
	sides                 bool
	typing                int // lines at the bottom, for keys or for what is typed
}

// showsDetail reports whether the detail is on the screen.
func (u *ui) showsDetail() bool {
	if u.chosen {
		return u.shown
	}
	return u.width >= minForSides
}

// plan divides the screen.
func (u *ui) plan() layout {
	l := layout{tableWidth: u.width, typing: 1, heading: u.height >= minForHeading}
	if u.mode == publishing && u.height >= minForHeading {
		l.typing = 2
	}
	room := max(u.height-1-l.typing, 0)
	table := room
	switch {
	case !u.showsDetail():
	case u.width >= minForSides:
		l.sides, l.detail = true, room
		l.tableWidth = u.width * tableShare / 100
		l.detailWidth = u.width - l.tableWidth - 2
	case room >= minForBoth:
		l.detail, l.detailWidth = room/2, u.width
		table = room - l.detail
		l.detail-- // a line between them
	default:
		l.detail, l.detailWidth, table = room, u.width, 0
	}
	if l.heading {
		table--
	}
	l.tableRows = max(table, 0)
	return l
}

// View draws the screen.
func (u *ui) View() terminal.Frame {
	now := u.s.now()
	l := u.plan()
	u.collect(l, now)
	u.tableHeight, u.detailHeight = l.tableRows, l.detail
	if l.detail == 0 {
		u.scrolling = false
	}
	lines := make([]string, 0, u.height)
	lines = append(lines, u.header(now))
	if u.mode == helping {
		lines = u.help(lines, u.height-2)
	} else {
		lines = u.main(lines, l)
	}
	for len(lines) < u.height-l.typing {
		lines = append(lines, "")
	}
	lines = lines[:max(u.height-l.typing, 0)]
	lines, cursor := u.bottom(lines, l)
	return terminal.Frame{Lines: lines, Cursor: cursor}
}

// collect copies what the screen shows, under the lock.
func (u *ui) collect(l layout, now time.Time) {
	s := u.s
	s.mu.Lock()
	defer s.mu.Unlock()
	s.model.Tick(now)
	s.browser.Refresh(now)
	u.summary, u.conn = s.model.Summary(), s.conn
	u.note, u.isError = s.note, s.isError
	if now.Sub(s.noted) > noteTime {
		u.note = ""
	}
	u.rows = s.browser.Rows(u.rows[:0], l.tableRows, now)
	u.row, u.total = s.browser.Position()
	u.sort = s.browser.Sort()
	if s.browser.Detail(&u.detail) {
		u.updates++
	}
}

// noteTime is how long a note is shown.
const noteTime = 5 * time.Second

// main draws table and detail.
func (u *ui) main(lines []string, l layout) []string {
	var table []string
	if l.tableRows > 0 {
		table = u.table(l)
	}
	if l.detail == 0 {
		return append(lines, table...)
	}
	detail := u.drawDetail(l)
	if !l.sides {
		lines = append(lines, table...)
		if l.tableRows > 0 {
			for len(lines) < 1+l.tableRows+1 && len(lines) < u.height { // below the last row
				lines = append(lines, "")
			}
			lines = append(lines, u.s.cfg.Palette.Dim(strings.Repeat("─", u.width)))
		}
		return append(lines, detail...)
	}
	for i := range max(len(table), len(detail)) {
		var left, right string
		if i < len(table) {
			left = table[i]
		} else {
			left = strings.Repeat(" ", l.tableWidth)
		}
		if i < len(detail) {
			right = detail[i]
		}
		lines = append(lines, left+u.s.cfg.Palette.Dim("│ ")+right)
	}
	return lines
}

// cut returns text, which is safe for a terminal, in at most n columns.
func cut(text string, n int) string {
	b, _ := format.Shorten(nil, []byte(text), n)
	return string(b)
}

// cutMiddle is cut for topics.
func cutMiddle(text string, n int) string {
	b, _ := format.ShortenMiddle(nil, []byte(text), n)
	return string(b)
}

// width returns the columns of text, which is safe for a terminal.
func width(text string) int { return format.Columns([]byte(text)) }

// left returns text in exactly n columns, with spaces after it.
func left(text string, n int) string {
	text = cut(text, n)
	return text + strings.Repeat(" ", max(n-width(text), 0))
}

// right returns text in exactly n columns, with spaces before it.
func right(text string, n int) string {
	text = cut(text, n)
	return strings.Repeat(" ", max(n-width(text), 0)) + text
}

// safe returns b as text that is safe for a terminal, in one line.
func safe(b []byte) string { return string(format.VisibleLine(nil, b)) }

// wrap splits text, which is safe for a terminal, into lines of at most n columns.
func wrap(text string, n int) []string {
	if n < 2 || width(text) <= n {
		return []string{text}
	}
	var lines []string
	start, used := 0, 0
	for i := 0; i < len(text); {
		_, size := utf8.DecodeRuneInString(text[i:])
		w := width(text[i : i+size])
		if used+w > n {
			lines = append(lines, text[start:i])
			start, used = i, 0
		}
		used += w
		i += size
	}
	return append(lines, text[start:])
}
