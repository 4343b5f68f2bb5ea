package bench

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"mqtt/internal/format"
)

// Colors colors text by its meaning. format.Palette implements it.
type Colors interface {
	Error(string) string
	Warning(string) string
	Hint(string) string
	Topic(string) string
	Dim(string) string
}

// LiveView is the terminal that the live view is drawn on.
type LiveView struct {
	Width  int // in columns
	Above  int // lines of the previous view, which is above the cursor
	Colors Colors
}

// The widths of the columns of the live view.
const (
	nameColumn = 13
	sumColumn  = 13
	paceColumn = 11
	timeColumn = 10
	barColumns = 32
	pairColumn = nameColumn + sumColumn + paceColumn // "sent  1,234  99 /s"
)

// AppendLive appends the live view with the escape sequences that make it replace the
// previous one. The cursor is then in the first column of the line after the view. lines
// is the value of Above for the next view. No line is wider than the terminal.
func AppendLive(dst []byte, l *Live, v LiveView) (_ []byte, lines int) {
	if v.Above > 0 {
		dst = append(strconv.AppendInt(append(dst, "\x1b["...), int64(v.Above), 10), 'A')
	}
	width := max(v.Width-1, 8) // some terminals wrap a line when the last column is written
	t := line{b: append(dst, '\r'), end: "\x1b[K\r\n", room: width, width: width}
	t.progress(l, v.Colors)
	if l.messages() {
		t.pair("sent", l.Sent, l.SendRate, v.Colors)
		if width >= 2*pairColumn+2 {
			t.space(2)
		} else {
			t.newline()
		}
		t.pair("received", l.Received, l.ReceiveRate, v.Colors)
		t.newline()
	}
	if l.Latency.Count()+l.Recent.Count() > 0 {
		t.left(v.Colors.Dim, "latency", nameColumn)
		for _, q := range t.shown() {
			t.right(v.Colors.Dim, q.name, timeColumn)
		}
		t.newline()
		t.quantiles("last second", l.Recent, v.Colors)
		if l.Latency.Count() > 0 {
			t.quantiles("so far", l.Latency, v.Colors)
		}
	}
	t.connections(l, v.Colors)
	return append(t.b, "\x1b[J"...), t.lines
}

// messages reports whether the run sends messages.
func (l *Live) messages() bool {
	return measuring(l.Phase) || l.Sent+l.Received > 0 || l.SendRate+l.ReceiveRate > 0
}

// quantile is a percentile with its name. Percentile 100 is the maximum.
type quantile struct {
	name    string
	percent float64
}

var liveQuantiles = []quantile{{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99.9", 99.9}, {"max", 100}}

// shown returns the percentiles that the terminal has room for, without the less important ones if
// necessary.
func (l *line) shown() []quantile {
	all := slices.Clone(liveQuantiles)
	for _, name := range []string{"p90", "p99.9", "max"} {
		if nameColumn+timeColumn*len(all) > l.width {
			all = slices.DeleteFunc(all, func(q quantile) bool { return q.name == name })
		}
	}
	return all
}

// line is a line of a terminal that is being written. Text that does not fit is cut.
type line struct {
	b           []byte
	end         string
	room, width int // columns
	lines       int // complete lines
}

// plain returns s without color.
func plain(s string) string { return s }

// add appends s, a result of format.VisibleLine, in a color.
func (l *line) add(color func(string) string, s string) {
	cut, used := format.Shorten(nil, []byte(s), l.room)
	l.room -= used
	if used > 0 {
		l.b = append(l.b, color(string(cut))...)
	}
}

// space appends n spaces.
func (l *line) space(n int) {
	for ; n > 0 && l.room > 0; n-- {
		l.b = append(l.b, ' ')
		l.room--
	}
}

// left appends s at the left end of n columns.
func (l *line) left(color func(string) string, s string, n int) {
	l.add(color, s)
	l.space(n - format.Columns([]byte(s)))
}

// right appends s at the right end of n columns.
func (l *line) right(color func(string) string, s string, n int) {
	l.space(n - format.Columns([]byte(s)))
	l.add(color, s)
}

// whole adds s after two spaces, or on a line of its own if there is no room for all of it.
func (l *line) whole(color func(string) string, s string) {
	if l.room < 2+format.Columns([]byte(s)) {
		l.newline()
	} else {
		l.space(2)
	}
	l.add(color, s)
}

// newline ends the line.
func (l *line) newline() {
	l.b = append(l.b, l.end...)
	l.room = l.width
	l.lines++
}

// progress appends the line with the phase and the time.
func (l *line) progress(now *Live, colors Colors) {
	l.left(colors.Topic, now.Phase, nameColumn-1)
	l.space(1) // also after a long name
	if done := min(now.Done, 1); done >= 0 {
		if n := min(barColumns, l.room-25); n >= 8 {
			full := int(done*float64(n) + 0.5)
			l.add(colors.Hint, strings.Repeat("━", full))
			l.add(colors.Dim, strings.Repeat("─", n-full))
		}
		l.right(plain, strconv.Itoa(int(done*100))+"%", 5)
		l.space(2)
	}
	l.add(plain, wholeSeconds(now.Elapsed))
	if now.Remaining >= 0 {
		l.add(colors.Dim, ", "+wholeSeconds(now.Remaining+time.Second-1)+" left")
	}
	l.newline()
}

// connections appends the last line, or more if it is too long: connections, errors and lag.
func (l *line) connections(now *Live, colors Colors) {
	l.left(colors.Dim, "connections", nameColumn)
	l.right(plain, format.Count(uint64(max(now.Connections, 0))), sumColumn)
	if now.OpenRate > 0 {
		l.right(plain, format.Rate(now.OpenRate), paceColumn)
	} else if now.Connections != now.Wanted {
		l.right(colors.Dim, "of "+format.Count(uint64(max(now.Wanted, 0))), paceColumn)
	} else {
		l.space(paceColumn)
	}
	errors := colors.Dim
	if now.Errors > 0 {
		errors = colors.Error
	}
	l.whole(errors, "errors "+format.Count(now.Errors))
	if now.LagP99 > 0 {
		lag := colors.Dim
		if now.LagP99 > lateLag {
			lag = colors.Warning
		}
		l.whole(lag, "generator lag p99 "+format.Duration(now.LagP99))
	}
	l.newline()
}

// lateLag is the lag above which the view warns.
const lateLag = 10 * time.Millisecond

// pair appends a count and its rate.
func (l *line) pair(name string, n uint64, rate float64, colors Colors) {
	l.left(colors.Dim, name, nameColumn)
	l.right(plain, format.Count(n), sumColumn)
	l.right(plain, format.Rate(rate), paceColumn)
}

// quantiles appends a row of percentiles.
func (l *line) quantiles(name string, h *Histogram, colors Colors) {
	l.left(colors.Dim, name, nameColumn)
	for _, q := range l.shown() {
		text := "-"
		if h.Count() > 0 {
			text = format.Duration(h.At(q.percent))
		}
		l.right(plain, text, timeColumn)
	}
	l.newline()
}

// wholeSeconds returns d in whole seconds. Smaller units would only flicker.
func wholeSeconds(d time.Duration) string {
	if d = max(d, 0); d < time.Minute {
		return strconv.Itoa(int(d/time.Second)) + "s"
	}
	return format.Duration(d)
}
