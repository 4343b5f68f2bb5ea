package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"mqtt/internal/bench"
	"mqtt/internal/cli"
	"mqtt/internal/conn"
	"mqtt/internal/connect"
	"mqtt/internal/format"
	"mqtt/internal/proto"
)

// flags describe a run from publishers to subscribers.
type flags struct {
	connect.Flags
	load   loadFlags
	pace   paceFlags
	fleet  fleetFlags
	output outputFlags
}

// New returns the command.
func New(e *cli.Env) *cobra.Command {
	f := &flags{}
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure a server: rates, latency, loss",
		Long: `Send messages from publishers to subscribers through a server, and measure rates, latency and loss.

Latency is measured from the time at which a message was due, so it includes the time in which the server stalled.
Every message has a number: lost, duplicated and reordered messages are counted exactly. With --schema, received
payloads that do not fit are counted as errors of the kind invalid, and the exit status is 8 if there are any.

--fail-if compares a metric with a limit:
  latency      p50, p99, p99.9, min, mean, max; connect.p99 is that of connecting: p99>20ms
  counts       loss, dup, reorder, errors, sent, received: loss>0.1%; without a limit: more than 0
  rate         messages a second: rate<10000`,
		Example: `  mqtt bench --pubs 10 --subs 10 -q 1 --rate 20000 --fail-if 'p99>20ms'
  mqtt bench --pubs 100 --subs 0 -q 1 --inflight 20 --duration 10s
  mqtt bench --rate 5000 --duration 30s --out result.json --out result.html
  mqtt bench conn --clients 10000 --ramp 1000`,
		Args: cli.NoArguments,
		RunE: e.WithSettings(f.run),
	}
	fs := c.Flags()
	fs.SortFlags = false
	f.load.register(fs)
	f.pace.register(fs)
	f.fleet.register(fs)
	f.output.register(fs)
	f.Flags.Register(fs, true)
	fs.Lookup("bind").Usage = severalAddresses
	c.AddCommand(newConn(e), newReport(e), newCompare(e))
	return c
}

func (f *flags) run(ctx context.Context, e *cli.Env, c *cobra.Command) error {
	fs := c.Flags()
	out, err := f.output.compile(e)
	if err != nil {
		return err
	}
	b := &bench.Plan{Precise: true, Tool: e.Version()}
	if err := f.pace.compile(fs, b); err != nil {
		return err
	}
	if f.fleet.embedded {
		stop, err := embed(ctx, e, &f.Server)
		if err != nil {
			return err
		}
		defer stop()
		b.ServerVersion = embeddedVersion(e)
	}
	fleet, err := f.fleet.compile(e, fs, &f.Flags, b, f.load.publishers+f.load.subscribers)
	if err != nil {
		return err
	}
	p, err := f.Flags.Plan(ctx, e, fs, proto.PUBLISH, false, proto.SUBSCRIBE)
	if err != nil {
		return err
	}
	if err := f.load.compile(ctx, e, fs, &f.Flags, p, b); err != nil {
		return err
	}
	if err := fleet.sessions(&f.Flags, fs, p, b); err != nil {
		return err
	}
	if err := fleet.equip(&f.Flags, p, b); err != nil {
		return err
	}
	if err := b.Check(); err != nil {
		return cli.Usage(err.Error(), "mqtt bench --help explains the flags")
	}
	f.pace.announce(e, b)
	return out.execute(ctx, e, c, p, b)
}

// execute runs b, writes its reports, and judges the result.
func (o *output) execute(ctx context.Context, e *cli.Env, c *cobra.Command, p *connect.Plan, b *bench.Plan) error {
	view, err := o.watch(e, b)
	if err != nil {
		return err
	}
	b.Title, b.Command = o.title, e.CommandLine(c)
	if o.identify && b.ServerVersion == "" {
		b.ServerVersion = bench.Identify(ctx, b)
	}
	over := make(chan struct{})
	hurry := func() { close(over) } // what has been measured is still printed
	b.Hurry = over
	e.SecondSignal.Store(&hurry)
	defer e.SecondSignal.Store(nil)
	r, err := bench.Run(ctx, b)
	view.end()
	if r == nil {
		return p.Explain(err)
	}
	failed := r.Judge(o.thresholds)
	if werr := o.write(e, r); werr != nil {
		return werr
	}
	switch {
	case ctx.Err() != nil && err != nil:
		return err
	case failed:
		return thresholdFailure(r)
	case err != nil && !slices.ContainsFunc(o.thresholds, (*bench.Threshold).Errors):
		if r.Errors > 1 {
			err = fmt.Errorf("%s errors, one of them: %w", format.Count(r.Errors), err)
		}
		return p.Explain(status(err, b))
	}
	if err := invalid(r); err != nil && !slices.ContainsFunc(o.thresholds, (*bench.Threshold).Errors) {
		return err
	}
	// Without an error the work may still be incomplete: only the keep alive notices a server that has
	// gone silently.
	if short := r.Failure(); short != nil {
		hint := "the server stopped reading or answering: a shorter -k detects a dead server, a longer --drain waits for a slow one"
		switch {
		case short.LossOnly() && short.SessionsLost > 0:
			hint = "the server must keep sessions for longer, or the run must be shorter"
		case short.LossOnly():
			hint = "--drain waits longer, --fail-if 'loss>0.1%' allows some"
		}
		return cli.Fail(cli.ExitExpected, hint, "%w", short)
	}
	return nil
}

// invalid returns the error of a run in which payloads did not fit --schema.
func invalid(r *bench.Result) error {
	for _, k := range r.ErrorKinds {
		if k.Kind == bench.KindInvalid {
			return cli.Fail(cli.ExitExpected, "--fail-if 'errors>10' allows some", "invalid payloads: %s of %s, the first: %s", format.Count(k.Count), format.Count(r.Received), k.Text)
		}
	}
	return nil
}

// status adds the exit status to an error of package bench.
func status(err error, b *bench.Plan) error {
	var limit *conn.Limit
	var pub *bench.PublishError
	switch class := conn.Class(err); {
	case class == conn.ClassLimit && errors.As(err, &limit) && limit.Property == proto.MaximumQoS:
		return cli.Fail(cli.ExitPublish, fmt.Sprintf("use -q %d", limit.Max), "%w", err)
	case class == conn.ClassSubscribe:
		return cli.Fail(cli.ExitSubscribe, "this user may not subscribe to that, or the server does not allow it", "%w", err)
	case errors.As(err, &pub):
		return cli.Fail(cli.ExitPublish, "", "%w", err)
	case class == conn.ClassReconnect, class == conn.ClassLost && b.Backoff.Tries != 0:
		return cli.Fail(cli.ExitLost, "it did not come back, or too late", "%w", err)
	}
	return err
}
