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

// CommandTimeout limits the time that a command takes to print a value. It is long enough
// for a person to unlock a key.
const CommandTimeout = time.Minute

// maxOutput is the most that a command may print, in bytes.
const maxOutput = 64 << 10

var errOutput = errors.New("it printed more than 64 KiB")

// Runner runs a command and returns its standard output. It stops the command when ctx
// ends.
type Runner func(ctx context.Context, command string) ([]byte, error)

// Fetch runs the Command of s and returns s with the first line of its output as the
// value. The command must end within CommandTimeout. If s has no command, Fetch returns
// it unchanged. Errors name the setting and the program, but contain neither its arguments
// nor its output.
func (s Setting) Fetch(ctx context.Context, run Runner) (Setting, error) {
	if s.Command == "" || s.Values != nil {
		return s, nil
	}
	fail := func(err error) (Setting, error) {
		return Setting{}, fmt.Errorf("%s: %s%s: run %s: %w", s.Origin.place(), s.Flag, commandSuffix, program(s.Command), err)
	}
	timed, cancel := context.WithTimeout(ctx, CommandTimeout)
	defer cancel()
	output, err := run(timed, s.Command)
	switch {
	case ctx.Err() != nil:
		return fail(ctx.Err())
	case timed.Err() != nil:
		return fail(fmt.Errorf("no answer within %v", CommandTimeout))
	case err != nil:
		return fail(err)
	case len(output) > maxOutput:
		return fail(errOutput)
	}
	value, _, _ := bytes.Cut(output, []byte("\n"))
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

// Shell returns a Runner that uses the shell of the system. The command has no standard
// input, because that may be data to publish. Its standard error is stderr, where a person
// reads it, and never becomes part of an error.
func Shell(stderr io.Writer) Runner {
	return func(ctx context.Context, command string) ([]byte, error) {
		cmd := exec.CommandContext(ctx, "sh", "-c", command)
		if runtime.GOOS == "windows" {
			cmd = exec.CommandContext(ctx, "cmd", "/C", command)
		}
		var out limitedBuffer
		cmd.Stdout, cmd.Stderr = &out, stderr
		// A process that the command left in the background may keep the output open.
		cmd.WaitDelay = time.Second
		TerminateGroup(cmd)
		err := cmd.Run()
		if out.full {
			return nil, errOutput
		}
		if errors.Is(err, exec.ErrWaitDelay) && ctx.Err() == nil {
			err = nil
		}
		return out.data, err
	}
}

// limitedBuffer stores what is written to it, at most maxOutput bytes.
type limitedBuffer struct {
	data []byte
	full bool // a write did not fit
}

func (l *limitedBuffer) Write(b []byte) (int, error) {
	if len(l.data)+len(b) > maxOutput {
		l.full = true
		return 0, errOutput
	}
	l.data = append(l.data, b...)
	return len(b), nil
}

// program returns the first word of a command if it looks like the name of a program, else
// "a command", because the word could be a secret.
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
