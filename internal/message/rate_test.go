package message

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"mqtt/internal/proto"
)

// TestRate checks that each second has a line with its count, also one without messages.
func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		r := NewRate(&out)
		for range 3 {
			r.Put(proto.V5, new(proto.Publish), nil)
		}
		time.Sleep(2*time.Second + time.Millisecond)
		if due := r.Due(); !due.Before(time.Now()) {
			t.Error(due)
		}
		r.Put(proto.V5, new(proto.Publish), nil)
		if err := r.Flush(); err != nil || r.Lost() {
			t.Error(err)
		}
		r.Close()
		if out.String() != "3 msgs/s\n0 msgs/s\n1 msgs/s\n" {
			t.Errorf("%q", out.String())
		}
	})
}
