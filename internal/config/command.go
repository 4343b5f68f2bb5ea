package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// CommandTimeout is how long a command may take to print a value: time enough for a person to unlock a key.
const CommandTimeout = time.Minute

// maxPrinted bounds what a command may print, in bytes.
const maxPrinted = 64 << 10

var errPrinted = errors.New("it printed more than 64 KiB")

// Runner runs a command and returns what it printed. It ends the command when ctx ends.
type Runner func(ctx context.Context, command string) ([]byte, error)

// Fetch returns the setting with its value: a Command is run, and the first line that it prints is the value. It must
// end within CommandTimeout. A setting without command comes back as it is. Errors name the setting and the command's
// program, but neither its arguments nor what it printed.
func (s Setting) Fetch(ctx context.Context, run Runner) (Setting, error) {
	if s.Command == "" || s.Values != nil {
		return s, nil
	}
	fail := func(err error) (Setting, error) {
		return Setting{}, fmt.Errorf("%s: %s%s: run %s: %w", s.Origin.place(), s.Flag, commandSuffix, program(s.Command), err)
	}
	timed, cancel := context.WithTimeout(ctx, CommandTimeout)
	defer cancel()
	printed, err := run(timed, s.Command)
	switch {
	case ctx.Err() != nil:
		return fail(ctx.Err())
	case timed.Err() != nil:
		return fail(fmt.Errorf("no answer within %v", CommandTimeout))
	case err != nil:
		return fail(err)
	case len(printed) > maxPrinted:
		return fail(errPrinted)
	}
	value, _, _ := bytes.Cut(printed, []byte("\n"))
	value = bytes.TrimSuffix(value, []byte("\r"))
	if len(value) == 0 {
		return fail(errors.New("it printed nothing on its first line"))
	}
	if bytes.IndexByte(value, 0) >= 0 {
		return fail(errors.New("it printed a NUL byte"))
	}
	s.Values = []string{string(value)}
	return s, nil
}

// Shell returns a Runner for the system's shell. The command reads nothing, since standard input may be data to
// publish, and complains to stderr, where a person sees it and no error keeps it.
func Shell(stderr io.Writer) Runner {
	return func(ctx context.Context, command string) ([]byte, error) {
		cmd := exec.CommandContext(ctx, "sh", "-c", command)
		if runtime.GOOS == "windows" {
			cmd = exec.CommandContext(ctx, "cmd", "/C", command)
		}
		var out printed
		cmd.Stdout, cmd.Stderr = &out, stderr
		// What the command left running in the background may hold its output open.
		cmd.WaitDelay = time.Second
		Leash(cmd)
		err := cmd.Run()
		if out.over {
			return nil, errPrinted
		}
		if errors.Is(err, exec.ErrWaitDelay) && ctx.Err() == nil {
			err = nil
		}
		return out.b, err
	}
}

// printed keeps what is written to it, up to a limit.
type printed struct {
	b    []byte
	over bool
}

func (p *printed) Write(b []byte) (int, error) {
	if len(p.b)+len(b) > maxPrinted {
		p.over = true
		return 0, errPrinted
	}
	p.b = append(p.b, b...)
	return len(b), nil
}

// program names the program that a command starts with, when it is plain that the word is no secret.
func program(command string) string {
	word, _, _ := strings.Cut(strings.TrimLeft(command, " \t"), " ")
	for i := range len(word) {
		c := word[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && !strings.ContainsRune("/._+-", rune(c)) {
			return "a command"
		}
	}
	if word == "" {
		return "a command"
	}
	return word
}
