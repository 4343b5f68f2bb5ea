package bench

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"mqtt/internal/format"
)

// Text returns the report for a person. width is the number of columns of the terminal.
func Text(width int, colors Colors) Report {
	return func(w io.Writer, r *Result) error {
		t := &text{colors: colors, width: width}
		t.whole(r)
		_, err := w.Write(t.b)
		return err
	}
}

// Terminal is Text on a terminal, where notes are wrapped at words.
func Terminal(width int, colors Colors) Report {
	return func(w io.Writer, r *Result) error {
		t := &text{colors: colors, width: width, wrapped: true}
		t.whole(r)
		_, err := w.Write(t.b)
		return err
	}
}

// text is a report that is being written.
type text struct {
	b       []byte
	colors  Colors
	width   int
	wrapped bool // long lines are wrapped at words
}

// textIndent is the column at which the values of lines begin.
const textIndent = 13

// wrap returns the lines of s, broken at spaces so that they fit beside the name of a line.
func (t *text) wrap(s string) []string {
	room := max(t.width-textIndent, 20)
	if !t.wrapped || utf8.RuneCountInString(s) <= room {
		return []string{s}
	}
	var lines []string
	begin, columns := 0, 0 // of the current line
	for at, word := 0, ""; at < len(s); at += len(word) {
		word = s[at:]
		if i := strings.IndexByte(word[1:], ' '); i >= 0 {
			word = word[:i+1] // with the space before it
		}
		n := utf8.RuneCountInString(word)
		if columns > 0 && columns+n > room {
			lines = append(lines, s[begin:at])
			begin, columns = at+1, -1
		}
		columns += n
	}
	return append(lines, s[begin:])
}

// line appends a line with a name.
func (t *text) line(name, value string, args ...any) {
	name += strings.Repeat(" ", max(textIndent-len(name), 1))
	text := fmt.Sprintf(value, args...)
	parts := []string{text}
	if !strings.Contains(text, "\x1b") { // the columns of colors are not known
		parts = t.wrap(text)
	}
	for _, part := range parts {
		t.b = append(append(t.b, t.colors.Dim(name)...), part...)
		t.b = append(t.b, '\n')
		name = strings.Repeat(" ", textIndent)
	}
}

// gap appends an empty line.
func (t *text) gap() { t.b = append(t.b, '\n') }

// minHistogram is how many times a histogram needs before it is drawn. The percentiles say
// all that fewer ones can tell.
const minHistogram = 100

// whole appends the report: the counts and the verdicts are last, so that a terminal shows
// them without scrolling.
func (t *text) whole(r *Result) {
	t.times(r)
	h, name, floor := r.Latency, "latency", r.Clock.floor()
	switch {
	case r.Kind == KindConnections && h.Count() == 0:
		h, name, floor = r.Connect, "connect", 0
	case h.Count() == 0:
		h, name, floor = r.Ack, "ack", 0
	}
	if h.Count() >= minHistogram {
		t.gap()
		t.b = append(t.b, t.colors.Dim(name)...)
		t.b = append(t.b, '\n')
		t.b = AppendHistogram(t.b, h, floor, t.width, t.colors)
	}
	if len(r.ErrorKinds)+len(r.Notes) > 0 {
		t.gap()
	}
	for _, k := range r.ErrorKinds {
		t.line("errors", "%s %s: %s", t.colors.Error(format.Count(k.Count)), k.Kind, format.VisibleLine(nil, []byte(k.Text)))
	}
	for _, n := range r.Notes {
		s := n.Text
		if n.Remedy != "" {
			s += " - " + n.Remedy
		}
		name := "note"
		for _, part := range t.wrap(s) {
			t.line(name, "%s", t.colors.Warning(part))
			name = ""
		}
	}
	t.gap()
	if r.Kind == KindConnections {
		t.connections(r)
	} else {
		t.messages(r)
	}
	if len(r.Verdicts) > 0 {
		t.gap()
	}
	for i := range r.Verdicts {
		v := &r.Verdicts[i]
		color := t.colors.Topic
		if v.Failed {
			color = t.colors.Error
		}
		t.b = append(append(t.b, color(v.String())...), '\n')
	}
}

// messages appends the counts of a run of kind messages.
func (t *text) messages(r *Result) {
	c := &r.Config
	pace := ", as fast as it goes"
	switch {
	case c.Publishers == 0:
		pace = ""
	case c.Rate > 0:
		pace = ", target " + format.Rate(c.Rate)
	}
	t.line("run", "%s, %s, QoS %d, MQTT %s%s, %s", format.Plural(uint64(c.Publishers), "publisher"), format.Plural(uint64(c.Subscribers), "subscriber"),
		c.QoS, c.Version, pace,
		format.Duration(time.Duration(r.Seconds*1e9)))
	if c.Publishers > 0 {
		s := fmt.Sprintf("%s, %s", format.Count(r.Sent), format.Rate(r.SendRate))
		if c.QoS > 0 {
			s += fmt.Sprintf(", %s acknowledged", format.Count(r.Acknowledged))
		}
		t.line("sent", "%s", s)
	}
	t.troubles(&r.Connections)
	if c.Subscribers == 0 {
		return
	}
	s := fmt.Sprintf("%s, %s", format.Count(r.Received), format.Rate(r.ReceiveRate))
	if len(r.Topics) > 0 && (r.Accounted || r.Expected > 0) {
		s += fmt.Sprintf(", %s expected", format.Count(r.Expected))
	}
	t.line("received", "%s", s)
	if !r.Accounted {
		if r.Lost > 0 {
			t.line("missing", "%s, by count alone", t.colors.Error(format.Count(r.Lost)))
		}
		return
	}
	forbids := missingText(c.QoS, 0)
	t.line("lost", "%s", t.judged(r.Lost, r.Expected, r.Legal.Loss, missingText(c.QoS, r.SessionsLost)))
	t.line("duplicated", "%s", t.judged(r.Duplicated, r.Expected, r.Legal.Duplicate, forbids))
	t.line("reordered", "%s", t.judged(r.Reordered, r.Expected, r.Legal.Reorder, forbids))
}

// troubles appends how many connections were lost, cut or not opened, if any.
func (t *text) troubles(c *Connections) {
	if c.Failed+c.Lost+c.Cut == 0 {
		return
	}
	var all []string
	for _, x := range []struct {
		n    uint64
		what string
	}{{c.Lost, "lost"}, {c.Cut, "cut"}, {c.Failed, "not opened"}, {c.Reconnected, "regained"}} {
		if x.n > 0 {
			all = append(all, format.Count(x.n)+" "+x.what)
		}
	}
	t.line("connections", "%s", strings.Join(all, ", "))
}

// judged returns the count n with its share, and why it is wrong if it is not legal.
func (t *text) judged(n, of uint64, legal bool, why string) string {
	s := format.Count(n)
	switch {
	case n == 0:
		return s
	case legal:
		return t.colors.Warning(fmt.Sprintf("%s (%s), which is allowed", s, format.Percent(n, of)))
	}
	return t.colors.Error(fmt.Sprintf("%s (%s), %s", s, format.Percent(n, of), why))
}

// connections appends the counts of a run of kind connections.
func (t *text) connections(r *Result) {
	c, m := &r.Connections, r.Machines
	t.line("run", "%s, MQTT %s, %s", format.Plural(c.Wanted, "connection"), r.Config.Version, format.Duration(time.Duration(r.Seconds*1e9)))
	s := fmt.Sprintf("%s in %s", format.Count(c.Opened), format.Duration(time.Duration(c.RampSeconds*1e9)))
	n := c.Opened - min(c.Reconnected, c.Opened)
	if r.Config.Ramp > 0 && n > 0 {
		n-- // n connections have n-1 steps between them
	}
	if c.RampSeconds > 0 && n > 0 {
		s += ", " + format.Rate(float64(n)/c.RampSeconds)
	}
	t.line("opened", "%s", s)
	t.line("at once", "%s", format.Count(c.Peak))
	for _, x := range []struct {
		name string
		n    uint64
	}{{"failed", c.Failed}, {"lost", c.Lost}, {"cut", c.Cut}, {"reconnected", c.Reconnected}} {
		if x.n > 0 {
			t.line(x.name, "%s", format.Count(x.n))
		}
	}
	if r.Expected > 0 {
		t.line("wills", "%s of %s came", format.Count(r.Expected-r.Lost), format.Count(r.Expected))
	}
	var base, held uint64
	for i := range m {
		base += m[i].MemoryBase
		held += m[i].Memory
	}
	if n := uint64(len(m)); held > base && base > 0 && c.Peak > n {
		t.line("memory", "%s, %s a connection beyond the base", format.Bytes(held), format.Bytes((held-base)/(c.Peak-n)))
	}
}

// figure is a column of the table of times.
type figure struct {
	name string
	of   func(*Histogram) time.Duration
}

// The widths of the columns of that table.
const (
	timeNames = 13
	timeEach  = 10
	timeCount = 13
)

// figures returns the columns for which the terminal has room, without the less important
// ones if necessary, and whether there is room for the count.
func (t *text) figures() (all []figure, count bool) {
	at := func(p float64) func(*Histogram) time.Duration {
		return func(h *Histogram) time.Duration { return h.At(p) }
	}
	all = []figure{{"min", (*Histogram).Min}, {"mean", (*Histogram).Mean}, {"p50", at(50)}, {"p90", at(90)}, {"p99", at(99)},
		{"p99.9", at(99.9)}, {"max", (*Histogram).Max}}
	room := func() int { return t.width - timeNames - timeEach*len(all) }
	for _, name := range []string{"mean", "p90", "p99.9", "min"} {
		if room() < timeCount {
			all = slices.DeleteFunc(all, func(f figure) bool { return f.name == name })
		}
	}
	return all, room() >= timeCount
}

// times appends the table of all histograms.
func (t *text) times(r *Result) {
	figures, count := t.figures()
	row := func(name string, figure func(figure) string, n string) string {
		s := fmt.Sprintf("%-*s", timeNames, name)
		for _, f := range figures {
			s += fmt.Sprintf("%*s", timeEach, figure(f))
		}
		if count {
			s += fmt.Sprintf("%*s", timeCount, n)
		}
		return s
	}
	t.b = append(t.b, t.colors.Dim(row("", func(f figure) string { return f.name }, "count"))...)
	t.gap()
	add := func(m timing) {
		h := m.hist
		if h.Count() == 0 {
			return
		}
		s := row(m.name, func(f figure) string { return m.text(f.of(h)) }, format.Count(uint64(h.Count())))
		t.b = append(t.b, t.colors.Dim(s[:timeNames])...)
		t.b = append(append(t.b, s[timeNames:]...), '\n')
	}
	for _, m := range timings(r) {
		add(m)
	}
	for _, p := range r.Phases {
		add(timing{name: "  " + p.Name, hist: p.Took})
	}
}

// JSON writes all of r, as Read reads it.
func JSON(w io.Writer, r *Result) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode result: %w", err)
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

// CSV writes the series with a header and a row for each point. Times are in microseconds.
func CSV(w io.Writer, r *Result) error {
	c := csv.NewWriter(w)
	c.Write([]string{"second", "sent", "acknowledged", "received", "errors", "opened", "connections",
		"latency_count", "latency_min_us", "latency_mean_us", "latency_p50_us", "latency_p90_us", "latency_p99_us", "latency_p999_us", "latency_max_us",
		"lost"})
	for i := range r.Series.Points {
		p := &r.Series.Points[i]
		row := []string{strconv.FormatFloat(float64(i)*r.Series.Interval, 'f', -1, 64)}
		for _, n := range []uint64{p.Sent, p.Acknowledged, p.Received, p.Errors, p.Opened, p.Connections, uint64(p.Latency.Count())} {
			row = append(row, strconv.FormatUint(n, 10))
		}
		h := p.Latency
		for _, d := range []time.Duration{h.Min(), h.Mean(), h.At(50), h.At(90), h.At(99), h.At(99.9), h.Max()} {
			row = append(row, strconv.FormatFloat(Micros(d), 'f', -1, 64))
		}
		c.Write(append(row, strconv.FormatUint(p.Lost, 10)))
	}
	c.Flush()
	return c.Error() // of all writes
}
