// Wire measures and judges MQTT clients and brokers for scripts/bench.sh.
//
// It has its own few bytes of MQTT 3.1, 3.1.1 and 5.0 and imports nothing of
// this module, so that a mistake in our codec cannot hide behind itself. Each
// sub-command is one file: a counting server (sink), a pouring server (pour), a
// raw publisher (raw), a load on brokers (pairs) and a crowd of idle connections
// (hold), the lines that they agree on (lines), a stop watch for
// short processes (time) and a look at their memory (rss). Results are one JSON
// line each. Wire is a measuring tool: it is no broker, keeps no session, and
// trusts the machine it runs on.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
)

const usage = `usage: wire COMMAND [flags]

  sink   count what publishers send, acknowledge it, print the counts
  pour   wait for one subscriber and pour numbered messages into it
  raw    publish numbered messages as fast as the socket takes them
  pairs  put a broker under load: publishers, each with its subscribers
  hold   keep connections that do nothing
  lines  print the payloads of pour and raw, one a line
  time   run short commands in turns, print the median wall time of each
  rss    run a command, print its peak resident memory

wire COMMAND --help lists the flags of one.
`

func main() {
	if len(os.Args) < 2 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	var run func([]string) error
	switch os.Args[1] {
	case "sink":
		run = sinkCommand
	case "pour":
		run = pourCommand
	case "raw":
		run = rawCommand
	case "pairs":
		run = pairsCommand
	case "hold":
		run = holdCommand
	case "lines":
		run = linesCommand
	case "time":
		run = timeCommand
	case "rss":
		run = rssCommand
	case "help", "--help", "-h":
		fmt.Print(usage)
		return
	default:
		fmt.Fprintf(os.Stderr, "wire: no command %q\n\n%s", os.Args[1], usage)
		os.Exit(2)
	}
	err := run(os.Args[2:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	var status exitStatus
	if errors.As(err, &status) {
		os.Exit(int(status))
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "wire %s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
}

// exitStatus is the status of a child, passed on without a word.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// flags makes the flag set of one sub-command. Parse errors come back as errors,
// so that main alone ends the process.
func flags(name string) *flag.FlagSet {
	return flag.NewFlagSet("wire "+name, flag.ContinueOnError)
}
