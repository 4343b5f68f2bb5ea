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
	Width, Height int // in characters; Height counts the line of the cursor
	Above         int // lines that the table before this one took, which it stands over
	Palette       Palette
}

// What the columns of numbers take, the gap before each aside, and from how many
// characters on a terminal has room for them.
const (
	countColumn = 11
	rateColumn  = 10
	ageColumn   = 7
	gap         = 2
	forRate     = 48
	forAge      = 60
	narrowest   = 32
)

// AppendTable appends rows as a table with what moves the cursor, so that it covers
// the table before: up by v.Above lines, each line cleared behind its end, all below
// cleared. The cursor is left in the first column of the line behind it. lines is the
// Above of the next one. Rows that the terminal has no room for are counted in a last
// line, and a narrow terminal has fewer columns.
//
// Topics and payloads are made visible and cut to their columns.
func AppendTable(dst []byte, rows []Row, v View) (_ []byte, lines int) {
	width := max(v.Width, narrowest)
	left := width - 1 - countColumn - 2*gap // writing the last column makes some terminals turn the line
	rate, ages := width >= forRate, width >= forAge
	if rate {
		left -= rateColumn + gap
	}
	if ages {
		left -= ageColumn + gap
	}
	room := max(v.Height-2, 1) // the head and the line of the cursor
	hidden := 0
	if len(rows) > room {
		room = max(room-1, 1)
		hidden = len(rows) - room
		rows = rows[:room]
	}
	var scratch []byte
	topic := len("TOPIC")
	for i := range rows {
		scratch = VisibleLine(scratch[:0], rows[i].Topic)
		topic = max(topic, Columns(scratch))
	}
	topic = min(topic, max(left/2, left-40))

	if v.Above > 0 {
		dst = append(strconv.AppendInt(append(dst, "\x1b["...), int64(v.Above), 10), 'A')
	}
	dst = append(dst, '\r')
	// line appends a row, or the head.
	line := func(name []byte, paint func(string) string, count, persec, old string, payload []byte) {
		scratch, used := Shorten(scratch[:0], name, topic)
		dst = pad(append(dst, paint(string(scratch))...), ' ', topic-used)
		dst = padLeft(dst, count, countColumn)
		if rate {
			dst = padLeft(dst, persec, rateColumn)
		}
		if ages {
			dst = padLeft(dst, old, ageColumn)
		}
		dst, _ = Shorten(append(dst, "  "...), payload, left-topic)
		dst = endLine(dst)
	}
	line([]byte("TOPIC"), v.Palette.Dim, "COUNT", "RATE", "AGE", []byte("PAYLOAD"))
	for i := range rows {
		r := &rows[i]
		name := VisibleLine(nil, r.Topic)
		// As many bytes as fill the column whatever they are; a payload can be huge.
		payload := VisibleLine(nil, whole(r.Payload, 4*left))
		line(name, v.Palette.Topic, total(r.Count), Rate(r.Rate), age(r.Age), payload)
	}
	lines = 1 + len(rows)
	if hidden > 0 {
		dst = endLine(append(dst, v.Palette.Dim("and "+Count(uint64(hidden))+" more topics")...))
		lines++
	}
	return append(dst, "\x1b[J"...), lines
}

// endLine clears what stood behind the line.
func endLine(dst []byte) []byte { return append(dst, "\x1b[K\r\n"...) }

// total is Count as long as it fits into its column.
func total(n uint64) string {
	if n < 1e9 {
		return Count(n)
	}
	return scaled(float64(n), 1000, [6]string{"", "k", "M", "G", "T", "P"})
}

// age is Duration in whole seconds, then minutes, then hours: finer digits would only
// flicker.
func age(d time.Duration) string {
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

// padLeft appends a gap and the ASCII text s in n columns, itself at their right end.
func padLeft(dst []byte, s string, n int) []byte {
	return append(pad(append(dst, "  "...), ' ', n-len(s)), s...)
}
