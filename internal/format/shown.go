package format

import (
	"bytes"

	"mqtt/internal/jsonline"
)

// jsonText makes the text of JSON payloads. It keeps its buffers.
type jsonText struct {
	check    jsonline.Checker
	compact  []byte
	indented []byte
}

// shown appends the payload b of a message that is printed as such: JSON indented with Pretty and in
// color with Ink, and the lines after the first of another payload with Mark before them.
func (o *Options) shown(dst, b []byte) []byte {
	if o.Payload != Text || !o.Pretty && !o.Ink.On() && o.Mark == "" {
		return o.payload(dst, b)
	}
	if o.Pretty || o.Ink.On() {
		if o.json == nil {
			o.json = new(jsonText)
		}
		if o.json.check.Valid(b) {
			return o.appendJSON(dst, b)
		}
	}
	return o.marked(dst, o.payload(nil, b))
}

// appendJSON appends b, which is JSON.
func (o *Options) appendJSON(dst, b []byte) []byte {
	if !o.Pretty {
		return o.marked(dst, o.Ink.AppendJSON(nil, o.payload(nil, b)))
	}
	j := o.json
	j.compact = jsonline.AppendCompact(j.compact[:0], b, o.Visible)
	if !o.Ink.On() {
		return jsonline.AppendIndented(dst, j.compact)
	}
	j.indented = jsonline.AppendIndented(j.indented[:0], j.compact)
	return o.Ink.AppendJSON(dst, j.indented)
}

// marked appends text with Mark after each newline.
func (o *Options) marked(dst, text []byte) []byte {
	if o.Mark == "" || bytes.IndexByte(text, '\n') < 0 {
		return append(dst, text...)
	}
	return append(dst, bytes.ReplaceAll(text, []byte("\n"), []byte("\n"+o.Ink.Dim(o.Mark)))...)
}
