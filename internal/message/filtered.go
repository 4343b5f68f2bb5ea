package message

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// Filtered is a source whose payloads go through a jq expression: each becomes none, one or several
// messages, which have the number of the message that they were made of.
type Filtered struct {
	Source
	Query *Query
	Name  func(number uint64) string // of a message, for errors
	Ctx   context.Context            // ends an expression that does not end by itself

	msg     Message
	results [][]byte // made of msg, not yielded yet
}

// Next returns the next result.
func (f *Filtered) Next(now time.Time) (*Message, error) {
	for len(f.results) == 0 {
		m, err := f.Source.Next(now)
		if err != nil {
			return nil, err
		}
		f.msg = *m
		if f.msg.Number == 1 {
			f.msg.Payload = bytes.TrimPrefix(f.msg.Payload, byteOrderMark)
		}
		if f.results, err = f.Query.Run(f.Ctx, f.msg.Payload); err == nil {
			continue
		}
		f.results = nil // a line is sent as a whole, or not at all
		switch {
		case err == f.Ctx.Err():
			return nil, err
		case err == ErrNotJSON:
			return nil, badLine(fmt.Sprintf("%s: %v", f.Name(f.msg.Number), err), "--jq takes JSON payloads")
		default:
			return nil, badLine(fmt.Sprintf("%s: %v", f.Name(f.msg.Number), err), "")
		}
	}
	f.msg.Payload, f.results = f.results[0], f.results[1:]
	return &f.msg, nil
}
