package message

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/itchyny/gojq"
	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/jsonline"
	"mqtt/internal/proto"
)

// Query is a jq expression, compiled once. Numbers that it does not change keep every digit.
//
// Keys of objects keep the order of the payload, and new ones follow, as in jq.
type Query struct {
	// Raw makes results that are strings plain text, without quotes.
	Raw bool

	code *gojq.Code
	keys *exprKeys
	most int // bytes of the results of one payload

	same      bool // the expression is ".", which only checks the payload and removes its white space
	compactor jsonline.Checker
	one       [1][]byte
}

// NewQuery compiles expr; it returns nil for the empty expression. flag names the flag with the
// expression in errors.
func NewQuery(flag, expr string) (*Query, error) {
	if expr == "" {
		return nil, nil
	}
	parsed, err := gojq.Parse(expr)
	if err == nil {
		var code *gojq.Code
		if code, err = gojq.Compile(parsed, gojq.WithFunction("keys_unsorted", 0, 0, keysUnsorted)); err == nil {
			return &Query{code: code, keys: newExprKeys(expr, parsed), most: resultsMax, same: strings.TrimSpace(expr) == "."}, nil
		}
	}
	return nil, cli.BadFlag(flag, fmt.Sprintf(" %q: %v", expr, err), "expected a jq expression, such as .temp or select(.temp > 20)")
}

// keysUnsorted is keys_unsorted, which gojq lacks. Its order is that of keys, since gojq keeps objects
// in maps, which have none.
func keysUnsorted(v any, _ []any) any {
	switch v := v.(type) {
	case map[string]any:
		keys := make([]any, 0, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			keys = append(keys, key)
		}
		return keys
	case []any:
		keys := make([]any, len(v))
		for i := range keys {
			keys[i] = i
		}
		return keys
	}
	return fmt.Errorf("keys_unsorted cannot be applied to: %s", gojq.TypeOf(v))
}

// ErrNotJSON is the error of Run for a payload that is not JSON.
var ErrNotJSON = errors.New("payload is not JSON")

var errResults = errors.New("jq: the results of one payload are more than 256 MiB")

const (
	resultsMax = proto.MaxRemaining // a message cannot hold a larger result
	resultSize = 48                 // bytes of memory for each result, without its content
)

// Run returns the results of the expression for a payload: none, one or several values. They are
// valid until the next call. An expression need not end by itself: the end of ctx ends it, with
// ctx's error.
func (q *Query) Run(ctx context.Context, payload []byte) ([][]byte, error) {
	if q.same {
		var ok bool
		if q.one[0], ok = q.compactor.Compact(payload); ok && !(q.Raw && q.one[0][0] == '"') {
			return q.one[:], nil
		} // the code below says what is wrong, and repairs text that is not UTF-8
	}
	input, err := decodeJSON(payload)
	if err != nil {
		return nil, err
	}
	var results [][]byte
	size := 0
	var order *keyOrder
	for it := q.code.RunWithContext(ctx, input); ; {
		v, ok := it.Next()
		if !ok {
			return results, nil
		}
		if err, ok := v.(error); ok {
			if halt, ok := err.(*gojq.HaltError); ok && halt.Value() == nil {
				return results, nil
			}
			if ended := ctx.Err(); ended != nil {
				return nil, ended
			}
			return results, fmt.Errorf("jq: %w", err)
		}
		if order == nil && hasOrder(v) {
			order = newKeyOrder(q.keys, payload, input)
		}
		b, err := q.marshal(order, v, input)
		if err != nil {
			return results, fmt.Errorf("jq: %w", err)
		}
		if size += len(b) + resultSize; size > q.most && len(results) > 0 {
			return nil, errResults
		}
		results = append(results, b)
	}
}

// marshal returns the text of a result of input. order is nil if v has no order.
func (q *Query) marshal(order *keyOrder, v, input any) ([]byte, error) {
	if s, ok := v.(string); ok && q.Raw {
		return []byte(s), nil
	}
	if order == nil {
		return gojq.Marshal(v)
	}
	return order.append(nil, v, input)
}

// Holds reports whether the expression's first result is neither false nor null. A payload that is
// not JSON, or that the expression fails for, does not hold. The error is ctx's, once it has ended.
func (q *Query) Holds(ctx context.Context, payload []byte) (bool, error) {
	v, err := decodeJSON(payload)
	if err != nil {
		return false, nil
	}
	first, ok := q.code.RunWithContext(ctx, v).Next()
	if _, failed := first.(error); failed {
		return false, ctx.Err()
	}
	return ok && first != nil && first != false, nil
}

// decodeJSON reads exactly one value.
func decodeJSON(b []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, ErrNotJSON
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, ErrNotJSON
	}
	return v, nil
}

// JqFlags are --jq and --raw.
type JqFlags struct {
	Expr string
	raw  bool
}

// Register adds the flags to fs. usage is that of --jq.
func (f *JqFlags) Register(fs *pflag.FlagSet, usage string) {
	fs.StringVar(&f.Expr, "jq", "", usage)
	fs.BoolVar(&f.raw, "raw", false, "write strings without quotes (requires --jq)")
}

// Compile returns the expression, nil for none.
func (f *JqFlags) Compile() (*Query, error) {
	if f.raw && f.Expr == "" {
		return nil, cli.BadFlag("--raw", " without --jq", "it changes the results of --jq")
	}
	q, err := NewQuery("--jq", f.Expr)
	if q != nil {
		q.Raw = f.raw
	}
	return q, err
}
