package message

import (
	"bytes"
	"io"
	"runtime"
	"testing"
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
