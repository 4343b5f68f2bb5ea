package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"
)

// feed is a connection whose peer has sent everything. It records what is written.
type feed struct {
	io.Reader
	wrote  bytes.Buffer
	closed bool
}

func (f *feed) Write(p []byte) (int, error)      { return f.wrote.Write(p) }
func (f *feed) Close() error                     { f.closed = true; return nil }
func (f *feed) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (f *feed) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (f *feed) SetDeadline(time.Time) error      { return nil }
func (f *feed) SetReadDeadline(time.Time) error  { return nil }
func (f *feed) SetWriteDeadline(time.Time) error { return nil }

// over returns an open WebSocket over c.
func over(c net.Conn, client bool) *wsConn {
	w := &wsConn{Conn: c, client: client}
	w.in.client = client
	w.open.Store(true)
	return w
}

// packed returns frames as the peer of a client (or of a server) sends them.
func packed(toClient bool, frames ...ws.Frame) []byte {
	var b bytes.Buffer
	for _, f := range frames {
		if !toClient {
			f = ws.MaskFrame(f)
		}
		ws.MustWriteFrame(&b, f)
	}
	return b.Bytes()
}

// readFrame reads a frame and unmasks it.
func readFrame(t *testing.T, r io.Reader) ws.Frame {
	t.Helper()
	h, err := ws.ReadHeader(r)
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, h.Length)
	if _, err := io.ReadFull(r, p); err != nil {
		t.Fatal(err)
	}
	f := ws.Frame{Header: h, Payload: p}
	if h.Masked {
		f = ws.UnmaskFrameInPlace(f)
	}
	return f
}

// TestFramesSplitAndPacked checks that the boundaries of frames have no meaning [MQTT-6.0.0-2]:
// whatever the frames, the parts in which they arrive, and the size of the buffer, the bytes are
// the same.
func TestFramesSplitAndPacked(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for round := range 300 {
		toClient := round%2 == 0
		want := make([]byte, rnd.IntN(300))
		if round%50 == 0 {
			want = make([]byte, 70000)
		}
		for i := range want {
			want[i] = byte(rnd.Uint32())
		}
		var frames []ws.Frame
		first := true
		for rest := want; len(rest) > 0 || !first; {
			n := min(len(rest), rnd.IntN(40))
			if len(want) > 1000 {
				n = min(len(rest), rnd.IntN(70000))
			}
			op := ws.OpContinuation
			if first {
				op = ws.OpBinary
			}
			first = rnd.IntN(2) == 0 || n == len(rest)
			frames = append(frames, ws.NewFrame(op, first, rest[:n]))
			rest = rest[n:]
			if rnd.IntN(4) == 0 {
				frames = append(frames, ws.NewPongFrame([]byte("noise")))
			}
		}
		var src io.Reader = bytes.NewReader(packed(toClient, frames...))
		switch round % 3 {
		case 1:
			src = iotest.OneByteReader(src)
		case 2:
			src = iotest.HalfReader(src)
		}
		c := over(&feed{Reader: src}, toClient)
		var got []byte
		for {
			p := make([]byte, 1+rnd.IntN(64))
			if rnd.IntN(4) == 0 {
				p = make([]byte, 4096)
			}
			n, err := c.Read(p)
			got = append(got, p[:n]...)
			if err == io.EOF {
				break
			}
			if err != nil || n == 0 {
				t.Fatalf("round %d: %d bytes, %v", round, n, err)
			}
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("round %d: %d bytes differ from %d", round, len(got), len(want))
		}
	}
}

// TestEveryWriteIsOneBinaryFrame checks that every Write sends one binary frame [MQTT-6.0.0-1],
// masked by a client.
func TestEveryWriteIsOneBinaryFrame(t *testing.T) {
	for _, client := range []bool{true, false} {
		f := &feed{}
		c := over(f, client)
		for _, size := range []int{1, 125, 126, 65535, 65536, frameBuffer - 10, frameBuffer * 3} {
			p := bytes.Repeat([]byte("abcdefg"), size/7+1)[:size]
			keep := bytes.Clone(p)
			f.wrote.Reset()
			if n, err := c.Write(p); n != size || err != nil {
				t.Fatal(n, err)
			}
			if !bytes.Equal(p, keep) {
				t.Fatal("Write changed its argument")
			}
			h, err := ws.ReadHeader(&f.wrote)
			if err != nil || h.OpCode != ws.OpBinary || !h.Fin || h.Masked != client || int(h.Length) != size || f.wrote.Len() != size {
				t.Fatalf("size %d: header %+v, %d bytes, %v", size, h, f.wrote.Len(), err)
			}
			got := f.wrote.Bytes()
			if client {
				ws.Cipher(got, h.Mask, 0)
			}
			if !bytes.Equal(got, p) {
				t.Fatalf("size %d: other bytes", size)
			}
		}
	}
}

// TestBadFramesClose checks that a violation of the protocol, such as a text frame [MQTT-6.0.0-1],
// closes the connection with a status.
func TestBadFramesClose(t *testing.T) {
	ok := ws.NewBinaryFrame([]byte("ok"))
	big := append([]byte{0x82, 127, 0x80}, make([]byte, 7)...)
	for name, test := range map[string]struct {
		raw  []byte
		code ws.StatusCode
	}{
		"text":                    {packed(true, ok, ws.NewTextFrame([]byte("hello"))), ws.StatusUnsupportedData},
		"empty text":              {packed(true, ok, ws.NewTextFrame(nil)), ws.StatusUnsupportedData},
		"masked":                  {packed(false, ok), ws.StatusProtocolError},
		"reserved bit":            {[]byte{0xC2, 0}, ws.StatusProtocolError},
		"reserved code":           {[]byte{0x83, 0}, ws.StatusProtocolError},
		"continuation of nothing": {packed(true, ws.NewFrame(ws.OpContinuation, true, nil)), ws.StatusProtocolError},
		"begin inside a message":  {packed(true, ws.NewFrame(ws.OpBinary, false, nil), ok), ws.StatusProtocolError},
		"long ping":               {append([]byte{0x89, 126, 0, 126}, make([]byte, 126)...), ws.StatusProtocolError},
		"ping in pieces":          {[]byte{0x09, 0}, ws.StatusProtocolError},
		"length with sign":        {big, ws.StatusProtocolError},
	} {
		f := &feed{Reader: bytes.NewReader(test.raw)}
		c := over(f, true)
		got, err := io.ReadAll(c)
		if err == nil || !f.closed || len(got) > 2 {
			t.Errorf("%s: read %q, error %v, closed %v", name, got, err, f.closed)
			continue
		}
		frame := readFrame(t, &f.wrote)
		if code, _ := ws.ParseCloseFrameData(frame.Payload); frame.Header.OpCode != ws.OpClose || code != test.code {
			t.Errorf("%s: the peer was told %v %d", name, frame.Header, code)
		}
		if _, again := c.Read(make([]byte, 1)); again != err {
			t.Errorf("%s: read again: %v", name, again)
		}
		if _, err := c.Write([]byte("x")); err == nil {
			t.Errorf("%s: written after the end", name)
		}
	}
	f := &feed{Reader: bytes.NewReader(packed(true, ok))}
	if _, err := io.ReadAll(over(f, false)); err == nil || !f.closed {
		t.Errorf("a server takes frames that are not masked: %v", err)
	}
}

// TestCloseFrames checks the error for each status of a Close frame.
func TestCloseFrames(t *testing.T) {
	for code, want := range map[ws.StatusCode]string{1000: `the peer closed the WebSocket with status 1000: "why"`, 1001: `the peer closed the WebSocket with status 1001: "why"`, 1011: `the peer closed the WebSocket with status 1011: "why"`} {
		raw := packed(true, ws.NewBinaryFrame([]byte("last")), ws.NewCloseFrame(ws.NewCloseFrameBody(code, "why")), ws.NewBinaryFrame([]byte("never")))
		f := &feed{Reader: bytes.NewReader(raw)}
		got, err := io.ReadAll(over(f, true))
		if string(got) != "last" || (err == nil) != (want == "") || err != nil && err.Error() != want {
			t.Errorf("%d: %q %v", code, got, err)
		}
		var ce *CloseError
		if !errors.As(err, &ce) || ce.Code != uint16(code) || errors.Is(err, io.EOF) != (code < 1002) {
			t.Errorf("%d: %#v", code, err)
		}
		raw = packed(true, ws.NewCloseFrame(ws.NewCloseFrameBody(code, "")))
		if _, err := io.ReadAll(over(&feed{Reader: bytes.NewReader(raw)}, true)); (err == nil) != (code < 1002) {
			t.Errorf("%d without a reason: %v", code, err)
		}
	}
	for _, raw := range [][]byte{{0x88, 0}, {0x88, 1, 3}} {
		if _, err := io.ReadAll(over(&feed{Reader: bytes.NewReader(raw)}, true)); err != nil {
			t.Errorf("% x: %v", raw, err)
		}
	}
}

// TestPingIsAnswered checks that pings are answered while nobody writes.
func TestPingIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		c := over(a, true)
		result := make(chan string)
		go func() { // ends with the Close below
			got, err := io.ReadAll(c)
			result <- fmt.Sprintf("%q %v", got, err)
		}()
		for _, text := range []string{"one", "", "three"} {
			b.Write(packed(true, ws.NewPingFrame([]byte(text))))
			f := readFrame(t, b)
			if f.Header.OpCode != ws.OpPong || string(f.Payload) != text {
				t.Errorf("pong %v %q", f.Header, f.Payload)
			}
		}
		// Reading goes on during a flood of pings whose answers are not read.
		for range 100 {
			b.Write(packed(true, ws.NewPingFrame([]byte("flood"))))
		}
		b.Write(packed(true, ws.NewBinaryFrame([]byte("data")), ws.NewCloseFrame(nil)))
		if got := <-result; got != `"data" <nil>` {
			t.Errorf("read %s", got)
		}
		c.Close()
		synctest.Wait()
	})
}

func FuzzFrames(f *testing.F) {
	f.Add(packed(true, ws.NewBinaryFrame([]byte("hello")), ws.NewPingFrame(nil), ws.NewCloseFrame(nil)), true, byte(3))
	f.Add(packed(false, ws.NewBinaryFrame(make([]byte, 300)), ws.NewTextFrame(nil)), false, byte(200))
	f.Fuzz(func(t *testing.T, raw []byte, client bool, size byte) {
		whole, err := io.ReadAll(over(&feed{Reader: bytes.NewReader(raw)}, client))
		c := over(&feed{Reader: iotest.OneByteReader(bytes.NewReader(raw))}, client)
		var cut []byte
		for {
			p := make([]byte, int(size)+1)
			n, err2 := c.Read(p)
			cut = append(cut, p[:n]...)
			if err2 != nil {
				if err2 == io.EOF {
					err2 = nil
				}
				if fmt.Sprint(err) != fmt.Sprint(err2) {
					t.Fatalf("%v, in pieces %v", err, err2)
				}
				break
			}
		}
		if !bytes.Equal(whole, cut) || len(whole) > len(raw) {
			t.Fatalf("%q, in pieces %q", whole, cut)
		}
	})
}

func BenchmarkWebSocketRead(b *testing.B) {
	one := packed(true, ws.NewBinaryFrame(make([]byte, 64)))
	raw := bytes.Repeat(one, 400)
	r := bytes.NewReader(raw)
	c := over(&feed{Reader: r}, true)
	p := make([]byte, 32<<10)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		r.Seek(0, io.SeekStart)
		for r.Len() > 0 {
			if _, err := c.Read(p); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkWebSocketWrite(b *testing.B) {
	f := &feed{}
	c := over(f, true)
	p := make([]byte, 32<<10)
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for b.Loop() {
		f.wrote.Reset()
		if _, err := c.Write(p); err != nil {
			b.Fatal(err)
		}
	}
}
