//go:build !linux

package main

import (
	"errors"
	"os"
)

func openTerminal() (control, terminal *os.File, err error) {
	return nil, nil, errors.New("start -tty is known on Linux only")
}

func resizeTerminal(*os.File, int, int) error { return errors.ErrUnsupported }
