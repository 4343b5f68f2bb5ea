package pub

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/conn"
	"mqtt/internal/connect"
	"mqtt/internal/decode"
	"mqtt/internal/message"
	"mqtt/internal/proto"
)

// flags are the flags of pub.
type flags struct {
	connect.Flags
	payload     message.Flags
	topic       string
	qos         int
	retain      bool
	inflight    int
	repeatDelay string
	allowClear  bool
	downgrade   bool
	json        bool
	paceText    string
	recordWay   string
	waitText    string
	jqFlags     message.JqFlags
	encode      message.EncodeFlags

	delay time.Duration // between repeats
	wait  time.Duration // for acknowledgements; 0: forever
	pace  float64
	jq    *message.Query
	codec decode.Codec
}

// New returns the pub command.
func New(e *cli.Env) *cobra.Command {
	f := &flags{}
	c := &cobra.Command{
		Use:   "pub -t TOPIC {-m MESSAGE | -f FILE | -s | -l | -n | -J}",
		Short: "Publish messages",
		Example: `  mqtt pub -t sensors/1 -m 21.5
  mqtt pub -t logs -l -q 1 < app.log
  mqtt pub -t config -r -f config.json --content-type application/json
  mqtt pub -J --pace 1x < day.ndjson`,
		Args: cli.NoArguments,
		RunE: e.WithSettings(f.run),
	}
	fs := c.Flags()
	fs.SortFlags = false
	fs.StringVarP(&f.topic, "topic", "t", "", "publish to `TOPIC`")
	f.payload.Register(fs)
	fs.IntVarP(&f.qos, "qos", "q", 0, "publish at QoS `N`: 0, 1 or 2")
	fs.BoolVarP(&f.retain, "retain", "r", false, "publish as a retained message")
	fs.IntVarP(&f.inflight, "max-inflight", "M", conn.DefaultWindow, "allow `N` unacknowledged messages at a time")
	fs.StringVarP(&f.waitText, "timeout", "W", "", "end with status 27 after `SECONDS` without acknowledgement")
	fs.IntVar(&f.payload.Repeat, "repeat", 1, "publish the message `N` times")
	fs.StringVar(&f.repeatDelay, "repeat-delay", "0", "wait `SECONDS` between two messages (requires --repeat)")
	fs.BoolVar(&f.allowClear, "allow-clear", false, "let an empty line clear a retained message (requires -r)")
	fs.BoolVar(&f.downgrade, "downgrade-qos", false, "lower the QoS to the server's maximum")
	fs.BoolVarP(&f.json, "json", "J", false, "publish the lines of JSON that sub -J printed, from stdin")
	fs.StringVar(&f.paceText, "pace", "", "publish at `N`x the recorded speed (requires -J)")
	fs.StringVar(&f.recordWay, "record-way", "", "publish a recording of mqtt proxy: `WAY` in or out (with -J)")
	f.jqFlags.Register(fs, "publish the result of the jq `EXPR` on each JSON payload")
	f.encode.Register(fs)
	f.Flags.Register(fs, true)
	return c
}

// check rejects wrong flags before a connection is opened.
func (f *flags) check(e *cli.Env, fs *pflag.FlagSet) (err error) {
	if err := cli.FirstError(cli.CheckQoS("-q", f.qos), cli.CheckInflight("-M", f.inflight)); err != nil {
		return err
	}
	if f.payload.Repeat < 1 {
		return cli.BadNumber("--repeat", f.payload.Repeat, "expected 1 or more")
	}
	if f.delay, err = cli.ParseDuration("--repeat-delay", f.repeatDelay); err != nil {
		return err
	}
	if f.pace, err = message.ParsePace(f.paceText); err != nil {
		return err
	}
	if fs.Changed("timeout") {
		if f.wait, err = cli.ParseDuration("-W", f.waitText); err != nil {
			return err
		}
		if f.wait <= 0 {
			return cli.BadValue("-W", f.waitText, "expected more than 0 seconds")
		}
	}
	switch f.recordWay {
	case "", "in", "out":
	default:
		return cli.BadValue("--record-way", f.recordWay, "expected in, from the clients, or out, from the server")
	}
	if f.recordWay != "" && !f.json {
		return cli.BadFlag("--record-way", " without -J", "mqtt proxy records lines of JSON")
	}
	if f.pace > 0 && !f.json {
		return cli.BadFlag("--pace", " without -J", "only recorded messages have times")
	}
	if f.jq, err = f.jqFlags.Compile(); err != nil {
		return err
	}
	if f.codec, err = f.encode.Compile(); err != nil {
		return err
	}
	f.payload.Records = f.json
	f.allowClear = f.allowClear || e.Mosquitto()
	return f.payload.Check(fs, e.Mosquitto())
}

func (f *flags) run(ctx context.Context, e *cli.Env, c *cobra.Command) error {
	if err := f.check(e, c.Flags()); err != nil {
		return err
	}
	streams := f.payload.Streams()
	if streams || f.qos > 0 { // such a run may last: it disconnects after a signal
		e.InstallSignals()
	}
	p, err := f.Flags.Plan(ctx, e, c.Flags(), proto.PUBLISH, streams)
	if err != nil {
		return err
	}
	if f.topic == "" {
		f.topic = p.Topic
	}
	if err := f.payload.CheckTopic(f.topic, "a topic name has no wildcards; to receive use mqtt sub"); err != nil {
		return err
	}
	connect.WarnCarriageReturn(e.Warn, "-t", f.topic)
	p.Cfg.Window = f.inflight
	if streams && (f.qos > 0 || f.json) {
		p.KeepSession()
	}
	pub := &publisher{e: e, f: f, plan: p, bad: message.BadLines{Flags: &f.payload, Env: e, What: "line"}}
	if f.jq != nil {
		pub.bad.What = "message" // a line makes none, one or several
	}
	if pub.src, err = f.open(ctx, e, pub); err != nil {
		return err
	}
	return pub.run(ctx)
}

// open returns the source that the flags describe.
func (f *flags) open(ctx context.Context, e *cli.Env, p *publisher) (message.Source, error) {
	o := message.Options{
		Base:  proto.Publish{QoS: byte(f.qos), Retain: f.retain, Topic: []byte(f.topic), Props: f.Properties.Sets[proto.PUBLISH]},
		Delay: f.delay, Pace: f.pace, Way: f.recordWay, Query: f.jq, Codec: f.codec, AllowClear: f.allowClear, Wake: p.wake,
	}
	if f.payload.Streams() {
		o.Read = new(atomic.Int64)
		p.progress = cli.NewProgress(e, o.Read)
	}
	return f.payload.Open(ctx, e, o)
}
