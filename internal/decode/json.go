package decode

import (
	"encoding/json"
	"errors"

	"mqtt/internal/jsonline"
)

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
func jsonFault(text []byte) error {
	if len(text) == 0 {
		return fail(0, "an empty payload is not JSON")
	}
	var v json.RawMessage
	if syntax, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(text, &v)); ok {
		return fail(max(int(syntax.Offset)-1, 0), "not JSON: "+syntax.Error())
	}
	return fail(0, "not JSON: "+notUTF8)
}
