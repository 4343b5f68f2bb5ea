package main

import (
	"fmt"

	"mqtt/internal/cli"
	"mqtt/internal/conn"
	"mqtt/internal/format"
	"mqtt/internal/proto"
)

// deliveries counts the messages that the server acknowledged, and keeps the first refusal.
type deliveries struct {
	acked   uint64 // of QoS 1 and 2, with refusals
	refused uint64
	first   error
	hint    string // for first
}

// add counts an event if it is an acknowledgement. It returns an error if the server refused the message; name names the
// message of a tag.
func (d *deliveries) add(ev conn.Event, name func(tag uint64) string) error {
	if ev.Kind != conn.Delivered {
		return nil
	}
	d.acked++
	if !ev.Reason.Failed() {
		return nil
	}
	d.refused++
	err := fmt.Errorf("%s refused: %s", name(ev.Tag), ev.Reason.Explain(proto.PUBACK, ev.Props()))
	if d.first == nil {
		d.first, d.hint = err, cli.RefusedMessageHint(ev.Reason)
	}
	return err
}

// verdict returns an error if messages were refused. doing says what the run did.
func (d *deliveries) verdict(doing string) error {
	switch {
	case d.refused == 1:
		return cli.Fail(cli.ExitPublish, d.hint, "%s: %w", doing, d.first)
	case d.refused > 1:
		return cli.Fail(cli.ExitPublish, d.hint, "%s: %s messages were refused, the first: %w", doing, format.Count(d.refused), d.first)
	}
	return nil
}

// unsendable returns the error that ends a run if err says that a message cannot be sent as it is: the server's limits
// forbid it, or the message itself is invalid. It returns nil for other errors. name names the message.
func unsendable(name string, err error) error {
	switch conn.Class(err) {
	case conn.ClassLimit:
		return cli.Fail(cli.ExitPublish, cli.LimitHint(err), "%s: %w", name, err)
	case conn.ClassInvalid:
		return cli.Usage(name+": "+err.Error(), "nothing of it was sent")
	}
	return nil
}
