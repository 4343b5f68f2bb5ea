package proto

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

// seeds adds the packets of both corpora that are not long.
func seeds(f *testing.F, add func(b block)) {
	for _, folder := range []string{"wire", "wrong"} {
		for _, b := range corpus(f, folder) {
			if len(b.hex) < 1000 {
				add(b)
			}
		}
	}
}

var versions = []Version{V31, V311, V5}

// FuzzDecode decodes any bytes as a packet of any version. A valid packet is encoded and decoded
// again, with the same result. Decoding does not change its input.
func FuzzDecode(f *testing.F) {
	seeds(f, func(b block) { f.Add(byte(b.v), b.hex) })
	f.Fuzz(func(t *testing.T, version byte, wire []byte) {
		v := versions[version%3]
		before := bytes.Clone(wire)
		frame, _, err := Split(wire, 0)
		if err != nil || len(wire) == 0 {
			return
		}
		if frame.First == 0 {
			frame = Frame{First: wire[0], Body: wire[1:len(wire):len(wire)]} // all of it for a body
		}
		p, err := Decode(frame, v)
		if !bytes.Equal(before, wire) {
			t.Fatal("decoding wrote to its input")
		}
		if err != nil {
			e, ok := err.(*Error)
			if !ok || e.Type != frame.Type() || e.What == "" || !e.Reason.Failed() || e.Offset < 0 || e.Offset > frame.Size() {
				t.Fatalf("fault %#v", err)
			}
			return
		}
		if p.Type() != frame.Type() {
			t.Fatalf("%s of a %s", p.Type(), frame.Type())
		}
		if c, ok := p.(*Connect); ok {
			v = c.Version
		}
		again, err := p.Append(nil, v)
		if err != nil {
			if !onlyReceived(p, v) {
				t.Fatalf("decoded, but Append refuses: %v: %s", err, dump(p))
			}
			return
		}
		frame2, n, err := Split(again, 0)
		if err != nil || n != len(again) {
			t.Fatalf("Split of what was appended: %d of %d, %v", n, len(again), err)
		}
		p2, err := Decode(frame2, v)
		if err != nil {
			t.Fatalf("%s, then %v", dump(p), err)
		}
		if dump(p) != dump(p2) {
			t.Fatalf("%s\nbecame\n%s", dump(p), dump(p2))
		}
		if third, err := p2.Append(nil, v); err != nil || !bytes.Equal(third, again) {
			t.Fatalf("appended %x, then %x, %v", again, third, err)
		}
		if len(again) > frame.Size()+1 { // a CONNACK of 3.1.1 gets a property length
			t.Fatalf("%d bytes became %d", frame.Size(), len(again))
		}
	})
}

// onlyReceived reports whether p must be accepted by a server but must not be sent: filters
// that are none, and sessions without a client identifier.
func onlyReceived(p Packet, v Version) bool {
	switch p := p.(type) {
	case *Subscribe:
		for _, s := range p.Filters {
			if !filterPlain(s.Filter) {
				return true
			}
		}
	case *Unsubscribe:
		for _, s := range p.Filters {
			if !filterPlain(s) {
				return true
			}
		}
	case *Connect:
		return p.ClientID == "" && (v == V31 || v == V311 && !p.CleanStart)
	}
	return false
}

// FuzzReader reads a stream in parts with timeouts between them, after a packet of any size. The
// frames are those that Split finds in the whole stream.
func FuzzReader(f *testing.F) {
	var stream []byte
	seeds(f, func(b block) {
		f.Add(b.hex, []byte{1}, 0, 0)
		if b.err == "" && len(stream) < 4000 {
			stream = append(stream, b.hex...)
		}
	})
	f.Add(stream, []byte{3, 0, 200, 255}, 0, 0)
	f.Add(stream, []byte{255}, 513, 0)
	f.Add(stream, []byte{255, 0}, 131072, 0)
	f.Add(stream, []byte{254, 253, 0}, 300000, 0)
	f.Add(stream, []byte{7}, 600, 100)
	f.Fuzz(func(t *testing.T, stream, cut []byte, front, limit int) {
		if front < 0 || front > 1<<19 || limit < 0 || len(cut) == 0 {
			return
		}
		if front > 0 {
			head := AppendUvarint([]byte{0x30}, front)
			stream = append(append(head, bytes.Repeat([]byte("x"), front)...), stream...)
		}
		s := new(script)
		for i, at := 0, 0; at < len(stream); i++ {
			n := int(cut[i%len(cut)])
			if n > 128 {
				n *= n // up to 65025
			}
			if n == 0 {
				s.steps = append(s.steps, error(os.ErrDeadlineExceeded))
				n = 1
			}
			n = min(n, len(stream)-at)
			s.steps = append(s.steps, stream[at:at+n:at+n])
			at += n
		}
		r := NewReader(s, limit)
		defer r.Close()
		for rest := stream; ; {
			want, n, wantErr := Split(rest, limit)
			got, err := r.Next()
			for errors.Is(err, os.ErrDeadlineExceeded) {
				got, err = r.Next()
			}
			if wantErr != nil {
				if err == nil || err.Error() != wantErr.Error() {
					t.Fatalf("got %v, want %v", err, wantErr)
				}
				return
			}
			if n == 0 {
				wantErr = io.ErrUnexpectedEOF
				if len(rest) == 0 {
					wantErr = io.EOF
				}
				if err != wantErr || r.Len() != len(rest) {
					t.Fatalf("at the end %v with %d bytes, want %v with %d", err, r.Len(), wantErr, len(rest))
				}
				return
			}
			if err != nil || got.First != want.First || !bytes.Equal(got.Body, want.Body) {
				t.Fatalf("got %x %.40x %v, want %x %.40x", got.First, got.Body, err, want.First, want.Body)
			}
			rest = rest[n:]
		}
	})
}

// FuzzProps compares Check with a simple implementation, and reads what Check accepts.
func FuzzProps(f *testing.F) {
	seeds(f, func(b block) {
		frame, _, err := Split(b.hex, 0)
		if err != nil || b.v != V5 {
			return
		}
		for at := range frame.Body {
			if n, size := uvarint(frame.Body[at:]); size > 0 && n > 2 && n <= len(frame.Body)-at-size {
				f.Add(byte(frame.Type()), frame.Body[at+size:at+size+n])
				return
			}
		}
	})
	f.Fuzz(func(t *testing.T, kind byte, block []byte) {
		in := Type(kind % 16)
		ps := Props(block)
		err := ps.Check(in)
		if want := checkPlain(block, in); (err == nil) != want {
			t.Fatalf("%x in %s: %v, plainly %v", block, in, err, want)
		}
		if err != nil {
			if e := err.(*Error); e.Type != in || e.Offset > len(block) || e.What == "" {
				t.Fatalf("fault %#v", e)
			}
			for p := range ps.All() { // cannot fail, whatever is there
				ps.Has(p.ID)
			}
			return
		}
		var again Props
		for p := range ps.All() {
			again = again.Append(p)
			if q, ok := ps.Get(p.ID); !ok || q.ID != p.ID {
				t.Fatalf("%s is not found", p.ID)
			}
			if ps.Without(p.ID).Has(p.ID) {
				t.Fatalf("%s is still there", p.ID)
			}
		}
		if !bytes.Equal(again, ps) {
			t.Fatalf("%x copied is %x", ps, again)
		}
	})
}

// FuzzTopic compares topic names, filters and matches with simple implementations.
func FuzzTopic(f *testing.F) {
	for _, s := range []string{"a/b", "a/#", "+/+", "/", "#", "$SYS/x", "$share/g/a/+", "$share//a", "é/世", "a\x00", "\xed\xa0\x80", "aaaaaaaa+", strings.Repeat("a/", 40), "+", "a//b", "$", ""} {
		for _, topic := range []string{"a/b", "/", "a", "$SYS/x", "a//b", "é/世", strings.Repeat("a/", 40)} {
			f.Add(s, topic)
		}
	}
	f.Fuzz(func(t *testing.T, filter, topic string) {
		if err := CheckFilter(filter); (err == nil) != filterPlain(filter) {
			t.Fatalf("filter %q: %v", filter, err)
		}
		for _, s := range []string{filter, topic} {
			if err := CheckTopic(s); (err == nil) != topicPlain(s) {
				t.Fatalf("topic %q: %v", s, err)
			}
			if err := CheckText(s); (err == nil) != (len(s) <= 65535 && textPlain([]byte(s))) {
				t.Fatalf("text %q: %v", s, err)
			}
		}
		if !filterPlain(filter) || !topicPlain(topic) {
			Match(filter, []byte(topic)) // no answer, but no panic
			return
		}
		if got := Match(filter, []byte(topic)); got != matchPlain(filter, topic) {
			t.Fatalf("Match(%q, %q) is %v", filter, topic, got)
		}
	})
}

// FuzzEncode makes packets of any fields. What Append accepts decodes to the same packet and has
// the size that Size returns. What it refuses leaves the slice unchanged.
func FuzzEncode(f *testing.F) {
	f.Add(byte(5), byte(1), uint16(7), "a/b", []byte("hello"), []byte{3, 0, 1, 'x'}, byte(1))
	f.Add(byte(4), byte(0x35), uint16(1), "+/#", []byte{}, []byte{}, byte(0x2D))
	f.Add(byte(3), byte(0), uint16(0), "", []byte{0}, []byte{0x23, 0, 1}, byte(0xFF))
	f.Add(byte(5), byte(0x9F), uint16(65535), "$share/g/a", []byte("p"), []byte{0x0B, 1}, byte(0x87))
	f.Fuzz(func(t *testing.T, version, flags byte, id uint16, text string, data, block []byte, code byte) {
		v := versions[version%3]
		flag := func(n int) bool { return flags>>n&1 != 0 }
		ps := Props(block)
		will := &Will{Topic: text, Payload: data, QoS: code & 3, Retain: flag(0), Props: ps}
		if flag(1) {
			will = nil
		}
		kinds := []Type{PUBACK, PUBREC, PUBREL, PUBCOMP}
		for _, p := range []Packet{
			&Publish{Dup: flag(0), QoS: code & 3, Retain: flag(1), Topic: []byte(text), PacketID: id, Props: ps, Payload: data},
			&Connect{CleanStart: flag(2), KeepAlive: id, ClientID: text, Props: ps, Will: will, HasUsername: flag(3), Username: text, HasPassword: flag(4), Password: data},
			&Connack{SessionPresent: flag(0), Reason: Reason(code), Props: ps},
			&Ack{Kind: kinds[flags&3], PacketID: id, Reason: Reason(code), Props: ps},
			&Subscribe{PacketID: id, Props: ps, Filters: []Subscription{{text, code & 3, flag(0), flag(1), flags >> 6}, {Filter: "x"}}},
			&Unsubscribe{PacketID: id, Props: ps, Filters: []string{"x", text}},
			&Suback{Kind: SUBACK, PacketID: id, Props: ps, Reasons: []Reason{Reason(code), 0}},
			&Suback{Kind: UNSUBACK, PacketID: id, Props: ps, Reasons: []Reason{Reason(code)}},
			&Disconnect{Reason: Reason(code), Props: ps},
			&Auth{Reason: Reason(code), Props: ps},
		} {
			wire, err := p.Append([]byte("dst"), v)
			if string(wire[:3]) != "dst" {
				t.Fatalf("%s wrote over what was there", p.Type())
			}
			if wire = wire[3:]; err != nil {
				if _, ok := err.(*Error); !ok || len(wire) != 0 {
					t.Fatalf("%s: %v and %x", p.Type(), err, wire)
				}
				continue
			}
			frame, n, err := Split(wire, 0)
			if err != nil || n != len(wire) {
				t.Fatalf("%s: Split took %d of %d: %v", p.Type(), n, len(wire), err)
			}
			q, err := Decode(frame, v)
			if err != nil {
				t.Fatalf("%s was sent, but %v", dump(p), err)
			}
			again, err := q.Append(nil, v)
			if err != nil || !bytes.Equal(again, wire) {
				t.Fatalf("%x came back as %x: %v", wire, again, err)
			}
			if v == V5 {
				if c, ok := p.(*Connect); ok {
					c.Version = v
				}
				if got, want := dump(q), dump(p); got != want {
					if m, ok := p.(*Publish); !ok || m.QoS > 0 {
						t.Fatalf("sent %s\ncame %s", want, got)
					}
				}
			}
		}
	})
}
