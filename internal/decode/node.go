package decode

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// nodeKind is the kind of a JSON value.
type nodeKind byte

const (
	nullNode nodeKind = iota
	boolNode
	numberNode
	stringNode
	arrayNode
	objectNode
)

// String returns the kind with its article.
func (k nodeKind) String() string {
	return [...]string{"null", "a boolean", "a number", "a string", "an array", "an object"}[k]
}

// node is a JSON value that keeps the digits of its numbers and the order of its keys.
type node struct {
	kind  nodeKind
	on    bool   // of a boolean
	text  string // of a number or a string
	keys  []string
	items []node
}

// ValueError says which value of a JSON text does not fit a format.
type ValueError struct {
	Path string // a JSON Pointer
	What string
}

// Error returns path and fault.
func (e *ValueError) Error() string {
	if e.Path == "" {
		return e.What
	}
	return e.Path + ": " + e.What
}

// within returns err with a step before its path.
func within(err error, step string) error {
	if v, ok := err.(*ValueError); ok {
		v.Path = "/" + step + v.Path
	}
	return err
}

// misfit returns a ValueError for the value itself.
func misfit(format string, args ...any) error { return &ValueError{What: fmt.Sprintf(format, args...)} }

// parseNode parses exactly one JSON value.
func parseNode(text []byte) (*node, error) {
	if !utf8.Valid(text) { // the decoder would replace what is not
		return nil, jsonFault(text)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	n := new(node)
	if err := n.read(d, 0); err != nil {
		if _, ok := err.(*Error); ok {
			return nil, err
		}
		return nil, jsonFault(text)
	}
	end := int(d.InputOffset())
	if _, err := d.Token(); err != io.EOF {
		return nil, fail(end, "text after the JSON value")
	}
	return n, nil
}

// read reads the next value of d.
func (n *node) read(d *json.Decoder, depth int) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	switch t := t.(type) {
	case bool:
		n.kind, n.on = boolNode, t
	case json.Number:
		n.kind, n.text = numberNode, string(t)
	case string:
		n.kind, n.text = stringNode, t
	case json.Delim:
		if depth == maxDepth {
			return fail(int(d.InputOffset())-1, tooDeep)
		}
		n.kind = arrayNode
		if t == '{' {
			n.kind = objectNode
		}
		for d.More() {
			if n.kind == objectNode {
				key, err := d.Token()
				if err != nil {
					return err
				}
				n.keys = append(n.keys, key.(string))
			}
			n.items = append(n.items, node{})
			if err := n.items[len(n.items)-1].read(d, depth+1); err != nil {
				return err
			}
		}
		_, err = d.Token()
	}
	return err
}

// get returns the member key of an object, or nil if there is none.
func (n *node) get(key string) *node {
	for i := len(n.keys) - 1; i >= 0; i-- {
		if n.keys[i] == key {
			return &n.items[i]
		}
	}
	return nil
}

// want returns an error unless n is of that kind.
func (n *node) want(kind nodeKind) error {
	if n.kind != kind {
		return misfit("expected %s, got %s", kind, n.kind)
	}
	return nil
}

// int returns an integer of that many bits.
func (n *node) int(bits int) (int64, error) {
	if err := n.want(numberNode); err != nil {
		return 0, err
	}
	v, err := strconv.ParseInt(n.text, 10, bits)
	if err != nil {
		return 0, misfit("%s is not an integer of %d bits", n.text, bits)
	}
	return v, nil
}

// uint returns an integer of that many bits that is not negative.
func (n *node) uint(bits int) (uint64, error) {
	if err := n.want(numberNode); err != nil {
		return 0, err
	}
	v, err := strconv.ParseUint(n.text, 10, bits)
	if err != nil {
		return 0, misfit("%s is not an unsigned integer of %d bits", n.text, bits)
	}
	return v, nil
}

// float returns a number of that many bits.
func (n *node) float(bits int) (float64, error) {
	f, ok := parseFloat(n, bits)
	if !ok {
		return 0, misfit("expected a number, got %s", n.kind)
	}
	return f, nil
}

// bytes returns the content of a string in base64.
func (n *node) bytes() ([]byte, error) {
	if err := n.want(stringNode); err != nil {
		return nil, err
	}
	b, err := base64.StdEncoding.DecodeString(n.text)
	if err != nil {
		return nil, misfit("a string that is not base64")
	}
	return b, nil
}
