package proxy

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/faults"
	"mqtt/internal/message"
	"mqtt/internal/transport"
)

// flags are the flags of mqtt proxy.
type flags struct {
	to, listen string
	near       nearFlags
	far        farFlags
	readyFile  string
	printURL   bool
	json       bool
	record     string
	pcap       string
	fault      string
	control    string
	decode     message.DecodeFlags
	rules      bool
	display    cli.DisplayFlags
}

// New returns the command mqtt proxy.
func New(e *cli.Env) *cobra.Command {
	f := &flags{}
	c := &cobra.Command{
		Use:   "proxy [-- COMMAND ...]",
		Short: "Show, record, disturb and check the packets of clients and a server",
		Long: `Relay between clients and a server: clients connect to --listen, and the proxy connects to --to for each of them.
Packets pass unchanged, byte for byte and in order. Both sides may use any transport: TCP, TLS, WebSocket, unix sockets.

With a command after --, the proxy takes a free port, runs the command with MQTT_URL, MQTT_HOST and MQTT_PORT set, and
ends with its exit status. On a terminal, type help for commands.

-d shows each packet as a line: number of the connection, client identifier, -> to the server or <- to the client, and
the packet. -J prints each packet as a line of JSON, and --record writes these lines to a file; mqtt pub -J --record-way
in < FILE publishes the client's messages again. --pcap writes a file for Wireshark. Passwords and authentication data
are masked in all of them. Packets above 16 MiB are shown in part. --decode adds what payloads mean to these lines.

--fault disturbs the connections; mqtt help faults lists the words. --control serves an HTTP interface for tests:
GET /connections, DELETE /connections/ID, and GET, PUT and DELETE /faults.

--rules checks every packet of both sides against the standard. A violation is reported on stderr, and the exit status
is then 8.`,
		Example: `  mqtt proxy --to mqtt://localhost:1883 -d
  mqtt proxy --to mqtts://broker.example.com --listen mqtt://127.0.0.1:1884 --record device.jsonl
  mqtt proxy --fault 'drop=1% delay=20ms..80ms' -- ./test-my-client
  mqtt proxy --rules -- mqtt pub -t a -m hello -q 1`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			switch after := c.ArgsLenAtDash() == 0; {
			case after && len(args) == 0:
				return cli.Usage("no command after --", "name the program to run, or leave out --")
			case !after && len(args) > 0:
				return unexpected(args)
			}
			if err := e.LoadSettings(c); err != nil {
				return err
			}
			return f.run(c.Context(), e, c.Flags(), args)
		},
	}
	f.register(c.Flags())
	return c
}

func (f *flags) register(fs *pflag.FlagSet) {
	fs.SortFlags = false
	fs.StringVar(&f.to, "to", "mqtt://localhost:1883", "connect to the server at `URL`")
	fs.StringVar(&f.listen, "listen", "mqtt://127.0.0.1:1884", "listen at `URL`; port 0 picks a free one")
	f.far.register(fs)
	f.near.register(fs)
	fs.BoolVarP(&f.json, "json", "J", false, "print each packet as a line of JSON")
	fs.StringVar(&f.record, "record", "", "write each packet as a line of JSON to `FILE`")
	fs.StringVar(&f.pcap, "pcap", "", "write a pcapng file for Wireshark to `FILE`")
	f.decode.RegisterDecode(fs)
	fs.BoolVar(&f.rules, "rules", false, "check all packets against the standard (exit status 8)")
	fs.StringVar(&f.fault, "fault", "", "cause faults: `WORDS` such as delay=50ms (mqtt help faults)")
	fs.StringVar(&f.control, "control", "", "serve the HTTP interface at `ADDRESS`: HOST:PORT or unix:PATH")
	fs.StringVar(&f.readyFile, "ready-file", "", "write the URL to `FILE` once the proxy listens")
	fs.BoolVar(&f.printURL, "print-url", false, "print the URL on stdout once the proxy listens")
	f.display.Register(fs)
}

// plan is a command line that was checked.
type plan struct {
	target *transport.Target
	to     string // URL of the server
	end    *transport.Endpoint
	faults *faults.Plan     // nil: none
	decode *message.Decoder // nil: none
}

// check checks the flags. It reads certificates, and opens nothing else.
func (f *flags) check(ctx context.Context, e *cli.Env, fs *pflag.FlagSet, private bool) (*plan, error) {
	if err := f.display.Apply(e); err != nil {
		return nil, err
	}
	switch {
	case f.json && private:
		return nil, cli.BadFlag("-J", " with a command: stdout is the command's", "--record FILE writes the same")
	case f.json && f.printURL:
		return nil, cli.ConflictHint("--ready-file FILE has the URL, too", "-J", "--print-url")
	case f.decode.Given() && !e.Debug && !f.json && f.record == "":
		return nil, cli.BadFlag("--decode", " without -d, -J or --record", "say where packets are shown")
	case f.record != "" && f.record == f.pcap:
		return nil, cli.BadFlag("--pcap", ": "+f.pcap+" is the file of --record, too", "give each a file of its own")
	}
	p := &plan{}
	var err error
	if p.target, p.to, err = f.far.target(e, f.to); err != nil {
		return nil, err
	}
	if p.end, err = f.near.endpoint(e, f.listen, private && !fs.Changed("listen")); err != nil {
		return nil, err
	}
	if p.decode, err = f.decode.Compile(e, fs); err != nil {
		return nil, err
	}
	if fs.Changed("fault") {
		if p.faults, err = faults.Parse(f.fault); err != nil {
			return nil, cli.BadFlag("--fault", ": "+err.Error(), "mqtt help faults lists the words")
		}
	}
	return p, nil
}

// unexpected returns the error about arguments that do not come after --.
func unexpected(args []string) error {
	word, meant := transport.Redact(args[0]), ""
	switch server := cli.GuessServer(args[0]); {
	case word == "help":
		meant = "--help"
	case strings.HasPrefix(server, "-p "):
		meant = "--listen mqtt://127.0.0.1:" + word
	case strings.HasPrefix(server, "-L "):
		meant = "--to " + cli.ShellQuote(word)
	case server != "":
		meant = "--to mqtt://" + word
	default:
		words := make([]string, len(args))
		for i, arg := range args {
			words[i] = cli.ShellQuote(arg)
		}
		meant = "-- " + strings.Join(words, " ")
	}
	return cli.Usage("unexpected argument "+cli.Quote(word)+": did you mean "+meant+"?", "a command to run comes after --")
}
