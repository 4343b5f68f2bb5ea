package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"golang.org/x/term"
)

// InputEnd names the keys that end the input of a terminal.
var InputEnd = inputEnd(runtime.GOOS)

func inputEnd(system string) string {
	if system == "windows" {
		return "Ctrl-Z and Enter"
	}
	return "Ctrl-D"
}

// ReadSecret reads a line from standard input. On a terminal it asks for what, and does not show
// what is typed.
func ReadSecret(ctx context.Context, e *Env, what string) (string, error) {
	read := func() (string, error) { return readLine(e.In) }
	if f, ok := e.In.(*os.File); ok && e.TTYIn {
		fd := int(f.Fd())
		before, err := term.GetState(fd)
		if err != nil {
			return "", fmt.Errorf("read %s: %w", what, err)
		}
		fmt.Fprintf(e.Err, "%s: ", what)
		defer func() {
			term.Restore(fd, before) // an interrupt leaves ReadPassword running
			fmt.Fprintln(e.Err)
		}()
		read = func() (string, error) {
			b, err := term.ReadPassword(fd)
			return string(b), err
		}
	}
	line, err := Interruptible(ctx, e, read)
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil && (err != io.EOF || line == "") {
		return "", Usage("no "+what+" on standard input", "write it there as a line")
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// WarnOpenKey warns if all users of this machine can read the private key in file, "" for none.
func (e *Env) WarnOpenKey(file string) {
	if file == "" || runtime.GOOS == "windows" {
		return
	}
	if st, err := os.Stat(file); err == nil && st.Mode().IsRegular() && st.Mode()&0o004 != 0 {
		e.Warn("the private key %s is readable by everyone (mode %04o): chmod 600 %s", file, st.Mode().Perm(), ShellQuote(file))
	}
}

// readLine reads a line of at most 64 KiB, and nothing after it, so that another secret can
// follow.
func readLine(in io.Reader) (string, error) {
	var line []byte
	one := make([]byte, 1)
	for len(line) < 64<<10 {
		n, err := in.Read(one)
		if n > 0 {
			line = append(line, one[0])
			if one[0] == '\n' {
				break
			}
		}
		if err != nil {
			return string(line), err
		}
	}
	return string(line), nil
}

// ReadSmall reads a file, at most limit bytes of it.
func ReadSmall(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit))
}
