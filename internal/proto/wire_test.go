package proto

import (
	"bytes"
	"strings"
	"testing"
)

// TestWire decodes each packet of the corpus, compares it with its description, and encodes it
// again.
func TestWire(t *testing.T) {
	for _, b := range corpus(t, "wire") {
		t.Run(b.String(), func(t *testing.T) {
			f, n, err := Split(b.hex, 0)
			if err != nil || n != len(b.hex) {
				t.Fatalf("Split took %d of %d bytes: %v", n, len(b.hex), err)
			}
			if f.Size() != n {
				t.Errorf("Size is %d, want %d", f.Size(), n)
			}
			p, err := Decode(f, b.v)
			if err != nil {
				t.Fatal(err)
			}
			if got := dumpAt(p, b.v); got != b.dump {
				t.Errorf("decoded\n%.600s\nwant\n%.600s", got, b.dump)
			}
			before := []byte("before")
			got, err := p.Append(before, b.v)
			if b.refused {
				if _, ok := err.(*Error); !ok || string(got) != "before" {
					t.Fatalf("Append did not refuse: %q, %v", got, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got = bytes.TrimPrefix(got, before); !bytes.Equal(got, b.append) {
				t.Errorf("appended\n%.200x\nwant\n%.200x", got, b.append)
			}
			if m, ok := p.(*Publish); ok && m.Size(b.v) != len(got) {
				t.Errorf("Size says %d bytes, Append wrote %d", m.Size(b.v), len(got))
			}
		})
	}
}

// cuts are the lengths of an n byte packet's prefixes that tests try: all of a short
// one, both ends of a long one and some between.
func cuts(n int) []int {
	var at []int
	for i := 0; i < n; i++ {
		if i < 300 || i >= n-300 || i%9973 == 0 {
			at = append(at, i)
		}
	}
	return at
}

// TestWirePrefix shortens the stream and the body of each packet. A shorter stream has no packet; a
// shorter body is an error, or another valid packet.
func TestWirePrefix(t *testing.T) {
	for _, b := range corpus(t, "wire") {
		if len(b.hex) > 1<<18 {
			continue // one of these looks like the other
		}
		f, _, _ := Split(b.hex, 0)
		for _, n := range cuts(len(b.hex)) {
			if _, size, err := Split(b.hex[:n:n], 0); size != 0 || err != nil {
				t.Fatalf("%s: Split of the first %d bytes: %d, %v", &b, n, size, err)
			}
		}
		for _, n := range cuts(len(f.Body)) {
			short := Frame{First: f.First, Body: f.Body[:n:n]}
			p, err := Decode(short, b.v)
			if err != nil {
				e, ok := err.(*Error)
				if !ok || e.Type != f.Type() || e.What == "" || e.Offset < 0 || e.Offset > short.Size() || !e.Reason.Failed() {
					t.Fatalf("%s: first %d bytes of the body: %#v", &b, n, err)
				}
				continue
			}
			if f.Type() == PUBLISH {
				continue // a shorter payload
			}
			if !endsWhole(p, b.v, n) {
				t.Fatalf("%s: first %d bytes of the body are read as %.200s", &b, n, dump(p))
			}
		}
	}
}

// endsWhole reports whether a body of n bytes may be valid: at the end of an
// acknowledgement's identifier or reason, of a filter, of a reason, and where 3.1
// leaves out what the flags announce.
func endsWhole(p Packet, v Version, n int) bool {
	switch p := p.(type) {
	case *Ack:
		return v == V5 && (n == 2 || n == 3)
	case *Disconnect, *Auth:
		return v == V5 && n <= 1
	case *Connack:
		return v == V5 && n == 2 && p.Reason.Failed()
	case *Connect:
		return v == V31 && !p.HasPassword
	case *Subscribe, *Unsubscribe, *Suback:
		wire, err := p.Append(nil, v)
		f, _, _ := Split(wire, 0)
		return err != nil || len(f.Body) == n
	}
	return false
}

// TestWireIsWhole checks that the corpus has every packet type in every version, and every property
// and reason code in every packet that may have it.
func TestWireIsWhole(t *testing.T) {
	type key struct {
		v Version
		t Type
	}
	types := make(map[key]int)
	props := make(map[PropID]uint16)
	reasons := make(map[Reason]uint16)
	for _, b := range corpus(t, "wire") {
		f, _, _ := Split(b.hex, 0)
		p, err := Decode(f, b.v)
		if err != nil {
			t.Fatal(err)
		}
		if want := strings.ToLower(p.Type().String()) + ".txt"; b.file != want && b.file != "ping.txt" {
			t.Errorf("%s is in %s", &b, b.file)
		}
		types[key{b.v, p.Type()}]++
		note := func(in Type, ps Props) {
			for prop := range ps.All() {
				props[prop.ID] |= 1 << in
			}
		}
		switch p := p.(type) {
		case *Connect:
			note(CONNECT, p.Props)
			if p.Will != nil {
				note(WILL, p.Will.Props)
			}
		case *Publish:
			note(PUBLISH, p.Props)
		case *Subscribe:
			note(SUBSCRIBE, p.Props)
		case *Unsubscribe:
			note(UNSUBSCRIBE, p.Props)
		case *Connack:
			note(CONNACK, p.Props)
			reasons[p.Reason] |= 1 << CONNACK
		case *Ack:
			note(p.Kind, p.Props)
			reasons[p.Reason] |= 1 << p.Kind
		case *Suback:
			note(p.Kind, p.Props)
			for _, r := range p.Reasons {
				reasons[r] |= 1 << p.Kind
			}
		case *Disconnect:
			note(DISCONNECT, p.Props)
			reasons[p.Reason] |= 1 << DISCONNECT
		case *Auth:
			note(AUTH, p.Props)
			reasons[p.Reason] |= 1 << AUTH
		}
	}
	for _, v := range []Version{V31, V311, V5} {
		for k := CONNECT; k <= AUTH; k++ {
			if types[key{v, k}] == 0 && (k != AUTH || v == V5) {
				t.Errorf("no %s of %s", k, v)
			}
		}
	}
	for i := range Properties {
		p := &Properties[i]
		for k := WILL; k <= AUTH; k++ {
			if has := props[p.ID]&(1<<k) != 0; has != p.In(k) {
				t.Errorf("%s in %s: in the corpus %v, in the table %v", p.Name, k, has, p.In(k))
			}
		}
	}
	for i := 0; i < 256; i++ {
		for k := CONNECT; k <= AUTH; k++ {
			if has := reasons[Reason(i)]&(1<<k) != 0; has != Reason(i).Allowed(k) {
				t.Errorf("%s in %s: in the corpus %v, in the table %v", Reason(i), k, has, Reason(i).Allowed(k))
			}
		}
	}
}

// TestWrong decodes malformed packets, and compares the errors.
func TestWrong(t *testing.T) {
	for _, b := range corpus(t, "wrong") {
		t.Run(b.String(), func(t *testing.T) {
			f, n, err := Split(b.hex, 0)
			if err == nil {
				if n != len(b.hex) {
					t.Fatalf("Split took %d of %d bytes", n, len(b.hex))
				}
				_, err = Decode(f, b.v)
			}
			e, ok := err.(*Error)
			if !ok {
				t.Fatalf("got %v, want %s", err, b.err)
			}
			if got := errorLine(e); got != b.err {
				t.Errorf("got  %s\nwant %s", got, b.err)
			}
		})
	}
}
