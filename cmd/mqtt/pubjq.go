package main

import (
	"fmt"

	"mqtt/internal/conn"
)

// filtered is a source whose payloads go through --jq: each becomes none, one or several messages.
type filtered struct {
	source
	jq      *query
	tag     uint64
	results [][]byte // of the payload at hand, not published yet
}

func (f *filtered) next(p *publisher, c *conn.Conn) (uint64, error) {
	for len(f.results) == 0 {
		tag, err := f.source.next(p, c)
		if err != nil {
			return 0, err
		}
		f.tag = tag
		f.results, err = f.jq.run(p.msg.Payload)
		switch {
		case err == nil:
		case err == f.jq.ctx.Err():
			return 0, err
		case err == errNotJSON:
			return 0, usage(fmt.Sprintf("%s: %v", p.name(tag), err), "--jq takes JSON payloads")
		default:
			return 0, usage(fmt.Sprintf("%s: %v", p.name(tag), err), "")
		}
	}
	p.msg.Payload, f.results = f.results[0], f.results[1:]
	return f.tag, nil
}
