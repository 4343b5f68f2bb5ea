package main

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"mqtt/internal/cli"
)

// openTerminal returns the two ends of a new terminal of 100 columns, without echo.
func openTerminal() (control, terminal *os.File, err error) {
	control, err = os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			control.Close()
		}
	}()
	raw, err := control.SyscallConn()
	if err != nil {
		return nil, nil, err
	}
	var n int
	if cerr := raw.Control(func(fd uintptr) {
		if err = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); err == nil {
			n, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
	}); cerr != nil || err != nil {
		return nil, nil, cli.FirstError(cerr, err)
	}
	terminal, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	fd := int(terminal.Fd())
	err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 30, Col: 100})
	if err == nil {
		var t *unix.Termios
		if t, err = unix.IoctlGetTermios(fd, unix.TCGETS); err == nil {
			t.Lflag &^= unix.ECHO
			t.Oflag &^= unix.ONLCR
			err = unix.IoctlSetTermios(fd, unix.TCSETS, t)
		}
	}
	return control, terminal, err
}

// resizeTerminal changes the size of the terminal whose other end is control.
func resizeTerminal(control *os.File, columns, lines int) error {
	return unix.IoctlSetWinsize(int(control.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: uint16(lines), Col: uint16(columns)})
}
