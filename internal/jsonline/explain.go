package jsonline

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Explain returns what is wrong with a text that is not Valid, and the offset of that. It is slow.
func Explain(text []byte) (offset int, what string) {
	if len(text) == 0 {
		return 0, "an empty payload is not JSON"
	}
	valid := 0 // bytes that are UTF-8
	for valid < len(text) {
		r, size := utf8.DecodeRune(text[valid:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		valid += size
	}
	if at := tooDeep(text[:valid]); at >= 0 {
		return at, fmt.Sprintf("nested more than %d levels deep", MaxDepth)
	}
	var v json.RawMessage
	if syntax, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(text, &v)); ok && int(syntax.Offset) <= valid {
		return max(int(syntax.Offset)-1, 0), "not JSON: " + syntax.Error()
	}
	return valid, "not JSON: text that is not UTF-8"
}

// tooDeep returns the offset of the first bracket below MaxDepth levels, -1 if there is none.
func tooDeep(text []byte) int {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++
		case quoted:
		case c == '[' || c == '{':
			if depth++; depth > MaxDepth {
				return i
			}
		case c == ']' || c == '}':
			depth--
		}
	}
	return -1
}
