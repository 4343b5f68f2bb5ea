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

// read returns the payload of -m, -f, -s or -n, of at most room bytes.
func (f *Flags) read(ctx context.Context, e *cli.Env, room int64) ([]byte, error) {
	switch {
	case f.hasMessage:
		return []byte(f.message), nil
	case f.null:
		return nil, nil
	case f.stdin:
		return ReadPayload(ctx, e, "-", room)
	}
	return ReadPayload(ctx, e, f.file, room)
}

// ReadPayload reads the payload in the file that -f names, of at most room bytes; - is stdin. It
// ends with ctx.
func ReadPayload(ctx context.Context, e *cli.Env, name string, room int64) ([]byte, error) {
	return cli.Interruptible(ctx, e, func() ([]byte, error) {
		if name == "-" {
			return readPayload(e.In, "stdin", room)
		}
		return readFile(name, room)
	})
}

// PayloadRoom returns how many bytes the payload of a message like p can have: a packet also holds
// the topic and the packet identifier.
func PayloadRoom(p *proto.Publish) int64 { return int64(proto.MaxRemaining - 4 - len(p.Topic)) }

// readFile reads the payload in a file. FIFOs and process substitution are files like any other.
func readFile(name string, room int64) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, cli.BadFlag("-f", ": "+err.Error(), "check that the file exists and is readable")
	}
	defer file.Close()
	b, err := readPayload(file, "-f "+name, room)
	var path *fs.PathError
	if errors.As(err, &path) {
		return nil, cli.BadFlag("-f", " "+name+": "+path.Err.Error(), "check that the file exists and is readable")
	}
	return b, err
}

// readPayload reads all of r. A regular file of more than room bytes is refused unread.
func readPayload(r io.Reader, name string, room int64) ([]byte, error) {
	if size := remaining(r); size > room {
		return nil, tooLarge(fmt.Sprintf("%s: %d bytes", name, size), room)
	}
	b, err := io.ReadAll(io.LimitReader(r, room+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if int64(len(b)) > room {
		return nil, tooLarge(name, room)
	}
	return b, nil
}

// tooLarge returns the error for a payload of more than room bytes. Nothing was sent.
func tooLarge(what string, room int64) error {
	return cli.Usage(fmt.Sprintf("%s: larger than an MQTT packet can be (%d bytes of payload)", what, room), "split it into several messages")
}

// remaining returns how many bytes a regular file has from its offset on, and 0 for anything else.
func remaining(r io.Reader) int64 {
	f, ok := r.(*os.File)
	if !ok {
		return 0
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return 0
	}
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0
	}
	return info.Size() - at
}

// unescape replaces the escapes \n, \t, \r, \0, \\ and \xHH in the value s of flag.
func unescape(flag, s string) (string, error) {
	if !strings.Contains(s, `\`) {
		return s, nil
	}
	bad := func() (string, error) {
		return "", cli.BadValue(flag, s, `expected \n, \t, \r, \0, \\ or \xHH after a backslash`)
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
