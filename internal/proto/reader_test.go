package proto

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
	"testing/iotest"
)

// script is a source that gives out pieces and errors in turn, then io.EOF. A read
// that has less room than the piece takes the rest with the next one.
type script struct {
	steps []any // []byte or error
	reads int
}

func (s *script) Read(p []byte) (int, error) {
	s.reads++
	if len(s.steps) == 0 {
		return 0, io.EOF
	}
	switch step := s.steps[0].(type) {
	case error:
		s.steps = s.steps[1:]
		return 0, step
	case []byte:
		n := copy(p, step)
		if s.steps[0] = step[n:]; n == len(step) {
			s.steps = s.steps[1:]
		}
		return n, nil
	}
	panic("a step that is neither bytes nor an error")
}

// message is a PUBLISH whose payload makes the whole packet size bytes long.
func message(t testing.TB, size int) []byte {
	t.Helper()
	for head := 1; head < 5; head++ {
		n := size - 1 - head - 4 // topic of one byte, no properties
		if n < 0 {
			break
		}
		wire, err := (&Publish{Topic: []byte("t"), Payload: bytes.Repeat([]byte{byte(size)}, n)}).Append(nil, V5)
		if err == nil && len(wire) == size {
			return wire
		}
	}
	t.Fatalf("no PUBLISH of %d bytes", size)
	return nil
}

func wholeFrame(f Frame) []byte {
	return append(AppendUvarint([]byte{f.First}, len(f.Body)), f.Body...)
}

// sizes has sizes of packets near those of the reader's buffers.
var sizes = []int{6, 7, 100, 129, 510, 511, 512, 513, 1024, 5000, 131071, 131072, 131073, 262143, 262144, 262145, 1 << 20, 1<<20 + 1}

// TestReader reads packets of all sizes, each after each, in parts of many sizes.
func TestReader(t *testing.T) {
	var stream []byte
	var want [][]byte
	for _, a := range sizes {
		for _, b := range []int{6, 511, 512, 513, 131072, 200000} {
			for _, n := range []int{a, b} {
				want = append(want, message(t, n))
				stream = append(stream, want[len(want)-1]...)
			}
		}
	}
	for name, src := range map[string]io.Reader{
		"whole":        bytes.NewReader(stream),
		"half":         iotest.HalfReader(bytes.NewReader(stream)),
		"EOF and data": iotest.DataErrReader(bytes.NewReader(stream)),
		"one byte":     iotest.OneByteReader(bytes.NewReader(stream[:600000])),
		"1460 bytes":   pieces(stream, 1460),
		"512 bytes":    pieces(stream, 512),
		"131072 bytes": pieces(stream, 131072),
		"700000 bytes": pieces(stream, 700000),
	} {
		t.Run(name, func(t *testing.T) {
			r := NewReader(src, 0)
			defer r.Close()
			read := 0
			for i := range want {
				f, err := r.Next()
				if err == io.ErrUnexpectedEOF && name == "one byte" {
					break
				}
				if err != nil {
					t.Fatalf("packet %d: %v", i, err)
				}
				if !bytes.Equal(wholeFrame(f), want[i]) {
					t.Fatalf("packet %d is not what was sent", i)
				}
				read++
			}
			if name == "one byte" {
				if read < 5 {
					t.Errorf("only %d packets", read)
				}
				return
			}
			if _, err := r.Next(); err != io.EOF {
				t.Errorf("at the end: %v", err)
			}
			if r.Len() != 0 {
				t.Errorf("%d bytes left", r.Len())
			}
		})
	}
}

func pieces(b []byte, n int) *script {
	s := new(script)
	for len(b) > 0 {
		k := min(n, len(b))
		s.steps = append(s.steps, b[:k])
		b = b[k:]
	}
	return s
}

// TestReaderTimeout times out before every byte of two packets, and once before each of them. No
// byte is lost.
func TestReaderTimeout(t *testing.T) {
	for _, size := range []int{2, 40, 700} {
		var packet []byte
		if size == 2 {
			packet = []byte{0xC0, 0}
		} else {
			packet = message(t, size)
		}
		s := new(script)
		for _, c := range bytes.Repeat(packet, 2) {
			s.steps = append(s.steps, error(os.ErrDeadlineExceeded), []byte{c})
		}
		r := NewReader(s, 0)
		timeouts := 0
		for got := 0; got < 2; {
			f, err := r.Next()
			if errors.Is(err, os.ErrDeadlineExceeded) {
				timeouts++
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if got++; !bytes.Equal(wholeFrame(f), packet) {
				t.Fatalf("packet %d of size %d is broken", got, size)
			}
		}
		if timeouts != 2*len(packet) {
			t.Errorf("%d timeouts, want %d", timeouts, 2*len(packet))
		}
	}
	// Long pieces that grow the buffer between timeouts.
	big := message(t, 1<<20)
	s := new(script)
	for at := 0; at < len(big); at += 100000 {
		s.steps = append(s.steps, big[at:min(at+100000, len(big))], error(os.ErrDeadlineExceeded))
	}
	r := NewReader(s, 0)
	for {
		f, err := r.Next()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			continue
		}
		if err != nil || !bytes.Equal(wholeFrame(f), big) {
			t.Fatalf("1 MiB between timeouts: %v", err)
		}
		return
	}
}

// TestReaderEnds checks the errors for a stream that ends between packets, and within one.
func TestReaderEnds(t *testing.T) {
	packet := message(t, 600)
	for n := range packet {
		r := NewReader(bytes.NewReader(append(packet[:len(packet):len(packet)], packet[:n]...)), 0)
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		want := io.ErrUnexpectedEOF
		if n == 0 {
			want = io.EOF
		}
		for range 2 { // it stays so
			if _, err := r.Next(); err != want {
				t.Fatalf("ends %d bytes into a packet: %v", n, err)
			}
		}
	}
	broken := errors.New("broken")
	r := NewReader(&script{steps: []any{[]byte{0xC0}, broken}}, 0)
	if _, err := r.Next(); err != broken {
		t.Errorf("another error came as %v", err)
	}
}

// TestReaderMax accepts a packet of the maximum size. A packet with one more byte is refused as
// soon as its length is known, and again by later calls.
func TestReaderMax(t *testing.T) {
	for _, size := range []int{6, 129, 131, 512, 5000, 16386, 16388, 1 << 20} {
		packet := message(t, size)
		if f, err := NewReader(bytes.NewReader(packet), size).Next(); err != nil || f.Size() != size {
			t.Errorf("%d bytes with a maximum of as many: %v", size, err)
		}
		head := 2
		for packet[head-1] >= 0x80 {
			head++
		}
		r := NewReader(bytes.NewReader(packet[:head]), size-1)
		for range 2 {
			_, err := r.Next()
			e, ok := err.(*Error)
			if !ok || e.Reason != PacketTooLarge || e.Type != PUBLISH || e.What != fmt.Sprintf("packet of %d bytes, more than the maximum of %d", size, size-1) {
				t.Errorf("%d bytes with a maximum of one less: %v", size, err)
			}
			if !r.Ready() {
				t.Error("not ready to tell of a fault")
			}
		}
		r.SetMax(0)
		if _, err := r.Next(); err != io.ErrUnexpectedEOF {
			t.Errorf("with the maximum lifted: %v", err)
		}
	}
}

// TestReaderMalformed finds a malformed length after a valid packet.
func TestReaderMalformed(t *testing.T) {
	r := NewReader(bytes.NewReader([]byte{0xC0, 0, 0x30, 0x80, 0x80, 0x80, 0x80}), 0)
	if f, err := r.Next(); err != nil || f.Type() != PINGREQ {
		t.Fatal(err)
	}
	_, err := r.Next()
	if e, ok := err.(*Error); !ok || e.Reason != MalformedPacket {
		t.Errorf("got %v", err)
	}
}

// TestReaderLooks checks Buffered, Peek, Ready and Full.
func TestReaderLooks(t *testing.T) {
	two := []byte{0xC0, 0, 0xD0}
	r := NewReader(&script{steps: []any{two, []byte{0}}}, 0)
	if r.Ready() || r.Len() != 0 {
		t.Error("ready before a read")
	}
	if err := r.Fill(); err != nil || !r.Ready() || r.Len() != 3 {
		t.Fatalf("after the first piece: %v, %d bytes", err, r.Len())
	}
	for range 2 {
		if f, ok := r.Peek(); !ok || f.Type() != PINGREQ || r.Len() != 3 {
			t.Errorf("a look at the first packet: %v, %s", ok, f.Type())
		}
	}
	if f, ok, err := r.Buffered(); !ok || err != nil || f.Type() != PINGREQ {
		t.Fatalf("first packet: %v, %v", ok, err)
	}
	if r.Ready() || r.Len() != 1 {
		t.Error("ready with half a packet")
	}
	if _, ok := r.Peek(); ok || r.Full() {
		t.Error("half a packet is there, or the buffer is full")
	}
	if _, ok, err := r.Buffered(); ok || err != nil {
		t.Errorf("half a packet: %v, %v", ok, err)
	}
	if err := r.Fill(); err != nil || !r.Ready() {
		t.Fatal(err)
	}
	if f, ok, err := r.Buffered(); !ok || err != nil || f.Type() != PINGRESP {
		t.Fatalf("second packet: %v, %v", ok, err)
	}
}

// TestNoAllocs encodes, decodes and reads without allocating.
