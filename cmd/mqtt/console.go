package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"mqtt/internal/broker"
	"mqtt/internal/format"
)

// attend waits until the broker is to stop: by a signal, by a listener that failed, or by the word of a person at the
// terminal.
func attend(ctx context.Context, e *env, b *broker.Broker, failed <-chan error) error {
	var said <-chan string
	if e.ttyIn {
		said = console(ctx, e)
	}
	for {
		select {
		case <-ctx.Done():
			return errQuiet // a broker is ended by a signal, and that is in order
		case err := <-failed:
			return err
		case line, ok := <-said:
			switch strings.TrimSpace(line) {
			case "":
				if !ok {
					said = nil // end of input: no more commands, and no reason to stop
				}
			case "stop", "quit", "exit":
				return nil
			case "help", "?":
				fmt.Fprint(e.err, "help   this text\nstop   say goodbye to the clients and end\nstats  what the broker has done\n")
			case "stats":
				writeStats(e, b.Stats())
			default:
				fmt.Fprintf(e.err, "unknown command %q; help lists them\n", line)
			}
		}
	}
}

// console reads lines from the terminal. Its goroutine ends with the input, or with the process, which is all that can
// end a read from a terminal.
func console(ctx context.Context, e *env) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		in := bufio.NewScanner(e.in)
		for in.Scan() {
			select {
			case lines <- in.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return lines
}

func writeStats(e *env, s broker.Stats) {
	fmt.Fprintf(e.err, "up %s, %s clients, %s messages received, %s sent, %s dropped\n", format.Duration(s.Uptime),
		format.Count(uint64(s.Connected)), format.Count(uint64(s.Published)), format.Count(uint64(s.Delivered)), format.Count(uint64(s.Dropped)))
}
