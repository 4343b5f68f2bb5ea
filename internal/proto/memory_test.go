package proto

import (
	"bytes"
	"errors"
	"io"
	"os"
	"runtime"
	"testing"
)

// TestReaderDeclared declares 200 MiB and more, and sends little. The reader allocates only for
// what it receives.
func TestReaderDeclared(t *testing.T) {
	for _, row := range []struct{ come, allocated int }{{0, 1 << 10}, {400, 1 << 10}, {100000, 1 << 10}, {300000, 1 << 20}} {
		for _, declared := range []int{200 << 20, MaxRemaining} {
			stream := append(AppendUvarint([]byte{0x30}, declared), make([]byte, row.come)...)
			const times = 20
			readers := make([]*Reader, times)
			warm := new([largeBuffer]byte)
			largeBuffers.Put(warm)
			src := make([]*bytes.Reader, times)
			for i := range src {
				src[i] = bytes.NewReader(stream)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for i := range readers {
				readers[i] = NewReader(src[i], 0)
				if _, err := readers[i].Next(); err != io.ErrUnexpectedEOF {
					t.Fatal(err)
				}
				readers[i].Close()
			}
			runtime.ReadMemStats(&after)
			// The pool may lose its buffer to a collection now and then.
			if got := int(after.TotalAlloc-before.TotalAlloc) / times; got > row.allocated+largeBuffer {
				t.Errorf("%d bytes declared, %d came, %d allocated", declared, row.come, got)
			}
		}
	}
}

// TestReaderBorrows floods a reader, and then lets it idle. It has a large buffer while much data
// waits, and returns it before it waits.
func TestReaderBorrows(t *testing.T) {
	small := message(t, 100)
	flood := bytes.Repeat(small, 3000)
	s := &script{steps: []any{small, flood, error(os.ErrDeadlineExceeded), small, message(t, 400000), error(os.ErrDeadlineExceeded)}}
	r := NewReader(s, 0)
	if _, err := r.Next(); err != nil || r.borrowed != nil || len(r.buf) != smallBuffer {
		t.Fatalf("one small packet: %v, a buffer of %d", err, len(r.buf))
	}
	borrowed, packets := false, 0
	drain := func() {
		for {
			if _, err := r.Next(); errors.Is(err, os.ErrDeadlineExceeded) {
				return
			} else if err != nil {
				t.Fatal(err)
			}
			packets++
			borrowed = borrowed || r.borrowed != nil
		}
	}
	drain()
	if packets != 3000 || !borrowed {
		t.Errorf("%d packets of the flood, borrowed %v", packets, borrowed)
	}
	if most := 3 + len(flood)/(largeBuffer-len(small)) + 2; s.reads > most {
		t.Errorf("%d reads for the flood, want at most %d", s.reads, most)
	}
	if r.borrowed != nil || len(r.buf) != smallBuffer {
		t.Errorf("idle with a buffer of %d", len(r.buf))
	}
	drain()
	if packets != 3002 {
		t.Errorf("%d packets, want 3002", packets)
	}
	if r.borrowed != nil || len(r.buf) != smallBuffer {
		t.Errorf("idle after a large packet with a buffer of %d", len(r.buf))
	}
	// Closed in the middle of a flood, it gives back too, once.
	r = NewReader(bytes.NewReader(flood), 0)
	for range 100 {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if r.borrowed == nil {
		t.Error("nothing borrowed for the flood")
	}
	r.Close()
	r.Close()
	if r.borrowed != nil || r.Len() != 0 || r.Ready() {
		t.Error("closed with something left")
	}
}

// TestNoAllocs checks that the hot paths do not allocate.
func TestNoAllocs(t *testing.T) {
	p := Publish{QoS: 1, Topic: []byte("a/b/é"), PacketID: 7, Payload: make([]byte, 300),
		Props: Props(nil).AppendText(ContentType, "text/plain").AppendPair("k", "v").AppendNum(TopicAlias, 3).AppendNum(SubscriptionIdentifier, 300)}
	ack := Ack{Kind: PUBACK, PacketID: 7}
	wire, err := p.Append(nil, V5)
	if err != nil {
		t.Fatal(err)
	}
	acked, err := ack.Append(nil, V5)
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]byte, 0, 1024)
	f, _, _ := Split(wire, 0)
	g, _, _ := Split(acked, 0)
	var q Publish
	stream := bytes.NewReader(nil)
	packets := bytes.Repeat(wire, 30)
	r := NewReader(stream, 0)
	topic := []byte("a/b/c/d")
	var head Head
	for name, do := range map[string]func(){
		"encode PUBLISH": func() { dst, err = p.Append(dst[:0], V5) },
		"set a head":     func() { err = head.Set(&p, V5) },
		"append to it":   func() { dst, err = head.Append(dst[:0], 7, p.Payload) },
		"decode PUBLISH": func() { err = q.Decode(f, V5) },
		"encode PUBACK":  func() { dst, err = ack.Append(dst[:0], V5) },
		"decode PUBACK":  func() { err = ack.Decode(g, V5) },
		"properties": func() {
			for range q.Props.All() {
			}
			q.Props.Num(TopicAlias, 0)
			q.Props.Value(ContentType)
		},
		"match":       func() { Match("$share/g/a/+/c/#", topic) },
		"check topic": func() { err = CheckTopic("a/b/c/d/e/f/g/h/é") },
		"check filter": func() {
			err = CheckFilter("$share/g/a/+/c/#")
		},
		"read": func() {
			stream.Reset(packets)
			for range 30 {
				_, err = r.Next()
			}
		},
	} {
		if n := testing.AllocsPerRun(200, do); n >= 1 || err != nil {
			t.Errorf("%s: %v allocations, %v", name, n, err)
		}
	}
}
