package pub

import (
	"errors"

	"mqtt/internal/cli"
	"mqtt/internal/conn"
	"mqtt/internal/format"
	"mqtt/internal/message"
	"mqtt/internal/proto"
)

// noteEnd says of a stream that err ended what was sent of it, what the server did not acknowledge,
// and with which line another run has to begin. It is silent where the input itself was the reason:
// that error names the line.
func (p *publisher) noteEnd(err error) {
	var own *cli.Failure
	if !p.f.payload.Streams() || errors.As(err, &own) {
		return
	}
	if text := p.sentText(); text != "" {
		if p.session.Sender.Pending() == 0 && p.deliveries.Acked == 0 && conn.Class(err) != conn.ClassCanceled {
			text += "; the last ones may not have arrived, at QoS 0"
		}
		p.e.Note("%s", text)
	}
	// What wrote these lines may take them for delivered.
	n := message.Left(p.src)
	if p.msg != nil {
		n++
	}
	if n > 0 {
		were := "were"
		if n == 1 {
			were = "was"
		}
		p.e.Note("%s %s read and not published", format.Plural(uint64(n), "line"), were)
	}
}

// sentText is the first part of noteEnd, empty if nothing was sent.
func (p *publisher) sentText() string {
	pending := uint64(p.session.Sender.Pending())
	unsent := packets(p.session.Unsent) // at QoS 0
	sent := p.sent - min(unsent, p.sent)
	if sent == 0 {
		return ""
	}
	// The window at QoS 1 and 2 need not be the end of what was sent.
	next := p.last + 1
	if p.msg != nil {
		next = p.msg.Number
	}
	if pending+p.deliveries.Acked == 0 && p.f.jq == nil { // all at QoS 0: a line is a message
		next -= min(unsent, next-1)
	}
	oldest := next
	for _, f := range p.session.Sender.Resend() {
		oldest = min(oldest, f.Tag)
	}
	what := "line"
	if p.f.jq != nil {
		what = "message"
	}
	text := format.Plural(sent, what) + " sent"
	switch left := format.Count(pending) + " not acknowledged"; {
	case pending == 0 && p.deliveries.Acked == sent:
		text += ", all acknowledged"
	case pending == 0:
	case pending == sent:
		text += ", none acknowledged"
	case next-oldest == pending:
		text += ", the last " + left
	default:
		text += ", " + left
	}
	if n := p.deliveries.Refused; n > 0 {
		text += ", " + format.Count(n) + " refused"
	}
	return text + "; go on from line " + format.Count(oldest)
}

// packets returns the number of packets in b.
func packets(b []byte) (n uint64) {
	for len(b) > 0 {
		_, size, err := proto.Split(b, 0)
		if err != nil || size == 0 {
			return n
		}
		b = b[size:]
		n++
	}
	return n
}
