package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
)

// readSecret reads a line from standard input. On a terminal it asks for it, and what is typed is not shown.
func readSecret(ctx context.Context, e *env, what string) (string, error) {
	if f, ok := e.in.(*os.File); ok && e.ttyIn {
		fmt.Fprintf(e.err, "%s: ", what)
		show, err := hideInput(f)
		if err != nil {
			return "", fmt.Errorf("read %s: %w", what, err)
		}
		defer func() {
			show()
			fmt.Fprintln(e.err)
		}()
	}
	type read struct {
		line string
		err  error
	}
	done := make(chan read, 1)
	go func() { // ends with the line, or with the process after an interrupt
		line, err := oneLine(e.in)
		done <- read{line, err}
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case r := <-done:
		if r.err != nil && (r.err != io.EOF || r.line == "") {
			return "", usage("no "+what+" came on standard input", "give it there as a line")
		}
		return strings.TrimRight(r.line, "\r\n"), nil
	}
}

// oneLine reads a line of at most 64 KiB, and nothing behind it, so that another secret can follow.
func oneLine(in io.Reader) (string, error) {
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
