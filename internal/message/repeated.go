package message

import (
	"io"
	"time"

	"mqtt/internal/proto"
)

// Repeated is one message, published a number of times. It numbers the copies from 1.
type Repeated struct {
	msg   Message
	left  int
	delay time.Duration
	due   time.Time
}

// NewRepeated returns a source that yields p times times, with a delay between two of them. The
// delay counts from the time that the message before was due, so that the times do not drift.
func NewRepeated(p proto.Publish, times int, delay time.Duration) *Repeated {
	return &Repeated{msg: Message{Publish: p}, left: times, delay: delay}
}

// Next returns the message again.
func (r *Repeated) Next(now time.Time) (*Message, error) {
	if r.left == 0 {
		return nil, io.EOF
	}
	if r.delay > 0 {
		if r.msg.Number == 0 {
			r.due = now
		}
		if now.Before(r.due) {
			return nil, ErrWait
		}
		r.due = r.due.Add(r.delay)
	}
	r.left--
	r.msg.Number++
	return &r.msg, nil
}

// Due returns the time of the next copy.
func (r *Repeated) Due() time.Time { return r.due }

// Close does nothing.
func (r *Repeated) Close() error { return nil }
