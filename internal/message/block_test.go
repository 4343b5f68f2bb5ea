package message

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// A long line costs its buffer, not the smaller ones that it has outgrown too, and the lines behind
// it do not keep that.
func TestBlockOfALongLine(t *testing.T) {
	long := bytes.Repeat([]byte("x"), 40<<20)
	long[len(long)-1] = '\n'
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	runtime.GC()
	before := heap()
	var b block
	in := io.MultiReader(bytes.NewReader(long), bytes.NewReader([]byte("a\nb")))
	rest := b.fill(in, nil, []byte("\n"))
	if !bytes.Equal(b.text, long) || len(rest) > 0 || b.err != nil {
		t.Fatalf("%d bytes, then %q, %v", len(b.text), rest, b.err)
	}
	if more := heap() - before; more > 66<<20 {
		t.Errorf("a line of 40 MiB takes %d MiB", more>>20)
	}
	if rest = b.fill(in, rest, []byte("\n")); string(b.text) != "a\n" || string(rest) != "b" {
		t.Errorf("%q, then %q", b.text, rest)
	}
	if len(b.buf) != blockSize {
		t.Errorf("a buffer of %d bytes is kept for short lines", len(b.buf))
	}
	if b.fill(in, rest, []byte("\n")); string(b.text) != "b" || b.err != io.EOF {
		t.Errorf("%q, %v", b.text, b.err)
	}
	runtime.KeepAlive(long)
}

// Only the end of the input completes a line without a delimiter. After a read error the lines
// before it are sent, and nothing of the last one, however the reads cut it.
func TestReadErrorEndsNoLine(t *testing.T) {
	broken := errors.New("connection reset")
	for _, delim := range []string{"\n", "\x00", "--"} {
		for _, row := range []struct {
			text  string
			lines []string
		}{
			{"half", nil},
			{"", nil},
			{"one-", nil},
			{"one" + delim, []string{"one"}},
			{"one" + delim + "two" + delim + `{"payload":"whole"}`, []string{"one", "two"}},
		} {
			for name, cut := range map[string]func(io.Reader) io.Reader{
				"whole": func(r io.Reader) io.Reader { return r },
				"bytes": iotest.OneByteReader,
				"error": iotest.DataErrReader, // with the last data
			} {
				in := cut(io.MultiReader(strings.NewReader(row.text), iotest.ErrReader(broken)))
				wake := make(chan struct{}, 100)
				l := NewLines(in, LineOptions{Delimiter: []byte(delim), Wake: func() { wake <- struct{}{} }})
				var got []string
				var err error
				for {
					var m *Message
					if m, err = l.Next(time.Time{}); err == nil {
						got = append(got, string(m.Payload))
					} else if err == ErrWait {
						<-wake
					} else {
						break
					}
				}
				l.Close()
				if strings.Join(got, "|") != strings.Join(row.lines, "|") || !errors.Is(err, broken) {
					t.Errorf("%q, %s, delimiter %q: %q, %v", row.text, name, delim, got, err)
				}
			}
		}
	}
}

// Left counts what was read and not yielded: lines of this block and of those that wait.
func TestLeft(t *testing.T) {
	r, w := io.Pipe()
	wake := make(chan struct{}, 10)
	l := NewLines(r, LineOptions{Delimiter: []byte("\n"), Wake: func() { wake <- struct{}{} }})
	defer l.Close()
	defer w.Close()
	for _, block := range []string{"1\n2\n3\n", "4\n5\n"} {
		io.WriteString(w, block)
		<-wake
	}
	if m, err := l.Next(time.Time{}); err != nil || string(m.Payload) != "1" {
		t.Fatalf("%v, %v", m, err)
	}
	if n := Left(&Text{Source: &Filtered{Source: l}}); n != 4 {
		t.Errorf("%d lines are left, want 4", n)
	}
}
