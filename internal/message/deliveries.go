package message

import (
	"fmt"

	"mqtt/internal/cli"
	"mqtt/internal/conn"
	"mqtt/internal/format"
	"mqtt/internal/proto"
)

// RefusalsShown is the number of refusals of a stream that are printed.
const RefusalsShown = 10

// Deliveries counts the messages that the server acknowledged, and keeps the first refusal.
type Deliveries struct {
	Acked   uint64 // of QoS 1 and 2, with refusals
	Refused uint64

	first error
	hint  string // for first
}

// Add counts an event if it is an acknowledgement. It returns an error if the server refused the
// message; name names the message of a tag.
func (d *Deliveries) Add(ev conn.Event, name func(tag uint64) string) error {
	if ev.Kind != conn.Delivered {
		return nil
	}
	d.Acked++
	if !ev.Reason.Failed() {
		return nil
	}
	d.Refused++
	err := fmt.Errorf("%s refused: %s", name(ev.Tag), ev.Reason.Explain(proto.PUBACK, ev.Props()))
	if d.first == nil {
		d.first, d.hint = err, cli.RefusedMessageHint(ev.Reason)
	}
	return err
}

// Verdict returns an error if messages were refused. doing says what the run did.
func (d *Deliveries) Verdict(doing string) error {
	switch d.Refused {
	case 0:
		return nil
	case 1:
		return cli.Fail(cli.ExitPublish, d.hint, "%s: %w", doing, d.first)
	}
	return cli.Fail(cli.ExitPublish, d.hint, "%s: %s messages were refused, the first: %w", doing, format.Count(d.Refused), d.first)
}

// Unsendable returns the error that ends a run if err says that a message cannot be sent as it is:
// the server's limits forbid it, or the message itself is invalid. It returns nil for other errors.
// name names the message. The error is a *BadLine.
func Unsendable(name string, err error) error {
	switch conn.Class(err) {
	case conn.ClassLimit:
		return &BadLine{Err: cli.Fail(cli.ExitPublish, cli.LimitHint(err), "%s: %w", name, err)}
	case conn.ClassInvalid:
		return badLine(name+": "+err.Error(), "nothing of it was sent")
	}
	return nil
}
