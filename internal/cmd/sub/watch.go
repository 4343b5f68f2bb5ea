package sub

import (
	"bytes"
	"slices"
	"time"

	"golang.org/x/term"

	"mqtt/internal/cli"
	"mqtt/internal/format"
	"mqtt/internal/proto"
)

const (
	redraw    = 250 * time.Millisecond
	mostRows  = 10000 // topics that are shown; others are ignored
	shownText = 256   // bytes of the last payload that are kept
)

// watch is the live table of sub -w: a row per topic with count, rate, age and last payload.
type watch struct {
	e             *cli.Env
	w             *cli.Stdout
	rows          map[string]*watched
	names         []*watched // in order of arrival
	next          time.Time
	lines         int
	buf           []byte
	width, height int
}

// watched is one topic.
type watched struct {
	row    format.Row
	at     time.Time // of the last message
	before uint64    // count when the rate was last computed
	taken  time.Time // when the rate was last computed
}

// newWatch returns an empty table.
func newWatch(e *cli.Env, stdout *cli.Stdout) *watch {
	w := &watch{e: e, w: stdout, rows: make(map[string]*watched), next: time.Now()}
	w.width, w.height = 80, 24
	return w
}

// size updates the size of the terminal.
func (w *watch) size() {
	if width, height, err := term.GetSize(int(w.w.Fd())); err == nil && width > 0 && height > 0 {
		w.width, w.height = width, height
	}
}

// Put counts a message.
func (w *watch) Put(_ proto.Version, p *proto.Publish) error {
	t, ok := w.rows[string(p.Topic)]
	if !ok {
		if len(w.rows) >= mostRows {
			return nil
		}
		t = &watched{taken: time.Now()}
		t.row.Topic = bytes.Clone(p.Topic)
		w.rows[string(p.Topic)] = t
		w.names = append(w.names, t)
	}
	t.row.Count++
	t.at = time.Now()
	t.row.Payload = append(t.row.Payload[:0], p.Payload[:min(len(p.Payload), shownText)]...)
	return nil
}

// Flush draws the table if it is due.
func (w *watch) Flush() error {
	now := time.Now()
	if now.Before(w.next) {
		return nil
	}
	w.next = now.Add(redraw)
	return w.draw(now)
}

// draw draws the table.
func (w *watch) draw(now time.Time) error {
	w.size()
	rows := make([]format.Row, 0, len(w.names))
	for _, t := range w.names {
		if d := now.Sub(t.taken); d >= time.Second {
			t.row.Rate = float64(t.row.Count-t.before) / d.Seconds()
			t.before, t.taken = t.row.Count, now
		}
		t.row.Age = now.Sub(t.at)
		rows = append(rows, t.row)
	}
	slices.SortStableFunc(rows, func(a, b format.Row) int { return bytes.Compare(a.Topic, b.Topic) })
	w.buf, w.lines = format.AppendTable(w.buf[:0], rows, format.View{Width: w.width, Height: w.height, Above: w.lines,
		Palette: format.NewPalette(w.e.Colored(w.e.TTYOut))})
	_, err := w.w.Write(w.buf)
	if err != nil {
		w.buf = nil // a write that was given up still has it
	}
	return cli.WriteError(err)
}

// Lost reports false: the table shows the newest messages only.
func (w *watch) Lost() bool { return false }

// Due returns the time of the next redraw.
func (w *watch) Due() time.Time { return w.next }

// Close draws the last state.
func (w *watch) Close() { w.draw(time.Now()) }
