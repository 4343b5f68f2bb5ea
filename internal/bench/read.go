package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// maxResult is the largest size of a result, in bytes.
const maxResult = 1 << 30

// Read reads the result of JSON.
func Read(from io.Reader) (*Result, error) {
	r := new(Result)
	var whole json.RawMessage
	var form *json.UnmarshalTypeError
	err := json.NewDecoder(io.LimitReader(from, maxResult)).Decode(&whole)
	if err == nil {
		err = json.Unmarshal(whole, r)
	}
	switch {
	case errors.Is(err, io.EOF):
		return nil, errors.New("read result: it is empty")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errors.New("read result: it is truncated")
	case errors.As(err, &form):
		return nil, fmt.Errorf("read result: it has a JSON %s at byte %d, which is not allowed there", form.Value, form.Offset)
	case err != nil:
		return nil, fmt.Errorf("read result: %w", err)
	}
	if r.Schema != Schema {
		return nil, fmt.Errorf("read result: its schema is %q, not %q", r.Schema, Schema)
	}
	if r.Kind != KindMessages && r.Kind != KindConnections {
		return nil, fmt.Errorf("read result: unknown kind %q", r.Kind)
	}
	if name := missing(whole); name != "" {
		return nil, fmt.Errorf("read result: it has no %q", name)
	}
	if r.Series.Interval <= 0 {
		return nil, errors.New("read result: its series has no interval")
	}
	for _, h := range []**Histogram{&r.Latency, &r.Service, &r.Lag, &r.Ack, &r.Connect} {
		if *h == nil {
			*h = NewHistogram()
		}
	}
	for i := range r.Series.Points {
		if p := &r.Series.Points[i]; p.Latency == nil {
			p.Latency = emptyHistogram()
		}
	}
	for i := range r.Phases {
		if p := &r.Phases[i]; p.Took == nil {
			p.Took = NewHistogram()
		}
	}
	return r, nil
}

// missing returns the first key that each result must have and this one does not have.
func missing(whole json.RawMessage) string {
	var keys map[string]json.RawMessage
	json.Unmarshal(whole, &keys) // it is an object, because it was unmarshaled into a Result
	t := reflect.TypeFor[Result]()
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if _, ok := keys[name]; !ok && options == "" {
			return name
		}
	}
	return ""
}
