package main

import (
	"fmt"
	"os"
)

// linesCommand prints the payloads that source and raw send, one on each line. They are the
// input of a publisher, and the expected output of a subscriber.
func linesCommand(args []string) error {
	f := flags("lines")
	count := f.Int64("count", 1_000_000, "number of lines")
	from := f.Int64("from", 0, "number of the first line")
	size := f.Int("size", 64, "bytes of a line without its newline")
	object := f.Bool("json", false, "lines are JSON objects")
	if err := f.Parse(args); err != nil {
		return err
	}
	p, err := newPayload(*size, *object)
	if err != nil {
		return err
	}
	units := newLines(p)
	for number := *from; number < *from+*count; {
		b, n := units.fill(number, clamp(*from+*count-number))
		if _, err := os.Stdout.Write(b); err != nil {
			return fmt.Errorf("after %d lines: %w", number-*from, err)
		}
		number += int64(n)
	}
	return nil
}
