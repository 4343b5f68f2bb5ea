package format

import "mqtt/internal/jsonline"

// JSON prints a message as a line of JSON that loses nothing. Package jsonline
// describes and reads it.
type JSON struct {
	Pretty bool // over several lines, indented
	Ink    Palette

	encoder  jsonline.Encoder
	compact  []byte // the line before it is indented
	indented []byte // the text before it is colored
}

// Append appends the line of m with its newline.
func (j *JSON) Append(dst []byte, m *Message) []byte {
	if !j.Pretty && !j.Ink.On() {
		return append(j.line(dst, m), '\n')
	}
	j.compact = j.line(j.compact[:0], m)
	text := j.compact
	if j.Pretty {
		j.indented = jsonline.AppendIndented(j.indented[:0], j.compact)
		text = j.indented
	}
	return append(j.Ink.AppendJSON(dst, text), '\n')
}

// line appends the line of m, compact and without its newline.
func (j *JSON) line(dst []byte, m *Message) []byte {
	dst = j.encoder.Append(dst, m.Received, m.Publish)
	if m.Decoded != nil {
		dst = jsonline.AppendDecoded(dst, m.Decoded)
	}
	return dst
}

// Warning returns nil.
func (j *JSON) Warning() error { return nil }
