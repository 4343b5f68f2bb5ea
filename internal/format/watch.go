package format

import (
	"fmt"
	"strconv"
	"time"
)

// Row is a topic of the live view.
type Row struct {
	Topic   []byte
	Count   uint64
	Rate    float64 // messages a second
	Age     time.Duration
	Payload []byte // of the last message
}

// View is the terminal that a table is drawn on.
type View struct {
	Width, Height int // in characters; Height includes the line of the cursor
	Above         int // lines of the previous table, which is above the cursor
	Palette       Palette
}

// The widths of the columns of numbers, without the gap before each, and the widths of
// the terminal from which on a column is drawn.
const (
	countColumn = 11
	rateColumn  = 10
	ageColumn   = 7
	columnGap   = 2
	minForRate  = 48
	minForAge   = 60
	minWidth    = 32
)

// AppendTable appends rows as a table with the escape sequences that make it replace the
// previous one: it moves up by v.Above lines, clears the rest of each line, and clears
// all lines below. The cursor is then in the first column of the line after the table.
// lines is the value of Above for the next table. If the terminal has too few lines, the
// last line has the number of rows that are not drawn. A narrow terminal has fewer
// columns.
//
// Topics and payloads are escaped and cut to their columns.
func AppendTable(dst []byte, rows []Row, v View) (_ []byte, lines int) {
	rows, hidden := fitting(rows, v.Height)
	t := newTable(rows, v)
	if v.Above > 0 {
		dst = append(strconv.AppendInt(append(dst, "\x1b["...), int64(v.Above), 10), 'A')
	}
	dst = append(dst, '\r')
	dst = t.appendLine(dst, []byte("TOPIC"), v.Palette.Dim, "COUNT", "RATE", "AGE", []byte("PAYLOAD"))
	for i := range rows {
		r := &rows[i]
		topic := VisibleLine(nil, r.Topic)
		// A payload can be huge. This many bytes fill the column in any case.
		payload := VisibleLine(nil, prefix(r.Payload, 4*(t.topic+t.payload)))
		dst = t.appendLine(dst, topic, v.Palette.Topic, shortCount(r.Count), Rate(r.Rate), wholeSeconds(r.Age), payload)
	}
	lines = 1 + len(rows)
	if hidden > 0 {
		dst = endLine(append(dst, v.Palette.Dim("and "+Count(uint64(hidden))+" more topics")...))
		lines++
	}
	return append(dst, "\x1b[J"...), lines
}

// fitting returns the rows that fit on a terminal of that height, and how many do not.
func fitting(rows []Row, height int) (_ []Row, hidden int) {
	room := max(height-2, 1) // without the heading and the line of the cursor
	if len(rows) <= room {
		return rows, 0
	}
	room = max(room-1, 1) // without the line about the rows that do not fit
	return rows[:room], len(rows) - room
}

// table has the columns of a table.
type table struct {
	topic, payload int // width
	rates, ages    bool
	scratch        []byte
}

func newTable(rows []Row, v View) table {
	width := max(v.Width, minWidth)
	t := table{rates: width >= minForRate, ages: width >= minForAge}
	left := width - 1 - countColumn - 2*columnGap // some terminals wrap a line when the last column is written
	if t.rates {
		left -= rateColumn + columnGap
	}
	if t.ages {
		left -= ageColumn + columnGap
	}
	t.topic = len("TOPIC")
	for i := range rows {
		t.scratch = VisibleLine(t.scratch[:0], rows[i].Topic)
		t.topic = max(t.topic, Columns(t.scratch))
	}
	t.topic = min(t.topic, max(left/2, left-40))
	t.payload = left - t.topic
	return t
}

// appendLine appends a row or the heading; color is for the topic.
func (t *table) appendLine(dst, topic []byte, color func(string) string, count, rate, age string, payload []byte) []byte {
	var used int
	t.scratch, used = Shorten(t.scratch[:0], topic, t.topic)
	dst = pad(append(dst, color(string(t.scratch))...), ' ', t.topic-used)
	dst = padLeft(dst, count, countColumn)
	if t.rates {
		dst = padLeft(dst, rate, rateColumn)
	}
	if t.ages {
		dst = padLeft(dst, age, ageColumn)
	}
	dst, _ = Shorten(append(dst, "  "...), payload, t.payload)
	return endLine(dst)
}

// endLine clears the rest of the line and goes to the next one.
func endLine(dst []byte) []byte { return append(dst, "\x1b[K\r\n"...) }

// shortCount is Count for numbers that fit into the column, and rounds larger ones.
func shortCount(n uint64) string {
	if n < 1e9 {
		return Count(n)
	}
	return scaled(float64(n), 1000, [6]string{"", "k", "M", "G", "T", "P"})
}

// wholeSeconds returns d in seconds, minutes or hours. Smaller units would only flicker.
func wholeSeconds(d time.Duration) string {
	s := int(max(d, 0) / time.Second)
	switch {
	case s < 60:
		return strconv.Itoa(s) + "s"
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	case s < 86400:
		return fmt.Sprintf("%dh%02dm", s/3600, s/60%60)
	}
	return fmt.Sprintf("%dd%02dh", min(s/86400, 999), s/3600%24)
}

// padLeft appends a gap and the ASCII text s, aligned right in n columns.
func padLeft(dst []byte, s string, n int) []byte {
	return append(pad(append(dst, "  "...), ' ', n-len(s)), s...)
}
