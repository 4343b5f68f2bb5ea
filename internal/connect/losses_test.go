package connect

import (
	"errors"
	"io"
	"testing"
	"time"

	"mqtt/internal/conn"
)

// Three connections that the server ended soon after they were opened are told of once. What is
// refused, or lasts, is not that.
func TestLosses(t *testing.T) {
	lost := &conn.Broken{Op: "read", Err: io.EOF}
	open := &conn.OpenError{Err: errors.New("refused")}
	start := time.Unix(0, 0)
	for _, row := range []struct {
		name   string
		errs   []error
		lasted time.Duration // each connection
		want   int           // index of the loss that is told of, -1 for none
	}{
		{"soon", []error{lost, lost, lost, lost}, time.Second, 2},
		{"late", []error{lost, lost, lost, lost}, 6 * time.Second, -1},
		{"not opened", []error{open, open, open, open}, time.Second, -1},
		{"between", []error{lost, lost, open, lost, lost, lost}, time.Second, 5},
		{"with a reason", []error{&conn.Disconnected{}, &conn.Disconnected{}, &conn.Disconnected{}}, time.Second, -1},
	} {
		var l losses
		now, got := start, -1
		for i, err := range row.errs {
			now = now.Add(row.lasted)
			if l.add(err, 2*time.Second, now) {
				got = i
			}
			now = now.Add(2 * time.Second)
		}
		if got != row.want {
			t.Errorf("%s: told of loss %d, want %d", row.name, got, row.want)
		}
	}
}
