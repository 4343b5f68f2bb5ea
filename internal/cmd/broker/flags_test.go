package broker

import (
	"math"
	"testing"

	"mqtt/internal/broker"
)

// A limit that an int of 32 bits cannot hold is none there, and not another one.
func TestLargeLimits(t *testing.T) {
	f := queueFlags{messages: 1, inflight: 1, retained: 1, bytes: "5GiB", memory: "5GiB"}
	var o broker.Options
	if err := f.apply(&o); err != nil {
		t.Fatal(err)
	}
	if want := min(int64(5<<30), int64(math.MaxInt)); int64(o.QueueBytes) != want || o.Memory != 5<<30 {
		t.Errorf("%d bytes of a queue, want %d; %d of all", o.QueueBytes, want, o.Memory)
	}
}
