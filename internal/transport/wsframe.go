package transport

import (
	"encoding/binary"

	"github.com/gobwas/ws"
)

// event is what frameIn.next found.
type event uint8

const (
	frameNone    event = iota // more bytes are needed
	framePayload              // bytes of a binary message
	framePing                 // a whole ping
	frameClose                // a whole Close
	frameText                 // a text frame begins
	frameBad                  // against RFC 6455, see err
)

// frameIn cuts a stream of bytes into frames, wherever it was cut before. It keeps at
// most a header and the payload of one control frame.
type frameIn struct {
	client bool // frames come from a server

	head    [ws.MaxHeaderSize]byte
	have    int // bytes of head that have come
	left    int64
	at      int // offset of the next byte in the payload, modulo 4
	mask    [4]byte
	op      ws.OpCode
	body    bool // the header is complete, the payload is not
	partial bool // a message goes on in the next frame
	control []byte
	err     error
}

// next takes bytes off b and returns how many. part aliases b for framePayload, and is
// good until the next call for framePing and frameClose.
func (f *frameIn) next(b []byte) (part []byte, used int, ev event) {
	if !f.body {
		if used = f.header(b); !f.body {
			return nil, used, frameNone
		}
		if f.err != nil {
			return nil, used, frameBad
		}
		if f.op == ws.OpText {
			return nil, used, frameText
		}
		f.control = f.control[:0]
	}
	n := int(min(f.left, int64(len(b)-used)))
	part = b[used : used+n]
	used += n
	if f.mask != [4]byte{} {
		ws.Cipher(part, f.mask, f.at)
		f.at = (f.at + n) & 3
	}
	f.left -= int64(n)
	f.body = f.left > 0
	if !f.op.IsControl() {
		return part, used, framePayload
	}
	f.control = append(f.control, part...) // at most 125 bytes, as the header was checked
	if f.body {
		return nil, used, frameNone
	}
	part = f.control
	f.control = nil
	switch f.op {
	case ws.OpPing:
		return part, used, framePing
	case ws.OpClose:
		return part, used, frameClose
	}
	return nil, used, frameNone
}

// header takes what is missing of a header off b.
func (f *frameIn) header(b []byte) (used int) {
	for used < len(b) {
		f.head[f.have] = b[used]
		f.have++
		used++
		if f.have >= 2 && f.have == f.size() {
			f.parse()
			f.have = 0
			return used
		}
	}
	return used
}

// size is the length of the header, known from its first two bytes.
func (f *frameIn) size() int {
	n := 2
	switch f.head[1] & 0x7F {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	if f.head[1]&0x80 != 0 {
		n += 4
	}
	return n
}

func (f *frameIn) parse() {
	h := ws.Header{
		Fin:    f.head[0]&0x80 != 0,
		Rsv:    f.head[0] >> 4 & 7,
		OpCode: ws.OpCode(f.head[0] & 0x0F),
		Masked: f.head[1]&0x80 != 0,
		Length: int64(f.head[1] & 0x7F),
	}
	at := 2
	switch h.Length {
	case 126:
		h.Length = int64(binary.BigEndian.Uint16(f.head[at:]))
		at += 2
	case 127:
		h.Length = int64(binary.BigEndian.Uint64(f.head[at:]))
		at += 8
	}
	f.mask = [4]byte{}
	if h.Masked {
		copy(f.mask[:], f.head[at:])
	}
	f.op, f.left, f.at, f.body = h.OpCode, h.Length, 0, true
	state := ws.StateServerSide
	if f.client {
		state = ws.StateClientSide
	}
	if f.partial {
		state = state.Set(ws.StateFragmented)
	}
	if f.err = ws.CheckHeader(h, state); f.err == nil && h.Length < 0 {
		f.err = ws.ErrHeaderLengthMSB
	}
	if !h.OpCode.IsControl() {
		f.partial = !h.Fin
	}
}

// appendHeader writes the header of a frame that is a whole message.
func appendHeader(dst []byte, op ws.OpCode, length int, masked bool, mask [4]byte) []byte {
	var bit byte
	if masked {
		bit = 0x80
	}
	dst = append(dst, 0x80|byte(op))
	switch {
	case length < 126:
		dst = append(dst, bit|byte(length))
	case length < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, bit|126), uint16(length))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, bit|127), uint64(length))
	}
	if masked {
		dst = append(dst, mask[:]...)
	}
	return dst
}
