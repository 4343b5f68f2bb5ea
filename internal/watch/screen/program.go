package screen

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	tea "charm.land/bubbletea/v2"
	"golang.org/x/term"
)

// program is the part of a Screen that has to do with the terminal.
type program struct {
	tea    *tea.Program
	in     *os.File
	out    *os.File
	before *term.State   // of in
	over   chan struct{} // closed when the program has ended
	err    error         // why, once over is closed
	stop   sync.Once
}

const (
	frame    = time.Second / 15
	idle     = time.Second            // without messages, ages change that often; the size is looked at
	patience = 300 * time.Millisecond // how long Stop waits for a terminal that takes no output
)

// Start takes over the terminal. If in is nil, it opens the terminal of the process for keys. environ
// has the environment variables of the terminal. Two goroutines, which draw and which ask for
// drawing, end with Stop.
func (s *Screen) Start(in, out *os.File, environ []string) error {
	if in == nil {
		var err error
		if in, _, err = tea.OpenTTY(); err != nil {
			return fmt.Errorf("open the terminal for keys: %w", err)
		}
	}
	before, err := term.GetState(int(in.Fd()))
	if err != nil {
		return fmt.Errorf("state of the terminal: %w", err)
	}
	p := &s.program
	p.in, p.out, p.before, p.over = in, out, before, make(chan struct{})
	p.tea = tea.NewProgram(newUI(s), tea.WithInput(in), tea.WithOutput(out), tea.WithEnvironment(environ),
		tea.WithFPS(30), tea.WithoutSignalHandler(), tea.WithoutCatchPanics())
	go s.run()
	go s.tick()
	return nil
}

// run draws until the program ends. A panic becomes an error, so that the terminal is restored.
func (s *Screen) run() {
	p := &s.program
	defer close(p.over)
	defer func() {
		if r := recover(); r != nil {
			p.tea.Kill()
			p.err = fmt.Errorf("watch: internal error: %v", r)
		}
		s.cfg.Quit(p.err)
	}()
	_, err := p.tea.Run()
	switch {
	case err == nil, err == tea.ErrProgramKilled, errors.Is(err, syscall.EIO), errors.Is(err, io.EOF): // a terminal that has gone
	default:
		p.err = fmt.Errorf("terminal: %w", err)
	}
}

// tick asks for a frame whenever something has changed, and looks at the size of the terminal: the
// signal that tells of a new one may come before the program listens to it. It ends with the program.
func (s *Screen) tick() {
	p := &s.program
	t := time.NewTicker(frame)
	defer t.Stop()
	var drawn, looked time.Time
	var width, height int
	for {
		select {
		case <-p.over:
			return
		case now := <-t.C:
			if now.Sub(looked) >= idle {
				looked = now
				if w, h, err := term.GetSize(int(p.out.Fd())); err == nil && (w != width || h != height) {
					width, height = w, h
					p.tea.Send(tea.RequestWindowSize())
				}
			}
			if s.changed.Swap(false) || now.Sub(drawn) >= idle {
				drawn = now
				p.tea.Send(frameMsg{})
			}
		}
	}
}

// frameMsg asks for a frame.
type frameMsg struct{}

// Stop restores the terminal. It returns the error that ended the program, if one did. It may be
// called by any goroutine, more than once, and does nothing before Start. It does not wait long for a
// terminal that takes no output.
func (s *Screen) Stop() error {
	p := &s.program
	if p.tea == nil {
		return nil
	}
	p.stop.Do(func() {
		go p.tea.Quit() // ends with the program
		select {
		case <-p.over:
		case <-time.After(patience):
			go p.tea.Kill()
			select {
			case <-p.over:
			case <-time.After(patience):
			}
		}
		term.Restore(int(p.in.Fd()), p.before)
	})
	select {
	case <-p.over:
		return p.err
	default:
		return nil
	}
}
