package cli

import (
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"mqtt/internal/format"
)

// Progress is a line on a terminal that shows how much of a long input has been read.
type Progress struct {
	Before func() // called before the line is drawn for the first time; may be nil

	e     *Env
	began time.Time
	next  time.Time
	size  int64         // bytes of the input; 0 if unknown
	read  *atomic.Int64 // bytes read so far
}

const (
	progressAfter = 2 * time.Second
	progressEvery = 500 * time.Millisecond
)

// NewProgress returns a Progress, or nil if stderr is not a terminal that can be drawn on, input is typed
// on one, or --quiet was given. All methods accept nil.
func NewProgress(e *Env, read *atomic.Int64) *Progress {
	if !e.Draws(e.TTYErr) || e.TTYIn || e.Quiet {
		return nil
	}
	p := &Progress{e: e, began: time.Now(), read: read}
	p.next = p.began.Add(progressAfter)
	if f, ok := e.In.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			p.size = info.Size()
		}
	}
	return p
}

// Due returns when Draw should be called next, zero for never.
func (p *Progress) Due() time.Time {
	if p == nil {
		return time.Time{}
	}
	return p.next
}

// Draw writes the line again if it is due.
func (p *Progress) Draw(messages uint64) {
	if p == nil {
		return
	}
	now := time.Now()
	if now.Before(p.next) {
		return
	}
	if p.next = now.Add(progressEvery); p.Before != nil {
		p.Before()
		p.Before = nil
	}
	p.e.Draw(func(int) ([]byte, int) { return p.line(messages, now.Sub(p.began)), 0 })
}

// line returns the line, which replaces the one before.
func (p *Progress) line(messages uint64, elapsed time.Duration) []byte {
	b := fmt.Appendf(nil, "\r\x1b[K%s messages, %s", format.Count(messages), format.Rate(float64(messages)/elapsed.Seconds()))
	if read := p.read.Load(); read > 0 && read < p.size { // once everything is read, nothing can be said about the time left
		left := time.Duration(float64(elapsed) * float64(p.size-read) / float64(read))
		b = fmt.Appendf(b, ", %s, %s left", format.Percent(uint64(read), uint64(p.size)), format.Duration(left.Round(time.Second)))
	}
	return b
}

// End removes the line.
func (p *Progress) End() {
	if p != nil {
		p.e.Erase()
	}
}
