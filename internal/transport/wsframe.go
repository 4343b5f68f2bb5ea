package transport

import (
	"encoding/binary"

	"github.com/gobwas/ws"
)

// frameEvent is what frameIn.next found.
type frameEvent uint8

const (
	frameNone    frameEvent = iota // more bytes are needed
	framePayload                   // bytes of a binary message
	framePing                      // a complete ping
	frameClose                     // a complete Close
	frameText                      // the header of a text frame
	frameBad                       // violates RFC 6455; see err
)

// frameIn decodes frames from a stream of bytes that arrives in parts of any size. It buffers at
// most a header and the payload of one control frame.
type frameIn struct {
	client bool // we are the client

	head    [ws.MaxHeaderSize]byte
	have    int   // bytes of head received
	left    int64 // bytes of the payload not received
	at      int   // offset of the next byte in the payload, modulo 4
	mask    [4]byte
	op      ws.OpCode
	body    bool // the header is complete, the payload is not
	partial bool // the message continues in the next frame
	control []byte
	err     error
}

// next decodes the beginning of b and returns the number of bytes used. For framePayload part
// aliases b; for framePing and frameClose it is valid until the next call.
func (f *frameIn) next(b []byte) (part []byte, used int, ev frameEvent) {
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
	f.control = append(f.control, part...) // at most 125 bytes: the header was checked
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

// header reads the missing bytes of a header from b and returns their number.
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

// size returns the length of the header, which its first two bytes determine.
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

// parse decodes and checks the header.
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

// appendHeader appends the header of a frame that is a complete message.
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
