package sub

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"mqtt/internal/cli"
	"mqtt/internal/conn"
	"mqtt/internal/connect"
	"mqtt/internal/message"
	"mqtt/internal/proto"
)

// flags say what is received, and when it is enough.
type flags struct {
	connect.Flags
	filters  filterFlags
	retained retainedFlags
	ends     endFlags
	output   message.OutputFlags
	random   float64
	command  commandFlags
	decode   message.DecodeFlags
	jq       message.JqFlags
	rate     bool
	watch    bool
}

// New returns the command.
func New(e *cli.Env) *cobra.Command {
	f := &flags{}
	c := &cobra.Command{
		Use:   "sub -t FILTER [-- COMMAND [ARG...]]",
		Short: "Receive messages",
		Long: `Print the messages of a subscription, or run a command for each of them.

The command after -- gets the payload on standard input; with --decode or --jq, the result of that. MQTT_TOPIC,
MQTT_QOS, MQTT_RETAIN, MQTT_PAYLOAD_SIZE and MQTT_PROPERTY_NAME (such as MQTT_PROPERTY_CONTENT_TYPE) describe the
message. A message at QoS 1 or 2 is acknowledged when its command has exited with 0. With -c and -i, the server
delivers the others again, to the next run; a command may then run twice for one message.`,
		Example: `  mqtt sub -t 'sensors/#' -v
  mqtt sub -t jobs/done -C 1 -W 10
  mqtt sub -t 'sensors/#' --jq '.temperature'
  mqtt sub -t '#' -J > day.ndjson
  mqtt sub -t alarms -q 1 -- sh -c 'mail -s "$MQTT_TOPIC" root'`,
		Args: cobra.ArbitraryArgs,
		RunE: e.WithSettings(f.run),
	}
	fs := c.Flags()
	fs.SortFlags = false
	f.filters.register(fs)
	f.retained.register(fs)
	f.ends.register(fs)
	f.output.Register(fs)
	f.decode.Register(fs)
	f.jq.Register(fs, "print the result of the jq `EXPR` on each JSON payload")
	fs.Float64Var(&f.random, "random-filter", 100, "print a random `PERCENT` of the messages")
	fs.BoolVar(&f.rate, "message-rate", false, "print the number of messages per second instead of messages")
	fs.BoolVarP(&f.watch, "watch", "w", false, "explore topics live (on a terminal; ? lists the keys)")
	f.command.register(fs)
	f.Flags.Register(fs, false)
	return c
}

// newSubscriber checks everything that can be checked before a connection is opened.
func (f *flags) newSubscriber(e *cli.Env, c *cobra.Command) (s *subscriber, err error) {
	fs := c.Flags()
	command, err := f.command.compile(e, c)
	if err != nil {
		return nil, err
	}
	s = &subscriber{e: e, f: f, stdout: cli.NewStdout(e), command: command, retained: retained{retainedFlags: f.retained}}
	if s.plan, err = f.Flags.Plan(c.Context(), e, fs, proto.SUBSCRIBE, true, proto.UNSUBSCRIBE); err != nil {
		return nil, err
	}
	f.filters.partialOK = f.filters.partialOK || e.Mosquitto()
	if s.asked, err = f.filters.compile(e, fs, s.plan, f.Properties.Sets); err != nil {
		return nil, err
	}
	if err := f.ends.compile(fs); err != nil {
		return nil, err
	}
	if s.jq, err = f.jq.Compile(); err != nil {
		return nil, err
	}
	if s.decoder, err = f.decode.Compile(e, fs); err != nil {
		return nil, err
	}
	switch {
	case f.filters.noRetain && (f.retained.only || f.retained.remove):
		return nil, cli.Conflict("-R", "--retained-only", "--remove-retained")
	case !(f.random > 0 && f.random <= 100):
		return nil, cli.BadFlag("--random-filter", " "+strconv.FormatFloat(f.random, 'g', -1, 64), "expected more than 0, and 100 at most")
	case f.watch && f.rate && !e.Mosquitto():
		return nil, cli.Conflict("-w", "--message-rate")
	}
	if f.watch && !f.rate {
		if err := f.checkWatch(e, fs, s.plan.Cfg.Trace != nil); err != nil {
			return nil, err
		}
		s.watch = newWatch(e, fs, s.plan.Target.Addr(), s.decoder)
		s.out = s.watch
		return s, nil
	}
	if s.out, err = f.output.Open(e, s.stdout, fs); err == nil && f.rate {
		s.out = message.NewRate(s.stdout)
	}
	return s, err
}

func (f *flags) run(ctx context.Context, e *cli.Env, c *cobra.Command) error {
	s, err := f.newSubscriber(e, c)
	if err != nil {
		return err
	}
	if s.asked.highest() > 0 {
		s.plan.KeepSession()
	}
	f.ends.receiveMaximum(s.plan)
	s.plan.Cfg.Confirm = true // what is acknowledged has been written
	ctx, stop := e.UntilReaderGone(ctx)
	defer stop()
	defer e.EndAfter(f.ends.wait)()
	if f.ends.wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, f.ends.wait, cli.ErrTimeout)
		defer cancel()
	}
	if f.ends.idle > 0 {
		var cancel context.CancelCauseFunc
		ctx, cancel = context.WithCancelCause(ctx)
		defer cancel(nil)
		s.giveUp = func() { cancel(errIdle) }
	}
	if s.watch != nil {
		s.watch.noticeLosses(&s.plan.Backoff)
		ctx, s.watch.cancel = context.WithCancelCause(ctx)
		defer s.watch.cancel(nil)
		defer s.watch.end() // also in a panic
	}
	if s.command != nil {
		defer s.command.end()
	}
	defer s.decoder.Summary()
	err = conn.Hold(ctx, s.plan.Cfg, &s.session, s.plan.Backoff, s.attend)
	if s.watch != nil {
		if broken := s.watch.end(); broken != nil {
			return broken
		}
	}
	return cli.FirstError(s.verdict(ctx, s.plan.Explain(err)), s.retained.refused)
}
