package decode

import (
	"math"
	"strconv"

	"mqtt/internal/jsonline"
)

// appendFloat appends f, whose precision is bits, with a point or an exponent, or as the string NaN,
// Infinity or -Infinity.
func appendFloat(dst []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	}
	form := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		form = 'e'
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, form, -1, bits)
	for _, c := range dst[start:] {
		if c == '.' || c == 'e' {
			return dst
		}
	}
	return append(dst, '.', '0')
}

// parseFloat is the inverse of appendFloat for the JSON value n.
func parseFloat(n *node, bits int) (float64, bool) {
	switch n.kind {
	case numberNode:
		f, err := strconv.ParseFloat(n.text, bits)
		return f, err == nil
	case stringNode:
		switch n.text {
		case "NaN":
			return math.NaN(), true
		case "Infinity":
			return math.Inf(1), true
		case "-Infinity":
			return math.Inf(-1), true
		}
	}
	return 0, false
}

// appendBool appends true or false.
func appendBool(dst []byte, b bool) []byte { return strconv.AppendBool(dst, b) }

// appendKey appends a key that needs no escapes, with its colon, and a comma if it is not the first
// member of its object.
func appendKey(dst []byte, key string) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	return append(append(append(dst, '"'), key...), '"', ':')
}

// appendString appends s as a JSON string. ok is false if it is not UTF-8.
func appendString(dst, s []byte) (_ []byte, ok bool) {
	dst, ok = jsonline.AppendText(append(dst, '"'), s)
	return append(dst, '"'), ok
}

// appendText appends s, which is at that place of the payload, as a JSON string.
func appendText(dst, s []byte, at int) ([]byte, error) {
	dst, ok := appendString(dst, s)
	if !ok {
		return dst, fail(at, notUTF8)
	}
	return dst, nil
}

// mostKey is the size of the largest key that is made of a value that is not text, in bytes. Each
// level of keys in keys would double its escapes.
const mostKey = 4096

// asKey turns the JSON value at dst[start:] into a key of an object, with its colon. at is the place of
// the key in the payload.
func asKey(dst []byte, start, at int) ([]byte, error) {
	if dst[start] != '"' {
		if len(dst)-start > mostKey {
			return dst, fail(at, "a key that is not text and larger than 4096 bytes")
		}
		text := string(dst[start:])
		dst = jsonline.AppendString(dst[:start], []byte(text))
	}
	return append(dst, ':'), nil
}
