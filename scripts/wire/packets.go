package main

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// blockLength is the number of units of a block. It is a power of ten, so that the last
// digits of a unit's number never change, and only the first digits must be copied into each
// unit. The block stays in the cache of the processor.
const (
	blockLength = 1000
	blockDigits = 3
	fullDigits  = 16
)

// payload is the form of a numbered payload: sixteen digits and filler, or a JSON object with
// both. A payload shorter than sixteen bytes has only the last digits.
type payload struct {
	bytes  []byte
	at     int // index of the digits
	digits int
}

// newPayload returns a payload of size bytes.
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

// filling returns n bytes of filler.
func filling(n int) []byte {
	const letters = " The quick brown fox jumps over the lazy dog, and again"
	return bytes.Repeat([]byte(letters), n/len(letters)+1)[:n]
}

// packets is an endless numbered series of units of the same length: PUBLISH packets or lines.
type packets struct {
	block   []byte
	unit    int // bytes of a unit
	number  int // offset in a unit of the digits that change
	changes int // number of these digits
	id      int // offset in a unit of the packet identifier, 0 if there is none
	text    []byte
}

// newLines returns lines that end with a newline.
func newLines(p payload) *packets { return newSeries(nil, 0, p, []byte{'\n'}) }

// newPublishes returns PUBLISH packets of one topic.
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
		return nil, fmt.Errorf("the packet of %d bytes is larger than the standard allows", length)
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

// newSeries returns units of head, payload and tail.
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

// fill returns at most count units from number on, and how many they are: the result ends at
// the end of the block. The bytes are good until the next call.
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

// identifier returns the packet identifier of a message: 1 to 65535, repeated.
func identifier(number int64) uint16 { return uint16(number%65535) + 1 }
