package format

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
)

// Encoding is how a payload is printed.
type Encoding byte

// The encodings. Text prints the bytes without change.
const (
	Text Encoding = iota
	Hex
	Base64
)

// ParseEncoding parses one of the words text, hex and base64.
func ParseEncoding(s string) (Encoding, error) {
	for e := Text; e <= Base64; e++ {
		if s == e.String() {
			return e, nil
		}
	}
	return Text, fmt.Errorf("payload encoding %q: want text, hex or base64", s)
}

// String returns the word for e that ParseEncoding parses.
func (e Encoding) String() string {
	switch e {
	case Hex:
		return "hex"
	case Base64:
		return "base64"
	}
	return "text"
}

// Append appends b in encoding e. Hex is in lower case, base64 is padded.
func (e Encoding) Append(dst, b []byte) []byte {
	switch e {
	case Hex:
		return hex.AppendEncode(dst, b)
	case Base64:
		return base64.StdEncoding.AppendEncode(dst, b)
	}
	return append(dst, b...)
}

// Decode appends the bytes that b encodes in e. An error says which byte of b is wrong.
func (e Encoding) Decode(dst, b []byte) ([]byte, error) {
	var err error
	switch e {
	case Hex:
		n := len(dst)
		if dst, err = hex.AppendDecode(dst, b); err != nil {
			return dst[:n], fmt.Errorf("decode hex: %w", err)
		}
		return dst, nil
	case Base64:
		n := len(dst)
		if dst, err = base64.StdEncoding.AppendDecode(dst, b); err != nil {
			return dst[:n], fmt.Errorf("decode base64: %w", err)
		}
		return dst, nil
	}
	return append(dst, b...), nil
}
