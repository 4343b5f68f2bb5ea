package terminal

import (
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// openPair returns the two ends of a new terminal of 40 columns and 5 lines.
func openPair(t *testing.T) (control, side *os.File) {
	control, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { control.Close() })
	raw, err := control.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	raw.Control(func(fd uintptr) {
		if err = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); err == nil {
			if n, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN); err == nil {
				err = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Row: 5, Col: 40})
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	side, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { side.Close() })
	return control, side
}

// events reads until the terminal has sent so many, or an error.
func events(term *Terminal, n int) (all []Event, err error) {
	for len(all) < n {
		more, err := term.Read(nil, time.Minute)
		if err != nil {
			return all, err
		}
		all = append(all, more...)
	}
	return all, nil
}

// canonical reports whether a terminal collects lines, as before Open.
func canonical(t *testing.T, f *os.File) bool {
	m, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return m.Lflag&unix.ICANON != 0
}

func TestTerminal(t *testing.T) {
	control, side := openPair(t)
	term, err := Open(side, side)
	if err != nil {
		t.Fatal(err)
	}
	if canonical(t, side) {
		t.Error("the terminal is not raw")
	}
	if w, h := term.Size(); w != 40 || h != 5 {
		t.Errorf("%d columns, %d lines", w, h)
	}
	io.WriteString(control, "a\x1b[A\x03\x1b") // the last one is Escape only if nothing follows
	if got, err := events(term, 4); names(got) != "a <up> <ctrl+c> <esc>" || err != nil {
		t.Errorf("%s, %v", names(got), err)
	}
	done := make(chan struct{})
	close(done)
	if got, err := term.Read(done, time.Minute); got != nil || err != nil {
		t.Errorf("%s, %v after done", names(got), err)
	}
	if err := term.Draw(Frame{Lines: []string{"hello"}}); err != nil {
		t.Error(err)
	}
	term.Close()
	if !canonical(t, side) {
		t.Error("the terminal is still raw")
	}
	side.Close()
	written, _ := io.ReadAll(control) // ends with EIO
	if s := string(written); !strings.HasPrefix(s, enter) || !strings.Contains(s, "hello") || !strings.HasSuffix(s, leave) {
		t.Errorf("%q", s)
	}
}

// TestHangup closes the other end: the terminal has gone, which is no fault, and Close does not wait.
func TestHangup(t *testing.T) {
	control, side := openPair(t)
	term, err := Open(side, side)
	if err != nil {
		t.Fatal(err)
	}
	control.Close()
	if got, err := events(term, 1); err != io.EOF {
		t.Errorf("%s, %v", names(got), err)
	}
	if err := term.Draw(Frame{Lines: []string{"x"}}); err != io.EOF {
		t.Errorf("Draw: %v", err)
	}
	term.Close()
}

func TestNoTerminal(t *testing.T) {
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := Open(f, f); err == nil || !strings.Contains(err.Error(), "terminal") {
		t.Errorf("%v", err)
	}
}
