package message

import (
	"io"
	"strconv"
	"time"

	"mqtt/internal/proto"
)

// Rate is a Sink that prints how many messages arrived in each second, and not the messages, in
// the form of mosquitto_sub: "12 msgs/s".
type Rate struct {
	w     io.Writer
	count uint64
	due   time.Time // when the current second ends
	lost  bool
}

// NewRate returns a Rate that prints to w.
func NewRate(w io.Writer) *Rate { return &Rate{w: w, due: time.Now().Add(time.Second)} }

// Put counts p.
func (r *Rate) Put(proto.Version, *proto.Publish, []byte) error {
	if err := r.Flush(); err != nil {
		return err
	}
	r.count++
	return nil
}

// Flush prints the count of each second that has ended.
func (r *Rate) Flush() error {
	for now := time.Now(); !now.Before(r.due); r.due = r.due.Add(time.Second) {
		if err := r.print(); err != nil {
			return err
		}
	}
	return nil
}

func (r *Rate) print() error {
	_, err := io.WriteString(r.w, strconv.FormatUint(r.count, 10)+" msgs/s\n")
	r.count, r.lost = 0, r.lost || err != nil
	return err
}

// Due returns the end of the current second.
func (r *Rate) Due() time.Time { return r.due }

// Lost reports whether a write failed.
func (r *Rate) Lost() bool { return r.lost }

// Close prints what arrived in the last second, which was not complete.
func (r *Rate) Close() {
	if r.count > 0 {
		r.print()
	}
}
