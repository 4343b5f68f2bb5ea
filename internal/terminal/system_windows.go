package terminal

import (
	"os"

	"golang.org/x/sys/windows"
)

const (
	keyboard   = "CONIN$"
	canSuspend = false
)

func suspend() {}

// prepareOutput makes the console understand escape sequences.
func prepareOutput(out *os.File) error {
	var mode uint32
	h := windows.Handle(out.Fd())
	if err := windows.GetConsoleMode(h, &mode); err != nil {
		return err
	}
	return windows.SetConsoleMode(h, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING|windows.DISABLE_NEWLINE_AUTO_RETURN)
}
