package bench

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"mqtt/internal/bench"
	"mqtt/internal/cli"
	"mqtt/internal/connect"
	"mqtt/internal/proto"
)

// connFlags describe a run of connections that are opened and held.
type connFlags struct {
	connect.Flags
	clients  int
	duration string
	wills    bool
	pace     paceFlags
	fleet    fleetFlags
	output   outputFlags
}

func newConn(e *cli.Env) *cobra.Command {
	f := &connFlags{}
	c := &cobra.Command{
		Use:   "conn",
		Short: "Open many connections and hold them",
		Example: `  mqtt bench conn --clients 10000 --ramp 1000 --duration 60s
  mqtt bench conn --clients 1000 --will-topic 'gone/%i' --wills --duration 1s`,
		Args: cli.NoArguments,
		RunE: e.WithSettings(f.run),
	}
	fs := c.Flags()
	fs.SortFlags = false
	fs.IntVar(&f.clients, "clients", 1000, "open `N` connections")
	fs.StringVar(&f.duration, "duration", "", "hold them for `DURATION` (default: until Ctrl-C)")
	fs.BoolVar(&f.wills, "wills", false, "cut all at the end, and measure when their wills arrive")
	f.pace.registerConnections(fs)
	f.fleet.register(fs)
	f.output.register(fs)
	f.Flags.Register(fs, false)
	fs.Lookup("bind").Usage = severalAddresses
	return c
}

func (f *connFlags) run(ctx context.Context, e *cli.Env, c *cobra.Command) error {
	fs := c.Flags()
	out, err := f.output.compile(e)
	if err != nil {
		return err
	}
	if f.clients < 1 {
		return cli.BadNumber("--clients", f.clients, "expected 1 or more")
	}
	b := &bench.Plan{Clients: f.clients, Tool: e.Version(), Wills: f.wills, Drain: 10 * time.Second, Open: f.duration == ""}
	if err := f.pace.compileConnections(b); err != nil {
		return err
	}
	if f.duration != "" {
		if b.Hold, err = cli.ParseDuration("--duration", f.duration); err != nil {
			return err
		}
		if b.Hold <= 0 {
			return cli.BadValue("--duration", f.duration, "expected more than 0; leave it out to hold until Ctrl-C")
		}
	}
	if f.fleet.embedded {
		stop, err := embed(ctx, e, &f.Server)
		if err != nil {
			return err
		}
		defer stop()
		b.ServerVersion = embeddedVersion(e)
	}
	fleet, err := f.fleet.compile(e, fs, &f.Flags, b, f.clients)
	if err != nil {
		return err
	}
	p, err := f.Flags.Plan(ctx, e, fs, proto.CONNECT, false)
	if err != nil {
		return err
	}
	if f.Will.Topic != "" {
		if b.WillTopic, err = bench.Compile(f.Will.Topic, "i"); err != nil {
			return cli.BadFlag("--will-topic", " "+err.Error(), "for example: --will-topic 'gone/%i'")
		}
		b.QoS = byte(f.Will.Qos)
	}
	if f.wills && (b.WillTopic == nil || b.Open) {
		return cli.BadFlag("--wills", "", "it needs --will-topic, such as 'gone/%i', and --duration")
	}
	if err := fleet.sessions(&f.Flags, fs, p, b); err != nil {
		return err
	}
	if err := fleet.equip(&f.Flags, p, b); err != nil {
		return err
	}
	if err := b.Check(); err != nil {
		return cli.Usage(err.Error(), "mqtt bench conn --help explains the flags")
	}
	return out.execute(ctx, e, c, p, b)
}
