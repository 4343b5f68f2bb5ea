package bench

import (
	"strconv"
	"strings"
	"time"

	"mqtt/internal/format"
)

// Ink colours text by what it means. format.Palette is one.
type Ink interface {
	Error(string) string
	Warning(string) string
	Hint(string) string
	Topic(string) string
	Dim(string) string
}

// LiveView is the terminal that the live view is drawn on.
type LiveView struct {
	Width int // in columns
	Above int // lines that the view before this one took, which it stands over
	Ink   Ink
}

// Columns of the live view.
const (
	nameColumn = 13
	sumColumn  = 13
	paceColumn = 11
	timeColumn = 10
	barColumns = 32
	pairColumn = nameColumn + sumColumn + paceColumn // "sent  1,234  99 /s"
)

// AppendLive appends the live view with what moves the cursor: it covers the view
// before it, and leaves the cursor in the first column of the line behind. lines is
// the Above of the next one. No line is wider than the terminal.
func AppendLive(dst []byte, l *Live, v LiveView) (_ []byte, lines int) {
	if v.Above > 0 {
		dst = append(strconv.AppendInt(append(dst, "\x1b["...), int64(v.Above), 10), 'A')
	}
	width := max(v.Width-1, 8) // writing the last column makes some terminals turn the line
	t := line{b: append(dst, '\r'), end: "\x1b[K\r\n", room: width, width: width}
	t.progress(l, v.Ink)
	if l.messages() {
		t.pair("sent", l.Sent, l.SendRate, v.Ink)
		if width >= 2*pairColumn+2 {
			t.space(2)
		} else {
			t.turn()
		}
		t.pair("received", l.Received, l.ReceiveRate, v.Ink)
		t.turn()
	}
	if l.Latency.Count()+l.Recent.Count() > 0 {
		t.left(v.Ink.Dim, "latency", nameColumn)
		for _, q := range liveQuantiles {
			t.right(v.Ink.Dim, q.name, timeColumn)
		}
		t.turn()
		t.quantiles("last second", l.Recent, v.Ink)
		if l.Latency.Count() > 0 {
			t.quantiles("so far", l.Latency, v.Ink)
		}
	}
	t.connections(l, v.Ink)
	return append(t.b, "\x1b[J"...), t.lines
}

// messages tells whether l is of a run that sends any.
func (l *Live) messages() bool {
	return measuring(l.Phase) || l.Sent+l.Received > 0 || l.SendRate+l.ReceiveRate > 0
}

// quantile is a percentile that reports name. Per cent of 100 is the maximum.
type quantile struct {
	name    string
	percent float64
}

var liveQuantiles = [...]quantile{{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99.9", 99.9}, {"max", 100}}

// line is a line of a terminal that is being written: what does not fit is left off.
type line struct {
	b           []byte
	end         string
	room, width int
	lines       int // that are complete
}

func plain(s string) string { return s }

// add appends s, visible text of one line, in a colour.
func (l *line) add(ink func(string) string, s string) {
	cut, used := format.Shorten(nil, []byte(s), l.room)
	l.room -= used
	if used > 0 {
		l.b = append(l.b, ink(string(cut))...)
	}
}

func (l *line) space(n int) {
	for ; n > 0 && l.room > 0; n-- {
		l.b = append(l.b, ' ')
		l.room--
	}
}

// left appends s at the left end of n columns, right at the right end.
func (l *line) left(ink func(string) string, s string, n int) {
	l.add(ink, s)
	l.space(n - format.Columns([]byte(s)))
}

func (l *line) right(ink func(string) string, s string, n int) {
	l.space(n - format.Columns([]byte(s)))
	l.add(ink, s)
}

// turn ends the line.
func (l *line) turn() {
	l.b = append(l.b, l.end...)
	l.room = l.width
	l.lines++
}

func (l *line) progress(now *Live, ink Ink) {
	l.left(ink.Topic, now.Phase, nameColumn-1)
	l.space(1) // behind a long one, too
	if part := min(now.Done, 1); part >= 0 {
		if n := min(barColumns, l.room-25); n >= 8 {
			full := int(part*float64(n) + 0.5)
			l.add(ink.Hint, strings.Repeat("━", full))
			l.add(ink.Dim, strings.Repeat("─", n-full))
		}
		l.right(plain, strconv.Itoa(int(part*100))+"%", 5)
		l.space(2)
	}
	l.add(plain, wholeSeconds(now.Elapsed))
	if now.Remaining >= 0 {
		l.add(ink.Dim, ", "+wholeSeconds(now.Remaining+time.Second-1)+" left")
	}
	l.turn()
}

// connections writes the last line: what is open, and what went wrong.
func (l *line) connections(now *Live, ink Ink) {
	l.left(ink.Dim, "connections", nameColumn)
	l.right(plain, format.Count(uint64(max(now.Connections, 0))), sumColumn)
	if now.OpenRate > 0 {
		l.right(plain, format.Rate(now.OpenRate), paceColumn)
	} else if now.Connections != now.Wanted {
		l.right(ink.Dim, "of "+format.Count(uint64(max(now.Wanted, 0))), paceColumn)
	} else {
		l.space(paceColumn)
	}
	l.space(2)
	errors := ink.Dim
	if now.Errors > 0 {
		errors = ink.Error
	}
	l.add(errors, "errors "+format.Count(now.Errors))
	if now.LagP99 > 0 {
		lag := ink.Dim
		if now.LagP99 > lateLag {
			lag = ink.Warning
		}
		l.add(lag, "   generator lag p99 "+format.Duration(now.LagP99))
	}
	l.turn()
}

// lateLag is a lag that a person should look at.
const lateLag = 10 * time.Millisecond

func (l *line) pair(name string, n uint64, rate float64, ink Ink) {
	l.left(ink.Dim, name, nameColumn)
	l.right(plain, format.Count(n), sumColumn)
	l.right(plain, format.Rate(rate), paceColumn)
}

func (l *line) quantiles(name string, h *Histogram, ink Ink) {
	l.left(ink.Dim, name, nameColumn)
	for _, q := range liveQuantiles {
		text := "-"
		if h.Count() > 0 {
			text = format.Duration(h.At(q.percent))
		}
		l.right(plain, text, timeColumn)
	}
	l.turn()
}

// wholeSeconds is Duration in whole seconds: finer digits would only flicker.
func wholeSeconds(d time.Duration) string {
	if d = max(d, 0); d < time.Minute {
		return strconv.Itoa(int(d/time.Second)) + "s"
	}
	return format.Duration(d)
}
