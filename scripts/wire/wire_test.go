package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"testing"
	"time"
)

// text returns what wire lines prints.
func text(t *testing.T, count int64, size int, object bool) []byte {
	t.Helper()
	p, err := newPayload(size, object)
	if err != nil {
		t.Fatal(err)
	}
	units := newLines(p)
	var all []byte
	for number := int64(0); number < count; {
		b, n := units.fill(number, clamp(count-number))
		all = append(all, b...)
		number += int64(n)
	}
	return all
}

// loopback returns a listener and a connection to it. net.Pipe has no buffer, and raw and
// sink both write before they read.
func loopback(t *testing.T) (net.Listener, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close(); conn.Close() })
	return l, conn
}

func TestLinesAreNumbered(t *testing.T) {
	lines := bytes.Split(text(t, 12_345, 20, false), []byte{'\n'})
	for i, line := range lines[:12_345] {
		if want := fmt.Sprintf("%016d The", i); string(line) != want {
			t.Fatalf("line %d is %q, want %q", i, line, want)
		}
	}
	if short := text(t, 3, 2, false); string(short) != "00\n01\n02\n" {
		t.Errorf("lines of two bytes: %q", short)
	}
	object := text(t, 2000, 35, true)
	if want := "{\"n\":\"0000000000001999\",\"x\":\" The\"}\n"; !bytes.HasSuffix(object, []byte(want)) {
		t.Errorf("last JSON line is %q, want %q", object[len(object)-len(want):], want)
	}
}

// TestSinkCountsRaw checks that sink counts exactly the messages and bytes of raw, at each QoS and
// version.
func TestSinkCountsRaw(t *testing.T) {
	const count, size = 70_000, 20 // more than there are packet identifiers
	want := sha256.Sum256(text(t, count, size, false))
	for _, lv := range []byte{level31, level311, level5} {
		for qos := byte(0); qos <= 2; qos++ {
			t.Run(fmt.Sprintf("level %d QoS %d", lv, qos), func(t *testing.T) {
				l, conn := loopback(t)
				s := newSink(0, true, true, 100)
				total := make(chan counts, 1)
				go func() { total <- s.serve(context.Background(), l, time.Minute) }()
				p, err := newPayload(size, false)
				if err != nil {
					t.Fatal(err)
				}
				units, err := newPublishes("a/b", qos, lv, p)
				if err != nil {
					t.Fatal(err)
				}
				sent, err := raw(conn, lv, qos, units, 1000, count)
				if err != nil {
					t.Fatal(err)
				}
				if sent.Wrong != 0 || qos > 0 && sent.Acknowledged != count {
					t.Errorf("raw: %+v", sent)
				}
				got := <-total
				if got.Messages != count || got.Bytes != count*size || got.Errors != 0 || got.Dup != 0 || got.Again != 0 {
					t.Errorf("sink: %+v", got)
				}
				if got.SHA256 != hex.EncodeToString(want[:]) {
					t.Error("the payloads received are not the payloads sent")
				}
			})
		}
	}
}

// TestSinkDuplicates checks that sink distinguishes repeated QoS 2 messages from new ones, and counts
// DUP.
func TestSinkDuplicates(t *testing.T) {
	l, conn := loopback(t)
	s := newSink(0, true, false, 0)
	total := make(chan counts, 1)
	go func() { total <- s.serve(context.Background(), l, time.Minute) }()
	b := appendConnect(nil, level311, "x")
	b = append(b, 0x34, 6, 0, 1, 't', 0, 9, '1') // QoS 2, identifier 9
	b = append(b, 0x3c, 6, 0, 1, 't', 0, 9, '1') // the same with DUP
	b = append(b, typePubrel, 2, 0, 9)
	b = append(b, 0x34, 6, 0, 1, 't', 0, 9, '2') // the identifier is used again
	b = append(b, typePubrel, 2, 0, 9, typeDisconnect, 0)
	if _, err := conn.Write(b); err != nil {
		t.Fatal(err)
	}
	got := <-total
	if got.Messages != 2 || got.Again != 1 || got.Dup != 1 || got.Errors != 0 {
		t.Errorf("sink: %+v", got)
	}
}

func TestSinkRefusesWrongPackets(t *testing.T) {
	hello := appendConnect(nil, level5, "x")
	for name, b := range map[string][]byte{
		"no CONNECT":                 {typePingreq, 0},
		"CONNECT twice":              append(bytes.Clone(hello), hello...),
		"unknown protocol":           {typeConnect, 10, 0, 4, 'M', 'Q', 'T', 'X', 4, 2, 0, 0},
		"PUBLISH without properties": append(bytes.Clone(hello), 0x30, 3, 0, 1, 't'),
		"identifier 0":               append(bytes.Clone(hello), 0x32, 6, 0, 1, 't', 0, 0, 0),
		"QoS 3":                      append(bytes.Clone(hello), 0x36, 6, 0, 1, 't', 0, 1, 0),
		"topic beyond the packet":    append(bytes.Clone(hello), 0x30, 4, 0, 9, 't', 0),
		"PUBREL of nothing":          append(bytes.Clone(hello), typePubrel, 2, 0, 1),
		"long remaining length":      append(bytes.Clone(hello), 0x30, 0xff, 0xff, 0xff, 0xff, 1),
		"after DISCONNECT":           append(bytes.Clone(hello), typeDisconnect, 0, typePingreq, 0),
	} {
		t.Run(name, func(t *testing.T) {
			l, conn := loopback(t)
			s := newSink(0, true, false, 0)
			total := make(chan counts, 1)
			go func() { total <- s.serve(context.Background(), l, time.Minute) }()
			if _, err := conn.Write(b); err != nil {
				t.Fatal(err)
			}
			if got := <-total; got.Errors != 1 {
				t.Errorf("sink: %+v", got)
			}
		})
	}
}

// TestSourceKeepsTheWindow checks that source does not exceed the Receive Maximum of a slow client,
// and that it counts acknowledgements out of order.
func TestSourceKeepsTheWindow(t *testing.T) {
	for _, outOfTurn := range []bool{false, true} {
		t.Run(fmt.Sprintf("out of turn %v", outOfTurn), func(t *testing.T) {
			const count, window = 9, 3
			l, conn := loopback(t)
			server, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			p, err := newPayload(16, false)
			if err != nil {
				t.Fatal(err)
			}
			s := &source{conn: server, in: newFrames(server), linger: time.Minute}
			type end struct {
				sourceResult
				err error
			}
			ended := make(chan end, 1)
			go func() {
				r, err := s.serve("t", 1, 0, p, count)
				ended <- end{r, err}
			}()
			// CONNECT with Receive Maximum 3, then SUBSCRIBE at QoS 1.
			b := []byte{typeConnect, 17, 0, 4, 'M', 'Q', 'T', 'T', 5, 2, 0, 0, 3, 0x21, 0, window, 0, 1, 'x'}
			b = append(b, typeSubscribe, 7, 0, 1, 0, 0, 1, 't', 1)
			if _, err := conn.Write(b); err != nil {
				t.Fatal(err)
			}
			in := newFrames(conn)
			for _, want := range []byte{typeConnack, typeSuback} {
				if head, _, err := in.wait(); err != nil || head != want {
					t.Fatalf("got 0x%02x, %v, want 0x%02x", head, err, want)
				}
			}
			for round := range count / window {
				var ids []byte
				for i := range window {
					head, body, err := in.wait()
					if err != nil || head != 0x32 {
						t.Fatalf("got 0x%02x, %v, want PUBLISH", head, err)
					}
					if want := fmt.Sprintf("%016d", round*window+i); string(body[6:]) != want {
						t.Fatalf("payload %q, want %q", body[6:], want)
					}
					ids = append(ids, body[4])
				}
				if _, _, ok, _ := in.next(); ok {
					t.Fatal("received more than the Receive Maximum")
				}
				if outOfTurn && round == 1 {
					ids[0], ids[1] = ids[1], ids[0]
				}
				for _, id := range ids {
					if _, err := conn.Write([]byte{typePuback, 2, 0, id}); err != nil {
						t.Fatal(err)
					}
				}
			}
			if _, err := conn.Write([]byte{typeDisconnect, 0}); err != nil {
				t.Fatal(err)
			}
			got := <-ended
			wrong := int64(0)
			if outOfTurn {
				wrong = 2
			}
			if got.err != nil || got.Sent != count || got.Acknowledged != count || got.Wrong != wrong || got.Window != window {
				t.Errorf("source: %+v", got)
			}
		})
	}
}
