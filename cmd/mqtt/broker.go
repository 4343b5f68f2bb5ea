package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mqtt/internal/broker"
	"mqtt/internal/proto"
	"mqtt/internal/transport"
)

// brokerFlags say where the broker listens, whom it serves and what it tells.
type brokerFlags struct {
	listen         []string
	host, port     string
	cert, key      string
	cafile         string
	readyFile      string
	printURL       bool
	allowAnonymous bool
	logLevel       string
}

func newBroker(e *env) *cobra.Command {
	f := &brokerFlags{}
	c := &cobra.Command{
		Use:   "broker [-- COMMAND ...]",
		Short: "Serve MQTT, or run a command against a broker of its own",
		Long: `Serve MQTT 3.1, 3.1.1 and 5.0 on 127.0.0.1:1883, or where --listen says.

With a command behind --, the broker takes a free port, runs the command with MQTT_URL, MQTT_HOST and MQTT_PORT set, and
ends with its exit status. On a terminal the lines help and stop are commands.`,
		Example: `  mqtt broker --listen mqtt://127.0.0.1:1883 --listen ws://127.0.0.1:8080/mqtt
  mqtt broker -- sh -c 'mqtt pub -t a -m hello -q 1'`,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 && c.ArgsLenAtDash() != 0 {
				return usage("unexpected argument "+quoted(args[0]), "a command to run stands behind --")
			}
			if err := e.settle(c); err != nil {
				return err
			}
			return f.run(c.Context(), e, c.Flags(), args)
		},
	}
	f.register(c.Flags())
	return c
}

func (f *brokerFlags) register(fs *pflag.FlagSet) {
	fs.SortFlags = false
	list(fs, &f.listen, "listen", "", "listen at `URL`, many: {mqtt|mqtts|ws|wss}://host:port or unix:///path; port 0 picks one")
	fs.StringVarP(&f.host, "host", "h", "127.0.0.1", "listen on `ADDRESS`, where no --listen is given")
	fs.StringVarP(&f.port, "port", "p", "1883", "listen on `PORT`, where no --listen is given")
	fs.StringVar(&f.cert, "cert", "", "certificate of mqtts and wss in `FILE` (PEM)")
	fs.StringVar(&f.key, "key", "", "its key in `FILE` (PEM)")
	fs.StringVar(&f.cafile, "cafile", "", "clients must have a certificate of the authorities in `FILE` (PEM)")
	fs.StringVar(&f.readyFile, "ready-file", "", "write the URLs to `FILE` once the broker listens")
	fs.BoolVar(&f.printURL, "print-url", false, "print the URLs on stdout once the broker listens")
	fs.BoolVar(&f.allowAnonymous, "allow-anonymous", false, "let clients without credentials in from other machines too")
	fs.StringVar(&f.logLevel, "log-level", "warn", "log at `LEVEL`: debug, info, warn or error")
}

func (f *brokerFlags) run(ctx context.Context, e *env, fs *pflag.FlagSet, command []string) error {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.logLevel)); err != nil {
		return usage("--log-level "+quoted(f.logLevel), "expected debug, info, warn or error")
	}
	log := slog.New(slog.NewTextHandler(e.err, &slog.HandlerOptions{Level: level}))
	endpoints, err := f.endpoints(fs, len(command) > 0)
	if err != nil {
		return err
	}
	b := broker.New(broker.Options{Log: log, Auth: anonymous{everywhere: f.allowAnonymous}, Version: "mqtt " + version()})
	if err := b.Restore(ctx); err != nil {
		return err
	}
	stop := func() error {
		// The run's own context is over by now: clients get a moment to hear goodbye.
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		return b.Close(ctx)
	}
	serving, cancel := context.WithCancel(ctx)
	defer cancel()
	urls, failed, err := serve(serving, b, endpoints)
	if err != nil {
		return errors.Join(err, stop())
	}
	if err := f.announce(e, urls, len(command) > 0); err != nil {
		return errors.Join(err, stop())
	}
	if len(command) > 0 {
		err = runCommand(ctx, e, command, urls[0])
	} else {
		err = attend(ctx, e, b, failed)
	}
	cancel()
	if cerr := stop(); err == nil {
		err = cerr
	}
	return err
}

// endpoints reads --listen, or --host and --port. A broker for a command takes a free port unless told otherwise.
func (f *brokerFlags) endpoints(fs *pflag.FlagSet, private bool) ([]*transport.Endpoint, error) {
	given := f.listen
	if len(given) == 0 {
		port := f.port
		if private && !fs.Changed("port") {
			port = "0"
		}
		given = []string{"mqtt://" + net.JoinHostPort(strings.Trim(f.host, "[]"), port)}
	}
	var all []*transport.Endpoint
	for _, s := range given {
		u, err := transport.ParseURL(s)
		if err != nil {
			return nil, usage("--listen: "+err.Error(), "expected {mqtt|mqtts|ws|wss}://host:port or unix:///path")
		}
		end := u.Endpoint()
		if end.TLS != nil {
			end.TLS.Cert, end.TLS.Key, end.TLS.CAFile = f.cert, f.key, f.cafile
		}
		all = append(all, end)
	}
	return all, nil
}

// serve listens everywhere. failed gets the error of a listener that ends before its time; the goroutines end with ctx.
func serve(ctx context.Context, b *broker.Broker, endpoints []*transport.Endpoint) (urls []transport.URL, failed <-chan error, err error) {
	listeners := make([]*transport.Listener, 0, len(endpoints))
	for _, end := range endpoints {
		l, err := transport.Listen(ctx, end)
		if err != nil {
			for _, l := range listeners {
				l.Close()
			}
			return nil, nil, &failure{listenStatus(err), err, transport.Hint(err)}
		}
		listeners = append(listeners, l)
		urls = append(urls, l.URL())
	}
	errs := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() {
			if err := b.Serve(ctx, l); err != nil {
				errs <- err
			}
		}()
	}
	return urls, errs, nil
}

// listenStatus tells wrong flags from an address that cannot be had.
func listenStatus(err error) int {
	var t *transport.Error
	if errors.As(err, &t) && t.Phase == transport.Prepare {
		return exitUsage
	}
	return exitOther
}

// announce tells where the broker is to be found, when it can be.
func (f *brokerFlags) announce(e *env, urls []transport.URL, private bool) error {
	var lines strings.Builder
	for _, u := range urls {
		lines.WriteString(u.String())
		lines.WriteByte('\n')
	}
	if f.readyFile != "" {
		// Whoever waits for the file must not read half of it.
		part := f.readyFile + ".part"
		if err := os.WriteFile(part, []byte(lines.String()), 0o644); err != nil {
			return fmt.Errorf("--ready-file: %w", err)
		}
		if err := os.Rename(part, f.readyFile); err != nil {
			return fmt.Errorf("--ready-file: %w", err)
		}
	}
	if f.printURL {
		if _, err := e.out.Write([]byte(lines.String())); err != nil {
			return fmt.Errorf("write output: %w", err)
		}
	} else if !private {
		e.note("serving on %s", strings.Join(strings.Fields(lines.String()), ", "))
	}
	return nil
}

// anonymous is the access of a broker without passwords: whoever is on this machine.
type anonymous struct{ everywhere bool }

func (a anonymous) Authenticate(_ context.Context, who *broker.Identity, _ []byte) proto.Reason {
	if a.everywhere {
		return proto.Success
	}
	if at, ok := who.Local.(*net.TCPAddr); ok && !at.IP.IsLoopback() {
		return proto.NotAuthorized
	}
	return proto.Success
}
