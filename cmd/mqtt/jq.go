package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/itchyny/gojq"

	"mqtt/internal/format"
)

// query is a jq expression, compiled once. Numbers that it only carries over keep every digit.
type query struct {
	text string
	code *gojq.Code

	same      bool // the expression is ., which only checks the payload and takes its blanks out
	compactor format.Compactor
	one       [1][]byte
}

// newQuery compiles expr; flag is where it stood.
func newQuery(flag, expr string) (*query, error) {
	if expr == "" {
		return nil, nil
	}
	parsed, err := gojq.Parse(expr)
	if err == nil {
		var code *gojq.Code
		if code, err = gojq.Compile(parsed); err == nil {
			return &query{text: expr, code: code, same: strings.TrimSpace(expr) == "."}, nil
		}
	}
	return nil, usage(fmt.Sprintf("%s %s: %v", flag, quoted(expr), err), "expected a jq expression, such as .temp or select(.temp > 20)")
}

var errNotJSON = errors.New("payload is not JSON")

// run returns what the expression makes of a payload: none, one or several values. They are good until the next run.
func (q *query) run(payload []byte) ([][]byte, error) {
	if q.same {
		var ok bool
		if q.one[0], ok = q.compactor.Compact(payload); ok {
			return q.one[:], nil
		} // the long way knows what is wrong, and mends text that is not UTF-8
	}
	v, err := decodeJSON(payload)
	if err != nil {
		return nil, err
	}
	var results [][]byte
	for it := q.code.Run(v); ; {
		v, ok := it.Next()
		if !ok {
			return results, nil
		}
		if err, ok := v.(error); ok {
			if halt, ok := err.(*gojq.HaltError); ok && halt.Value() == nil {
				return results, nil
			}
			return results, fmt.Errorf("jq: %w", err)
		}
		b, err := gojq.Marshal(v)
		if err != nil {
			return results, fmt.Errorf("jq: %w", err)
		}
		results = append(results, b)
	}
}

// holds tells whether the expression's first result is neither false nor null.
func (q *query) holds(payload []byte) (bool, error) {
	v, err := decodeJSON(payload)
	if err != nil {
		return false, err
	}
	first, ok := q.code.Run(v).Next()
	if err, is := first.(error); is {
		return false, fmt.Errorf("jq: %w", err)
	}
	return ok && first != nil && first != false, nil
}

// decodeJSON reads exactly one value.
func decodeJSON(b []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, errNotJSON
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errNotJSON
	}
	return v, nil
}
