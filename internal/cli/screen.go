package cli

import (
	"strconv"
	"sync"
)

// screen is what stderr shows below its lines and what is drawn again and again: a progress line or a
// live view. The cursor is after it.
type screen struct {
	mu    sync.Mutex
	drawn bool
	lines int // complete lines of the drawing
}

// WriteErr writes whole lines to stderr. A drawing is erased before.
func (e *Env) WriteErr(b []byte) {
	e.screen.mu.Lock()
	defer e.screen.mu.Unlock()
	if e.screen.drawn {
		b = append(e.screen.erase(), b...)
	}
	if len(b) > 0 {
		e.Err.Write(b)
	}
}

// Draw calls draw and writes the drawing that it returns to stderr. above is how many lines of the
// previous drawing are above the cursor; draw begins with the escape sequences that replace it. lines
// is how many line ends it returns.
func (e *Env) Draw(draw func(above int) (b []byte, lines int)) {
	e.screen.mu.Lock()
	defer e.screen.mu.Unlock()
	var b []byte
	b, e.screen.lines = draw(e.screen.lines)
	e.screen.drawn = true
	e.Err.Write(b)
}

// Erase removes the drawing.
func (e *Env) Erase() { e.WriteErr(nil) }

// erase returns what removes the drawing.
func (s *screen) erase() (b []byte) {
	if s.lines > 0 {
		b = append(strconv.AppendInt(append(b, "\x1b["...), int64(s.lines), 10), 'A')
	}
	s.drawn, s.lines = false, 0
	return append(b, "\r\x1b[J"...)
}
