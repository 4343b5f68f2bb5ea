package main

import (
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"mqtt/internal/format"
)

// progress is the line on stderr that tells how far a long input has come. It is there on a terminal only.
type progress struct {
	e     *env
	began time.Time
	next  time.Time
	size  int64         // bytes of the input; 0 is unknown
	read  *atomic.Int64 // bytes of it that were read
	shown bool
}

const (
	progressAfter = 2 * time.Second
	progressEvery = 500 * time.Millisecond
)

// newProgress returns nil where nobody would see it, and where it would go over what a person types.
func newProgress(e *env, read *atomic.Int64) *progress {
	if !e.ttyErr || e.ttyIn || e.quiet {
		return nil
	}
	p := &progress{e: e, began: time.Now(), read: read}
	p.next = p.began.Add(progressAfter)
	if f, ok := e.in.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			p.size = info.Size()
		}
	}
	return p
}

// due is when it wants to be drawn, zero if never.
func (p *progress) due() time.Time {
	if p == nil {
		return time.Time{}
	}
	return p.next
}

// draw writes the line anew when its time has come.
func (p *progress) draw(messages uint64) {
	if p == nil {
		return
	}
	now := time.Now()
	if now.Before(p.next) {
		return
	}
	p.next, p.shown = now.Add(progressEvery), true
	elapsed := now.Sub(p.began)
	fmt.Fprintf(p.e.err, "\r\x1b[K%s messages, %s", format.Count(messages), format.Rate(float64(messages)/elapsed.Seconds()))
	if read := p.read.Load(); read > 0 && read < p.size { // once all is read, the bytes say nothing of what is left
		left := time.Duration(float64(elapsed) * float64(p.size-read) / float64(read))
		fmt.Fprintf(p.e.err, ", %s, %s left", format.Percent(uint64(read), uint64(p.size)), format.Duration(left.Round(time.Second)))
	}
}

// end takes the line away.
func (p *progress) end() {
	if p != nil && p.shown {
		fmt.Fprint(p.e.err, "\r\x1b[K")
		p.shown = false
	}
}
