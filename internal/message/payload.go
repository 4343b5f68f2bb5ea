package message

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

// read returns the payload of -m, -f, -s or -n.
func (f *Flags) read(ctx context.Context, e *cli.Env) ([]byte, error) {
	switch {
	case f.hasMessage:
		return []byte(f.message), nil
	case f.null:
		return nil, nil
	case f.stdin:
		return ReadPayload(ctx, e, "-")
	}
	return ReadPayload(ctx, e, f.file)
}

// ReadPayload reads the payload in the file that -f names; - is stdin. It ends with ctx.
func ReadPayload(ctx context.Context, e *cli.Env, name string) ([]byte, error) {
	return cli.Interruptible(ctx, e, func() ([]byte, error) {
		if name == "-" {
			return readPayload(e.In, "stdin")
		}
		return readFile(name)
	})
}

// readFile reads the payload in a file. FIFOs and process substitution are files like any other.
func readFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, cli.BadFlag("-f", ": "+err.Error(), "name a file that you may read")
	}
	defer file.Close()
	b, err := readPayload(file, name)
	var path *fs.PathError
	if errors.As(err, &path) {
		return nil, cli.BadFlag("-f", " "+name+": "+path.Err.Error(), "name a file that you may read")
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

// unescape replaces the escapes \n, \t, \r, \0, \\ and \xHH in the value s of flag.
func unescape(flag, s string) (string, error) {
	if !strings.Contains(s, `\`) {
		return s, nil
	}
	bad := func() (string, error) {
		return "", cli.BadValue(flag, s, `expected \n, \t, \r, \0, \\ or \xHH behind a backslash`)
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		if i++; i == len(s) {
			return bad()
		}
		switch s[i] {
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
			if i+2 >= len(s) {
				return bad()
			}
			n, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
			if err != nil {
				return bad()
			}
			b.WriteByte(byte(n))
			i += 2
		default:
			return bad()
		}
	}
	return b.String(), nil
}
