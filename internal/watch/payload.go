package watch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"mqtt/internal/format"
	"mqtt/internal/jsonline"
)

// A Form is a way to show a payload.
type Form byte

// The forms.
const (
	Auto Form = iota // the first that fits: Decoded, JSON, Text, Hex
	Decoded
	JSON
	Text
	Hex
	forms // their number
)

// String returns the name of the form.
func (f Form) String() string { return [...]string{"auto", "decoded", "JSON", "text", "hex"}[f] }

// Next returns the form after f; after the last comes the first.
func (f Form) Next() Form { return (f + 1) % forms }

// mostLines is how many lines of a payload are made.
const mostLines = 2000

// Lines returns the payload in the form f, in lines that are safe for a terminal, and the form that
// was used: one that fits if f does not. decoded is what a decoder made of it, if ok says that it
// could. Lines of hex have at most width columns; others have any.
func Lines(f Form, payload []byte, decoded string, ok bool, width int) ([]string, Form) {
	switch f {
	case Hex:
		return hexLines(payload, width), Hex
	case Text:
		return textLines(payload), Text
	case Auto, Decoded:
		if ok {
			return textLines([]byte(decoded)), Decoded
		}
	}
	if pretty, ok := indented(payload); ok {
		return textLines(pretty), JSON
	}
	if printable(payload) {
		return textLines(payload), Text
	}
	return hexLines(payload, width), Hex
}

// indented returns a JSON object or array over several lines.
func indented(payload []byte) ([]byte, bool) {
	b := bytes.TrimSpace(payload)
	if len(b) == 0 || b[0] != '{' && b[0] != '[' || !json.Valid(b) {
		return nil, false
	}
	return jsonline.AppendIndented(nil, jsonline.AppendCompact(nil, b, false)), true
}

// printable reports whether b is text: UTF-8 without control characters other than line ends and tabs.
func printable(b []byte) bool {
	if !utf8.Valid(b) {
		return false
	}
	for _, c := range b {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' || c == 0x7F {
			return false
		}
	}
	return true
}

// textLines splits b into lines.
func textLines(b []byte) []string {
	var lines []string
	for line := range bytes.Lines(b) {
		line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
		lines = append(lines, string(format.VisibleLine(nil, line)))
		if len(lines) == mostLines {
			break
		}
	}
	return lines
}

// hexLines returns lines with an offset, bytes in hex and the same bytes as text, as hex dumps are. They
// have at most width columns, if these suffice for two bytes a line.
func hexLines(b []byte, width int) []string {
	perLine := 16
	for perLine > 2 && hexColumns(perLine) > width {
		perLine /= 2
	}
	lines := make([]string, 0, min(len(b)/perLine+1, mostLines))
	for at := 0; at < len(b) && len(lines) < mostLines; at += perLine {
		part := b[at:min(at+perLine, len(b))]
		line := fmt.Appendf(nil, "%04x  % -*x  ", at, 3*perLine-1, part)
		for _, c := range part {
			if c < ' ' || c >= 0x7F {
				c = '.'
			}
			line = append(line, c)
		}
		lines = append(lines, string(line))
	}
	return lines
}

// hexColumns returns the columns of a line with n bytes.
func hexColumns(n int) int { return 4 + 2 + 3*n - 1 + 2 + n }
