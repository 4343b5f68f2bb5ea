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
	before *term.State   // of in
	over   chan struct{} // closed when the program has ended
	err    error         // why, once over is closed
	stop   sync.Once
}

const (
	frame    = time.Second / 15
	idle     = time.Second            // ages change that often without messages
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
	p.in, p.before, p.over = in, before, make(chan struct{})
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

// tick asks for a frame whenever something has changed. It ends with the program.
func (s *Screen) tick() {
	t := time.NewTicker(frame)
	defer t.Stop()
	var last time.Time
	for {
		select {
		case <-s.program.over:
			return
		case now := <-t.C:
			if s.changed.Swap(false) || now.Sub(last) >= idle {
				last = now
				s.program.tea.Send(frameMsg{})
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
