// Wire measures and checks MQTT clients and brokers for scripts/bench.sh.
//
// It encodes and decodes the few packets of MQTT 3.1, 3.1.1 and 5.0 that it needs and imports
// no package of this module, so that a fault of our codec cannot hide itself. Each
// sub-command is one file: a server that counts (sink) and one that sends (source), a raw
// publisher (raw), a load on brokers (pairs), many idle connections (hold), the payloads that
// they have in common (lines), a stopwatch for short processes (time), and the memory of a
// process (rss). Each result is a line of JSON.
//
// Wire is a measuring tool: it is not a broker, stores no sessions, and trusts the machine
// that it runs on.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
)

const usage = `usage: wire COMMAND [flags]

  sink    count and acknowledge the messages of publishers, print the counts
  source  wait for one subscriber and send numbered messages to it
  raw     publish numbered messages as fast as the socket accepts them
  pairs   load a broker: publishers, each with its subscribers
  hold    keep idle connections open
  lines   print the payloads of source and raw, one on each line
  time    run short commands in turn, print the median wall time of each
  rss     run a command, print its peak resident memory

wire COMMAND --help lists the flags of a command.
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
	case "source":
		run = sourceCommand
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

// exitStatus is the exit status of a child, with which wire also exits, without a message.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// flags returns the flag set of a sub-command. It returns errors, so that only main exits.
func flags(name string) *flag.FlagSet {
	return flag.NewFlagSet("wire "+name, flag.ContinueOnError)
}
