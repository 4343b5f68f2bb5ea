package screen

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"mqtt/internal/terminal"
)

// program is the part of a Screen that has to do with the terminal.
type program struct {
	terminal *terminal.Terminal
	stopping chan struct{} // closed by Stop
	over     chan struct{} // closed when the program has ended
	err      error         // why, once over is closed
	stop     sync.Once
}

const (
	frame    = time.Second / 15
	idle     = time.Second            // without messages, ages change that often
	patience = 300 * time.Millisecond // how long Stop waits for a terminal that takes no output
)

// Start takes over the terminal. If in is nil, it opens the terminal of the process for keys. The
// goroutine that draws ends with Stop.
func (s *Screen) Start(in, out *os.File) error {
	t, err := terminal.Open(in, out)
	if err != nil {
		return err
	}
	s.program.terminal, s.program.stopping, s.program.over = t, make(chan struct{}), make(chan struct{})
	go s.run()
	return nil
}

// run draws until a key, Stop or an error ends it. A panic becomes an error, so that the terminal is
// restored.
func (s *Screen) run() {
	p := &s.program
	defer close(p.over)
	defer func() {
		if r := recover(); r != nil {
			p.err = fmt.Errorf("watch: internal error: %v", r)
		}
		p.terminal.Close()
		s.cfg.Quit(p.err)
	}()
	if err := s.loop(newUI(s)); err != io.EOF { // a terminal that has gone is not an error
		p.err = err
	}
}

// loop acts on keys, and draws after them, when something has changed, and when a time that is shown
// has. The size of the terminal is asked for before each frame: no signal of a new one can be missed.
func (s *Screen) loop(u *ui) error {
	p := &s.program
	t := p.terminal
	var drawn time.Time
	for {
		events, err := t.Read(p.stopping, frame)
		if err != nil {
			return err
		}
		for _, e := range events {
			switch u.act(e) {
			case quits:
				return nil
			case suspends:
				if err := t.Suspend(); err != nil {
					return err
				}
			case redraws:
				t.Redraw()
			}
		}
		select {
		case <-p.stopping:
			return nil
		default:
		}
		resized := false
		if w, h := t.Size(); w > 0 && h > 0 && (w != u.width || h != u.height) {
			resized = true
			u.resize(w, h)
			t.Redraw()
		}
		if now := time.Now(); len(events) > 0 || resized || s.changed.Swap(false) || now.Sub(drawn) >= idle {
			drawn = now
			if err := t.Draw(u.View()); err != nil {
				return err
			}
		}
	}
}

// Stop restores the terminal. It returns the error that ended the program, if one did. It may be
// called by any goroutine, more than once, and does nothing before Start. It does not wait long for a
// terminal that takes no output.
func (s *Screen) Stop() error {
	p := &s.program
	if p.terminal == nil {
		return nil
	}
	p.stop.Do(func() {
		close(p.stopping)
		select {
		case <-p.over:
		case <-time.After(patience):
			p.terminal.Restore()
		}
	})
	select {
	case <-p.over:
		return p.err
	default:
		return nil
	}
}
