package decode

import "mqtt/internal/jsonline"

// jsonCodec is JSON itself: it is validated, and written on one line.
type jsonCodec struct{ check jsonline.Checker }

// Decode appends payload without the white space between its tokens.
func (c *jsonCodec) Decode(dst, _, payload []byte) ([]byte, error) {
	if !c.check.Valid(payload) {
		return dst, jsonFault(payload)
	}
	return jsonline.AppendCompact(dst, payload, true), nil
}

// Encode appends text without the white space between its tokens.
func (c *jsonCodec) Encode(dst, topic, text []byte) ([]byte, error) {
	return c.Decode(dst, topic, text)
}

// jsonFault returns why text is not JSON.
func jsonFault(text []byte) error { return fail(jsonline.Explain(text)) }
