package main

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// blockLength is how many units a block has. It is a power of ten, so that the
// last digits of a unit's number never change and only the first must be
// written anew: the block stays in the processor's cache and costs a short
// copy a unit.
const (
	blockLength = 1000
	blockDigits = 3
	fullDigits  = 16
)

// payload says what a numbered payload looks like: sixteen digits and filler, or
// the same inside a JSON object. A payload shorter than the digits has the last
// ones only.
type payload struct {
	bytes  []byte
	at     int // where the digits stand
	digits int
}

func newPayload(size int, json bool) (payload, error) {
	if size < 0 {
		return payload{}, fmt.Errorf("size %d is negative", size)
	}
	if json {
		const before, between, after = `{"n":"`, `","x":"`, `"}`
		filler := size - len(before) - fullDigits - len(between) - len(after)
		if filler < 0 {
			return payload{}, fmt.Errorf("a JSON payload needs at least %d bytes", size-filler)
		}
		var b []byte
		b = append(b, before...)
		b = append(b, bytes.Repeat([]byte{'0'}, fullDigits)...)
		b = append(b, between...)
		b = append(b, filling(filler)...)
		b = append(b, after...)
		return payload{bytes: b, at: len(before), digits: fullDigits}, nil
	}
	digits := min(size, fullDigits)
	b := append(bytes.Repeat([]byte{'0'}, digits), filling(size-digits)...)
	return payload{bytes: b, digits: digits}, nil
}

func filling(n int) []byte {
	const letters = " The quick brown fox jumps over the lazy dog, and again"
	return bytes.Repeat([]byte(letters), n/len(letters)+1)[:n]
}

// packets is an endless numbered series of units of one length: PUBLISH packets or
// lines. fill gives the bytes of a run of them.
type packets struct {
	block   []byte
	unit    int // bytes of one
	number  int // offset of the changing digits in a unit
	changes int // how many digits change
	id      int // offset of the packet identifier, 0 for none
	text    []byte
}

// newLines makes lines that end in a newline.
func newLines(p payload) *packets { return newSeries(nil, 0, p, []byte{'\n'}) }

// newPublishes makes PUBLISH packets of one topic.
func newPublishes(topic string, qos, level byte, p payload) (*packets, error) {
	if topic == "" || len(topic) > 65535 {
		return nil, errors.New("the topic must have 1 to 65535 bytes")
	}
	length := 2 + len(topic) + len(p.bytes)
	if qos > 0 {
		length += 2
	}
	if level == level5 {
		length++
	}
	if length > largestPacket-5 {
		return nil, fmt.Errorf("a packet of %d bytes is larger than the standard allows", length)
	}
	head := appendVarint([]byte{typePublish | qos<<1}, length)
	head = appendString(head, topic)
	id := 0
	if qos > 0 {
		id = len(head)
		head = append(head, 0, 0)
	}
	if level == level5 {
		head = append(head, 0)
	}
	return newSeries(head, id, p, nil), nil
}

func newSeries(head []byte, id int, p payload, tail []byte) *packets {
	s := &packets{
		unit:    len(head) + len(p.bytes) + len(tail),
		number:  len(head) + p.at,
		changes: max(0, p.digits-blockDigits),
		id:      id,
	}
	s.block = make([]byte, 0, s.unit*blockLength)
	for i := range blockLength {
		at := len(s.block) + s.number
		s.block = append(s.block, head...)
		s.block = append(s.block, p.bytes...)
		s.block = append(s.block, tail...)
		last := fmt.Sprintf("%0*d", blockDigits, i)
		last = last[max(0, len(last)-p.digits):]
		copy(s.block[at+s.changes:], last)
	}
	return s
}

// fill returns the units from number on, at most count of them, and how many they
// are: a run ends where the block does. The bytes are good until the next fill.
func (s *packets) fill(number int64, count int) ([]byte, int) {
	slot := int(number % blockLength)
	count = min(count, blockLength-slot)
	run := s.block[slot*s.unit : (slot+count)*s.unit]
	if s.changes > 0 {
		s.text = strconv.AppendInt(s.text[:0], 1e15+number/blockLength, 10)
		digits := s.text[len(s.text)-s.changes:]
		for at := s.number; at < len(run); at += s.unit {
			copy(run[at:], digits)
		}
	}
	if s.id > 0 {
		id := identifier(number)
		for at := s.id; at < len(run); at += s.unit {
			run[at], run[at+1] = byte(id>>8), byte(id)
			if id++; id == 0 {
				id = 1
			}
		}
	}
	return run, count
}

// identifier is the packet identifier of a message: 1 to 65535, over and over.
func identifier(number int64) uint16 { return uint16(number%65535) + 1 }
