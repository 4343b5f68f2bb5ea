package broker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mqtt/internal/bench"
	"mqtt/internal/broker"
	"mqtt/internal/broker/access"
	"mqtt/internal/broker/disk"
	"mqtt/internal/cli"
)

// brokerFlags say where the broker listens and what it tells.
type flags struct {
	listen     []string
	host, port string
	cert, key  string
	cafile     string
	readyFile  string
	printURL   bool
	metrics    string
	logLevel   string
	logFormat  string

	access accessFlags
	data   dataFlags
	limits limitFlags
	queues queueFlags
	trial  trialFlags
}

func New(e *cli.Env) *cobra.Command {
	f := &flags{}
	c := &cobra.Command{
		Use:   "broker [-- COMMAND ...]",
		Short: "Serve MQTT, or run a command against a broker of its own",
		Long: `Serve MQTT 3.1, 3.1.1 and 5.0 on 127.0.0.1:1883, or where --listen says.

With a command behind --, the broker takes a free port, runs the command with MQTT_URL, MQTT_HOST and MQTT_PORT set, and
ends with its exit status: 127 if there is no such command, 126 if it cannot be run. Signals are handed on to it, and the
third, or 5 seconds after the second, kills it. On a terminal the lines help and stop are commands.

Without --passwords, whoever is on this machine may connect, and from other machines whoever --allow-anonymous lets in or
has a certificate that --cafile asks for. With --data, an acknowledgement means that the message is on disk.

Where --passwords has hashes for it (mqtt broker passwd --scram), MQTT 5 clients may authenticate by SCRAM-SHA-512. SIGHUP
has --passwords and --acl read again; a client whose user is gone or has another password is sent away.`,
		Example: `  mqtt broker --listen mqtt://127.0.0.1:1883 --listen ws://127.0.0.1:8080/mqtt
  mqtt broker --data ./data --passwords users --acl rights --listen mqtts://0.0.0.0 --cert server.pem --key server.key
  mqtt broker -- sh -c 'mqtt pub -t a -m hello -q 1'
  mqtt broker --fault 'drop=1% delay=20ms..80ms' -- ./test-my-client`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			switch behind := c.ArgsLenAtDash() == 0; {
			case behind && len(args) == 0:
				return cli.Usage("no command behind --", "name the program to run, or leave out --")
			case !behind && len(args) > 0:
				return cli.Usage("unexpected argument "+cli.Quote(args[0]), "a command to run stands behind --")
			}
			if err := e.LoadSettings(c); err != nil {
				return err
			}
			return f.run(c.Context(), e, c.Flags(), args)
		},
	}
	f.register(c.Flags())
	c.AddCommand(newPasswd(e))
	return c
}

func (f *flags) register(fs *pflag.FlagSet) {
	fs.SortFlags = false
	cli.ListVar(fs, &f.listen, "listen", "", "listen at `URL`, many: {mqtt|mqtts|ws|wss}://host:port or unix:///path; port 0 picks one")
	fs.StringVarP(&f.host, "host", "h", "127.0.0.1", "listen on `ADDRESS`, where no --listen is given")
	fs.StringVarP(&f.port, "port", "p", "1883", "listen on `PORT`, where no --listen is given")
	fs.StringVar(&f.cert, "cert", "", "certificate of mqtts and wss in `FILE` (PEM)")
	fs.StringVar(&f.key, "key", "", "its key in `FILE` (PEM)")
	fs.StringVar(&f.cafile, "cafile", "", "clients must have a certificate of the authorities in `FILE` (PEM)")
	fs.StringVar(&f.readyFile, "ready-file", "", "write the URLs to `FILE` once the broker listens")
	fs.BoolVar(&f.printURL, "print-url", false, "print the URLs on stdout once the broker listens")
	fs.StringVar(&f.metrics, "metrics", "", "serve /metrics and /healthz at `[HOST:]PORT`; a port alone is on loopback")
	fs.StringVar(&f.logLevel, "log-level", "warn", "log at `LEVEL`: debug, info, warn or error")
	fs.StringVar(&f.logFormat, "log-format", "text", "log as `FORMAT`: text or json")
	f.access.register(fs)
	f.data.register(fs)
	f.limits.register(fs)
	f.queues.register(fs)
	f.trial.register(fs)
}

// logger returns the log and what sets its level.
func (f *flags) logger(e *cli.Env) (*slog.Logger, *slog.LevelVar, error) {
	level := &slog.LevelVar{}
	if err := level.UnmarshalText([]byte(f.logLevel)); err != nil {
		return nil, nil, cli.BadValue("--log-level", f.logLevel, "expected debug, info, warn or error")
	}
	opt := &slog.HandlerOptions{Level: level}
	handler := func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, opt) }
	switch f.logFormat {
	case "text":
	case "json":
		handler = func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, opt) }
	default:
		return nil, nil, cli.BadValue("--log-format", f.logFormat, "expected text or json")
	}
	missed := func(w io.Writer, lines int) {
		slog.New(handler(w)).Warn("lines were left out here: the log was not read", "lines", lines)
	}
	return slog.New(handler(&journal{w: cli.Inherit(e.Err), missed: missed})), level, nil
}

// options reads what does not open anything.
func (f *flags) options(e *cli.Env, fs *pflag.FlagSet) (broker.Options, error) {
	o := broker.Options{Version: "mqtt " + e.Version()}
	for _, apply := range []func(*broker.Options) error{
		f.limits.apply, f.queues.apply, func(o *broker.Options) error { return f.trial.apply(fs, o) },
	} {
		if err := apply(&o); err != nil {
			return o, err
		}
	}
	if limit := bench.Descriptors(); limit > 0 {
		o.Connections = min(o.Connections, max(limit-ownFiles-len(f.listen), 1))
	}
	return o, nil
}

// ownFiles is how many descriptors the broker keeps from its clients: for its own files and listeners, and to say no with
// to the clients that are too many.
const ownFiles = 12

func (f *flags) run(ctx context.Context, e *cli.Env, fs *pflag.FlagSet, command []string) (err error) {
	ctx, release := attentive(ctx)
	defer release()
	log, level, err := f.logger(e)
	if err != nil {
		return err
	}
	endpoints, err := f.endpoints(e, fs, len(command) > 0)
	if err != nil {
		return err
	}
	for _, end := range endpoints {
		end.AcceptFailed = func(err error, wait time.Duration) {
			if wait >= 100*time.Millisecond { // and not just a moment
				log.Warn("no connection is taken for now", "error", err, "wait", wait)
			}
		}
	}
	opt, err := f.options(e, fs)
	if err != nil {
		return err
	}
	users, rights, err := f.access.load(e)
	if err != nil {
		return err
	}
	opt.Log, opt.Auth, opt.Enhanced = log, users, users
	if rights != nil {
		opt.ACL = rights
	}
	store, err := f.data.open(fs, func(s string) { e.Warn("--data: %s", s) })
	if err != nil {
		return err
	}
	if store != nil {
		opt.Store = store
		defer func() { err = cli.FirstError(err, closeData(store)) }()
	}
	web, err := expose(ctx, e, f.metrics)
	if err != nil {
		return err
	}
	defer web.close()

	b := broker.New(opt)
	stop := func() error {
		// The run's own context is over by now: clients get a moment to hear goodbye.
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		web.Set(nil)
		return b.Close(ctx)
	}
	defer func() { err = cli.FirstError(err, stop()) }()
	if err := b.Restore(ctx); err != nil {
		return cli.Fail(cli.ExitOther, dataHint(err), "%w", err)
	}
	serving := ctx
	if len(command) > 0 {
		serving = context.WithoutCancel(ctx) // for as long as the command runs, which signals are meant for
	}
	serving, cancel := context.WithCancel(serving)
	defer cancel()
	urls, open, failed, err := serve(serving, b, endpoints)
	if err != nil {
		return err
	}
	web.Set(b)
	if err := f.announce(e, urls, open, len(command) > 0); err != nil {
		return err
	}
	if len(command) > 0 {
		return runCommand(ctx, e, command, urls[0])
	}
	a := &attendance{e: e, b: b, users: users, rights: rights, level: level, listener: failed}
	if store != nil {
		a.data = store.Failed()
	}
	return a.attend(ctx)
}

// closeData leaves the folder in order.
func closeData(s *disk.Store) error {
	if err := s.Close(); err != nil {
		return fmt.Errorf("--data: %w", err)
	}
	return nil
}

// reload reads the files of users and rights again; what cannot be read stays as it was. gone is how many clients had to
// go because of it.
func reload(b *broker.Broker, users *access.Users, rights *access.Rights) (gone int, err error) {
	err = users.Reload()
	if rights != nil {
		err = errors.Join(err, rights.Reload())
	}
	return b.Revise(), err
}
