package message

import (
	"context"
	"strings"
	"testing"
	"time"
)

func compiled(t *testing.T, expr string) *Query {
	t.Helper()
	q, err := NewQuery("--jq", expr)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// An expression that does not end by itself ends with the run.
func TestQueryEnds(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	for _, expr := range []string{"def f: f; f", "[range(infinite)] | length", "range(infinite) | select(. < 0)"} {
		q := compiled(t, expr)

		if results, err := q.Run(ctx, []byte("1")); err != context.DeadlineExceeded || results != nil {
			t.Errorf("%s: %d results, %v", expr, len(results), err)
		}
		if ok, err := q.Holds(ctx, []byte("1")); err != context.DeadlineExceeded || ok {
			t.Errorf("%s holds: %v, %v", expr, ok, err)
		}
	}
}

// What cannot hold is no end.
func TestQueryHolds(t *testing.T) {
	for expr, want := range map[string]bool{". == 1": true, ". == 2": false, ".a": false, "empty": false, "null": false} {
		if ok, err := compiled(t, expr).Holds(context.Background(), []byte("1")); ok != want || err != nil {
			t.Errorf("%s: %v, %v", expr, ok, err)
		}
	}
	if ok, err := compiled(t, "true").Holds(context.Background(), []byte("no json")); ok || err != nil {
		t.Errorf("no JSON: %v, %v", ok, err)
	}
}

// The results of one payload have a bound, however small each of them is; one alone is as large as
// it is.
func TestQueryBound(t *testing.T) {
	q := compiled(t, "range(infinite)")
	q.most = 10000
	if results, err := q.Run(context.Background(), []byte("null")); err != errResults || results != nil {
		t.Errorf("%d results, %v", len(results), err)
	}
	q = compiled(t, "[.]")
	q.most = 10
	large := `"` + strings.Repeat("x", 100) + `"`
	if results, err := q.Run(context.Background(), []byte(large)); err != nil || len(results) != 1 || string(results[0]) != "["+large+"]" {
		t.Errorf("%q, %v", results, err)
	}
}
