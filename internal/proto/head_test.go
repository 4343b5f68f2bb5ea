package proto

import (
	"bytes"
	"testing"
)

// TestHead encodes each PUBLISH of the corpus with its Head. The bytes are those of Append.
func TestHead(t *testing.T) {
	var h Head
	seen := 0
	for _, b := range corpus(t, "wire") {
		f, n, err := Split(b.hex, 0)
		if n == 0 || err != nil || f.Type() != PUBLISH {
			continue
		}
		seen++
		t.Run(b.String(), func(t *testing.T) {
			var p Publish
			if err := p.Decode(f, b.v); err != nil {
				t.Fatal(err)
			}
			want, refused := p.Append([]byte("before "), b.v)
			if err := h.Set(&p, b.v); (err != nil) != (refused != nil) {
				t.Fatalf("Set: %v, Append: %v", err, refused)
			}
			if refused != nil {
				return
			}
			got, err := h.Append([]byte("before "), p.PacketID, p.Payload)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%x, %v\nwant %x", got, err, want)
			}
			if !h.Matches(&p) {
				t.Error("is not the head of its own packet")
			}
		})
	}
	if seen < 20 {
		t.Fatalf("%d packets", seen)
	}
}

// TestHeadOf changes one field at a time, and checks that the Head does not match.
func TestHeadOf(t *testing.T) {
	expiry := Props(nil).AppendNum(MessageExpiryInterval, 5)
	p := Publish{QoS: 1, Topic: []byte("a/b"), PacketID: 1, Props: expiry}
	var h Head
	if h.Matches(&p) || h.Matches(&Publish{}) {
		t.Error("the zero value is a packet's head")
	}
	if err := h.Set(&p, V5); err != nil {
		t.Fatal(err)
	}
	same := p
	same.PacketID, same.Payload = 9, []byte("x")
	if !h.Matches(&same) {
		t.Error("another identifier and payload make it another head")
	}
	for name, change := range map[string]func(*Publish){
		"QoS":             func(p *Publish) { p.QoS = 2 },
		"retain":          func(p *Publish) { p.Retain = true },
		"DUP":             func(p *Publish) { p.Dup = true },
		"topic":           func(p *Publish) { p.Topic = []byte("a/c") },
		"longer topic":    func(p *Publish) { p.Topic = []byte("a/bc") },
		"topic and props": func(p *Publish) { p.Topic, p.Props = h.text[2:], nil },
		"no properties":   func(p *Publish) { p.Props = nil },
		"properties":      func(p *Publish) { p.Props = Props(nil).AppendNum(MessageExpiryInterval, 6) },
	} {
		other := p
		change(&other)
		if h.Matches(&other) {
			t.Errorf("%s: taken for the same", name)
		}
	}
	if err := h.Set(&Publish{QoS: 1, Topic: []byte("a/+"), PacketID: 1}, V5); err == nil || !h.Matches(&p) {
		t.Errorf("a head that was refused: %v, or it took the place of the one before", err)
	}
}

// TestHeadTooLarge checks that a packet which is too large for the Remaining Length is refused.
func TestHeadTooLarge(t *testing.T) {
	var h Head
	if err := h.Set(&Publish{Topic: []byte("t")}, V311); err != nil {
		t.Fatal(err)
	}
	payload := make([]byte, MaxRemaining-2)
	if b, err := h.Append([]byte("x"), 0, payload); err == nil || string(b) != "x" {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}
