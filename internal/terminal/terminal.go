package terminal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/muesli/cancelreader"
	"golang.org/x/term"
)

// escapeTime is how long a terminal, or the network before it, may take between the bytes of one key.
// Escape alone is known only then.
const escapeTime = 50 * time.Millisecond

// A Terminal shows frames and reads keys.
type Terminal struct {
	in, out *os.File
	opened  bool // in is closed by Close
	before  *term.State
	reader  cancelreader.CancelReader
	input   chan []byte // what the terminal sent; closed when no more comes
	readErr error       // why; set before input is closed
	closing chan struct{}

	keys  decoder
	heard time.Time // when the last bytes came
	shown picture
	b     []byte // reused
}

// Open takes over a terminal. If in is nil, it opens the terminal of the process for keys.
func Open(in, out *os.File) (*Terminal, error) {
	t := &Terminal{in: in, out: out, input: make(chan []byte), closing: make(chan struct{})}
	if in == nil {
		var err error
		if t.in, err = os.OpenFile(keyboard, os.O_RDWR, 0); err != nil {
			return nil, fmt.Errorf("open the terminal for keys: %w", err)
		}
		t.opened = true
	}
	if err := t.start(); err != nil {
		if t.opened {
			t.in.Close()
		}
		return nil, err
	}
	go t.read()
	return t, nil
}

// start prepares input and output.
func (t *Terminal) start() (err error) {
	if t.before, err = term.MakeRaw(int(t.in.Fd())); err != nil {
		return fmt.Errorf("state of the terminal: %w", err)
	}
	if t.reader, err = cancelreader.NewReader(t.in); err != nil {
		t.Restore()
		return fmt.Errorf("read the terminal: %w", err)
	}
	if err = prepareOutput(t.out); err == nil {
		_, err = t.out.WriteString(enter)
	}
	if err != nil {
		t.Restore()
		t.reader.Close()
		return fmt.Errorf("write to the terminal: %w", err)
	}
	return nil
}

// read reads until Close, or until the terminal has gone.
func (t *Terminal) read() {
	defer close(t.input)
	for {
		b := make([]byte, 4096)
		n, err := t.reader.Read(b)
		if n > 0 {
			select {
			case t.input <- b[:n]:
			case <-t.closing:
				return
			}
		}
		if err != nil {
			t.readErr = err
			return
		}
	}
}

// Read waits for keys, for at most d or until done is closed, and returns them. The error is io.EOF if
// the terminal has gone.
func (t *Terminal) Read(done <-chan struct{}, d time.Duration) ([]Event, error) {
	if t.keys.open() {
		d = min(d, time.Until(t.heard.Add(escapeTime)))
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case b, ok := <-t.input:
		if ok {
			t.heard = time.Now()
			return t.keys.decode(b), nil
		}
		if gone(t.readErr) {
			return nil, io.EOF
		}
		return nil, fmt.Errorf("read the terminal: %w", t.readErr)
	case <-timer.C:
		if t.keys.open() && time.Since(t.heard) >= escapeTime {
			return t.keys.flush(), nil
		}
	case <-done:
	}
	return nil, nil
}

// Draw shows f. It writes what has changed, at once. The error is io.EOF if the terminal has gone.
func (t *Terminal) Draw(f Frame) error {
	t.b = t.shown.update(t.b[:0], f)
	if len(t.b) == 0 {
		return nil
	}
	_, err := t.out.Write(t.b)
	switch {
	case err == nil:
		return nil
	case gone(err):
		return io.EOF
	}
	return fmt.Errorf("write to the terminal: %w", err)
}

// gone reports whether an error of a terminal says that it has gone.
func gone(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.EIO) || errors.Is(err, os.ErrClosed) || errors.Is(err, cancelreader.ErrCanceled)
}

// Size returns the columns and lines of the terminal, and 0 if it does not know them.
func (t *Terminal) Size() (columns, lines int) {
	columns, lines, err := term.GetSize(int(t.out.Fd()))
	if err != nil {
		return 0, 0
	}
	return columns, lines
}

// Redraw makes the next Draw write the whole frame: the terminal may show something else.
func (t *Terminal) Redraw() { t.shown.valid = false }

// Suspend gives the terminal back and stops the process, as Ctrl-Z does, until the shell continues it. On
// systems without this it does nothing.
func (t *Terminal) Suspend() error {
	if !canSuspend {
		return nil
	}
	if _, err := t.out.WriteString(leave); err != nil {
		return err
	}
	t.Restore()
	suspend()
	t.Redraw()
	if _, err := term.MakeRaw(int(t.in.Fd())); err != nil {
		return fmt.Errorf("state of the terminal: %w", err)
	}
	_, err := t.out.WriteString(enter)
	return err
}

// Close gives the terminal back. It waits for a terminal that takes no output.
func (t *Terminal) Close() {
	t.out.WriteString(leave) //nolint:errcheck // the terminal may have gone
	close(t.closing)
	if t.reader.Cancel() {
		for range t.input {
		}
		t.reader.Close()
	} // otherwise the system cannot interrupt a read, and it ends with the process
	t.Restore() // on Windows the reader has set a mode, too
	if t.opened {
		t.in.Close()
	}
}

// Restore ends raw mode. Any goroutine may call it.
func (t *Terminal) Restore() {
	term.Restore(int(t.in.Fd()), t.before) //nolint:errcheck // the terminal may have gone
}
