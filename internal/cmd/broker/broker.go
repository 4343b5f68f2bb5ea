package broker

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mqtt/internal/bench"
	"mqtt/internal/broker"
	"mqtt/internal/broker/disk"
	"mqtt/internal/cli"
	"mqtt/internal/serve"
	"mqtt/internal/transport"
)

// flags are the flags of mqtt broker.
type flags struct {
	listen     []string
	host, port string
	readyFile  string
	printURL   bool
	metrics    string
	logLevel   string
	logFormat  string

	tls    tlsFlags
	access accessFlags
	data   dataFlags
	limits limitFlags
	queues queueFlags
	trial  trialFlags
}

// New returns the command mqtt broker.
func New(e *cli.Env) *cobra.Command {
	f := &flags{}
	c := &cobra.Command{
		Use:   "broker [-- COMMAND ...]",
		Short: "Serve MQTT, or run a command against a fresh broker",
		Long: `Serve MQTT 3.1, 3.1.1 and 5.0 on 127.0.0.1:1883, or at the addresses of --listen.

With a command after --, the broker takes a free port, runs the command with MQTT_URL, MQTT_HOST and MQTT_PORT set,
and ends with its exit status.

Without --passwords, only clients on this machine may connect. Clients on other machines need --allow-anonymous, or a
client certificate with --cafile.

With --data, an acknowledgement means that the message is on disk. --sync sets when to flush to disk: always (before
each acknowledgement), at an interval such as 100ms, or never (leave it to the operating system).

--without turns off features: qos1, qos2, retain, wildcards, shared (subscriptions) or identifiers (of subscriptions);
several are separated by commas.

--tls-self-signed creates ca.pem and server.pem in DIR on first use, for localhost, this machine's name and the hosts
of --listen, and renews them before they expire. Clients connect with --cafile DIR/ca.pem. Without --listen, the broker
then serves mqtts on port 8883.

SIGHUP reloads --passwords, --acl, --cert, --key, --cafile and --crl. On a terminal it ends the broker, as Ctrl-C does,
and the console has the command reload: type help. More: man mqtt-broker, mqtt help tls, mqtt help faults.`,
		Example: `  mqtt broker --data ./data
  mqtt broker --listen mqtt://127.0.0.1:1883 --listen ws://127.0.0.1:8080/mqtt
  mqtt broker --tls-self-signed ./tls --listen mqtts://0.0.0.0 --passwords users
  mqtt broker -- ./run-tests
  mqtt broker --fault 'drop=1% delay=20ms..80ms' -- ./test-my-client`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			switch behind := c.ArgsLenAtDash() == 0; {
			case behind && len(args) == 0:
				return cli.Usage("no command after --", "name the program to run, or leave out --")
			case !behind && len(args) > 0:
				return unexpected(args)
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

// unexpected returns the error about arguments that do not come after --.
func unexpected(args []string) error {
	what := "unexpected argument " + cli.Quote(transport.Redact(args[0]))
	_, notPort := strconv.ParseUint(args[0], 10, 16)
	switch word := args[0]; {
	case strings.HasSuffix(word, ".conf"):
		return cli.Usage(what+": "+cli.NoConfigFile, "mqtt broker --help lists the flags")
	case word == "start" || word == "run" || word == "serve" || word == "up":
		return cli.Usage(what+": did you mean mqtt broker?", "it starts at once; a command to run comes after --")
	case word == "help":
		return cli.Usage(what+": did you mean --help?", "a command to run comes after --")
	case strings.Contains(word, "://"):
		return cli.Usage(what+": did you mean --listen "+cli.ShellQuote(transport.Redact(word))+"?", "a command to run comes after --")
	case notPort == nil:
		return cli.Usage(what+": did you mean -p "+word+"?", "a command to run comes after --")
	case strings.HasPrefix(cli.GuessServer(word), "-h "):
		return cli.Usage(what+": did you mean "+cli.GuessServer(word)+"?", "a command to run comes after --")
	case strings.Contains(word, "user") || strings.Contains(word, "pass"):
		return cli.Usage(what+": did you mean mqtt broker passwd FILE USER?", "a command to run comes after --")
	}
	return cli.Usage(what, "a command to run comes after --")
}

func (f *flags) register(fs *pflag.FlagSet) {
	fs.SortFlags = false
	cli.ListVar(fs, &f.listen, "listen", "", "listen at `URL`: mqtt, mqtts, ws, wss, unix (repeatable)")
	fs.StringVarP(&f.host, "host", "h", "127.0.0.1", "listen on `ADDRESS`; not with --listen")
	fs.StringVarP(&f.port, "port", "p", "1883", "listen on `PORT`; 0: a free one; not with --listen")
	f.tls.register(fs)
	fs.StringVar(&f.readyFile, "ready-file", "", "write the URLs to `FILE` once the broker listens")
	fs.BoolVar(&f.printURL, "print-url", false, "print the URLs on stdout once the broker listens")
	fs.StringVar(&f.metrics, "metrics", "", "serve /metrics and /healthz at `[HOST:]PORT`")
	fs.StringVar(&f.logLevel, "log-level", "warn", "log at `LEVEL`: debug, info, warn or error")
	fs.StringVar(&f.logFormat, "log-format", "text", "log as `FORMAT`: text or json")
	f.access.register(fs)
	f.data.register(fs)
	f.limits.register(fs)
	f.queues.register(fs)
	f.trial.register(fs)
}

// logger returns the log and its level.
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
		slog.New(handler(w)).Warn("lines are missing here: the log was not read", "lines", lines)
	}
	return slog.New(handler(&serve.Journal{W: cli.Inherit(e.Err), Missed: missed})), level, nil
}

// options returns the options of flags that open no file.
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

// ownFiles is how many descriptors the broker keeps for its own files and listeners, and for connections that
// it refuses.
const ownFiles = 12

func (f *flags) run(ctx context.Context, e *cli.Env, fs *pflag.FlagSet, command []string) (err error) {
	ctx, release := serve.UntilSignal(ctx)
	defer release()
	hangupEnds := serve.HangupEnds(e)
	hangups := make(chan os.Signal, 1)
	if len(command) == 0 { // before the broker is announced, as other signals
		signal.Notify(hangups, syscall.SIGHUP)
		defer signal.Stop(hangups)
	}
	log, level, err := f.logger(e)
	if err != nil {
		return err
	}
	endpoints, certs, err := f.endpoints(e, fs, len(command) > 0)
	if err != nil {
		return err
	}
	if err := f.checkMetrics(fs, endpoints); err != nil {
		return err
	}
	for _, end := range endpoints {
		end.AcceptFailed = func(err error, wait time.Duration) {
			if wait >= 100*time.Millisecond {
				log.Warn("accept failed, retrying", "error", err, "wait", wait)
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
	if rights != nil && f.access.passwords == "" && !certified(endpoints, f.tls.cafile) {
		e.Warn("--acl without --passwords: user names are not verified")
	}
	if certs != nil {
		if err := certs.open(e); err != nil {
			return err
		}
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
		// ctx has ended by now. Clients get a moment to read DISCONNECT.
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		web.Set(nil)
		return b.Close(ctx)
	}
	defer func() { err = cli.FirstError(err, stop()) }()
	if err := b.Restore(ctx); err != nil {
		return cli.Fail(cli.ExitOther, dataHint(err), "%w", err)
	}
	defer boundHeap(max(opt.Memory, b.Stats().Memory))() // restored data may exceed --memory
	serving := ctx
	if len(command) > 0 {
		serving = context.WithoutCancel(ctx) // signals are for the command: serve until it has ended
	}
	serving, cancel := context.WithCancel(serving)
	defer cancel()
	listeners, failed, err := listenAll(serving, b, endpoints)
	if err != nil {
		return err
	}
	web.Set(b)
	if err := f.announce(e, listeners, certs, len(command) > 0); err != nil {
		return err
	}
	if len(command) > 0 {
		env := serve.Environ(listeners[0].URL())
		if certs != nil && certs.ca != "" {
			env = append(env, "MQTT_CAFILE="+certs.ca)
		}
		return serve.Run(ctx, e, command, env)
	}
	a := &attendance{e: e, b: b, users: users, rights: rights, certs: certs, level: level, listener: failed,
		hangups: hangups, hangupEnds: hangupEnds}
	if store != nil {
		a.data = store.Failed()
	}
	return a.attend(ctx)
}

// closeData closes the data folder.
func closeData(s *disk.Store) error {
	if err := s.Close(); err != nil {
		return fmt.Errorf("--data: %w", err)
	}
	return nil
}

// certified reports whether all clients need a certificate, whose name is the user's.
func certified(endpoints []*transport.Endpoint, cafile string) bool {
	for _, end := range endpoints {
		if end.TLS == nil || cafile == "" {
			return false
		}
	}
	return true
}
