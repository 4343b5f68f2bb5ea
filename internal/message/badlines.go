package message

import (
	"errors"
	"fmt"

	"mqtt/internal/cli"
	"mqtt/internal/format"
)

// BadLines says what a run does about the lines of a stream that cannot be sent: it ends, or, with
// --skip-bad, leaves them out and counts them.
type BadLines struct {
	Flags *Flags
	Env   *cli.Env
	What  string // what is sent: line, message or request

	skipped uint64
	first   error
}

// Met handles the error of a source or of a Publish, after sent messages were sent. It returns nil if
// the line is left out, and the error that ends the run otherwise. An error that concerns no single
// line is returned as it is.
func (b *BadLines) Met(err error, sent uint64) error {
	var bad *BadLine
	if !errors.As(err, &bad) || !b.Flags.Streams() {
		return err
	}
	if b.Flags.skipBad && !bad.Last {
		if b.skipped++; b.first == nil {
			b.first = bad.Err
		}
		if b.skipped <= RefusalsShown {
			b.Env.Warn("%v: skipped", bad.Err)
		}
		return nil
	}
	_, hint := cli.Judge(bad.Err)
	return cli.Fail(cli.ExitPublish, hint, "%w (%s sent before it)", bad.Err, were(sent, b.What))
}

// Verdict returns err, or else an error if lines were left out.
func (b *BadLines) Verdict(err error) error {
	switch {
	case b.skipped == 0:
		return err
	case err != nil:
		b.Env.Note("%s skipped", were(b.skipped, "line"))
		return err
	}
	return cli.Fail(cli.ExitPublish, "", "%s skipped, the first: %w", were(b.skipped, "line"), b.first)
}

// were returns "1 line was", "2 lines were".
func were(n uint64, what string) string {
	if n == 1 {
		return "1 " + what + " was"
	}
	return fmt.Sprintf("%s %ss were", format.Count(n), what)
}
