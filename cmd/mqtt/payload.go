package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"mqtt/internal/cli"
	"mqtt/internal/proto"
)

// whole reads the payload of -m, -f, -s or -n.
func (f *payloadFlags) whole(ctx context.Context, e *cli.Env) ([]byte, error) {
	switch {
	case f.hasMessage:
		return []byte(f.message), nil
	case f.null:
		return nil, nil
	case f.stdin || f.file == "-":
		return cli.Interruptible(ctx, e, func() ([]byte, error) { return readPayload(e.In, "stdin") })
	}
	return cli.Interruptible(ctx, e, f.readFile)
}

// readFile reads the payload of -f. FIFOs and process substitution are files like any other.
func (f *payloadFlags) readFile() ([]byte, error) {
	file, err := os.Open(f.file)
	if err != nil {
		return nil, cli.BadFlag("-f", ": "+err.Error(), "name a file that you may read")
	}
	defer file.Close()
	b, err := readPayload(file, f.file)
	var path *fs.PathError
	if errors.As(err, &path) {
		return nil, cli.BadFlag("-f", " "+f.file+": "+path.Err.Error(), "name a file that you may read")
	}
	return b, err
}

func readPayload(r io.Reader, name string) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, proto.MaxRemaining+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(b) > proto.MaxRemaining {
		return nil, cli.Fail(cli.ExitPublish, "cut it in pieces", "%s: larger than an MQTT packet can be (268,435,455 bytes)", name)
	}
	return b, nil
}

// unescape reads \n, \t, \r, \0, \\ and \xHH.
func unescape(flag, s string) (string, error) {
	if !strings.Contains(s, `\`) {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		i++
		c := byte(0)
		if i < len(s) {
			c = s[i]
		}
		switch c {
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case 'r':
			b.WriteByte('\r')
		case '0':
			b.WriteByte(0)
		case '\\':
			b.WriteByte('\\')
		case 'x':
			if i+2 < len(s) {
				if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
					b.WriteByte(byte(n))
					i += 2
					continue
				}
			}
			fallthrough
		default:
			return "", cli.BadValue(flag, s, `expected \n, \t, \r, \0, \\ or \xHH behind a backslash`)
		}
	}
	return b.String(), nil
}
