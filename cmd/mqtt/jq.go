package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/itchyny/gojq"

	"mqtt/internal/jsonline"
	"mqtt/internal/proto"
)

// query is a jq expression, compiled once. Numbers that it only carries over keep every digit.
type query struct {
	code *gojq.Code
	ctx  context.Context // of the run: an expression need not come to an end by itself
	most int             // bytes of the results of one payload

	same      bool // the expression is ., which only checks the payload and takes its blanks out
	compactor jsonline.Checker
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
			return &query{code: code, ctx: context.Background(), most: resultsMax, same: strings.TrimSpace(expr) == "."}, nil
		}
	}
	return nil, usage(fmt.Sprintf("%s %s: %v", flag, quoted(expr), err), "expected a jq expression, such as .temp or select(.temp > 20)")
}

// within has the end of ctx end an expression too. q may be nil.
func (q *query) within(ctx context.Context) {
	if q != nil {
		q.ctx = ctx
	}
}

var (
	errNotJSON = errors.New("payload is not JSON")
	errResults = errors.New("jq: the results of one payload are more than 256 MiB")
)

const (
	resultsMax = proto.MaxRemaining // a payload that holds more results is no message
	resultSize = 48                 // of memory beside a result's bytes
)

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
	size := 0
	for it := q.code.RunWithContext(q.ctx, v); ; {
		v, ok := it.Next()
		if !ok {
			return results, nil
		}
		if err, ok := v.(error); ok {
			if halt, ok := err.(*gojq.HaltError); ok && halt.Value() == nil {
				return results, nil
			}
			if ended := q.ctx.Err(); ended != nil {
				return nil, ended
			}
			return results, fmt.Errorf("jq: %w", err)
		}
		b, err := gojq.Marshal(v)
		if err != nil {
			return results, fmt.Errorf("jq: %w", err)
		}
		if size += len(b) + resultSize; size > q.most && len(results) > 0 {
			return nil, errResults
		}
		results = append(results, b)
	}
}

// holds tells whether the expression's first result is neither false nor null. What is no JSON, and what the expression
// fails at, cannot hold: an error is the end of the run.
func (q *query) holds(payload []byte) (bool, error) {
	v, err := decodeJSON(payload)
	if err != nil {
		return false, nil
	}
	first, ok := q.code.RunWithContext(q.ctx, v).Next()
	if _, failed := first.(error); failed {
		return false, q.ctx.Err()
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
