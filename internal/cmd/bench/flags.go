package bench

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"mqtt/internal/bench"
	"mqtt/internal/cli"
	"mqtt/internal/conn"
	"mqtt/internal/connect"
	"mqtt/internal/format"
	"mqtt/internal/message"
	"mqtt/internal/proto"
)

// loadFlags say who sends what to whom.
type loadFlags struct {
	publishers, subscribers int
	topic, filter, shared   string
	size                    string
	message, file, template string
	qos                     int
	retain, clear           bool
	inflight                int
	schema                  message.SchemaFlag
}

func (f *loadFlags) register(fs *pflag.FlagSet) {
	fs.IntVar(&f.publishers, "pubs", 1, "use `N` publishers; 0 measures messages of other senders")
	fs.IntVar(&f.subscribers, "subs", 1, "use `N` subscribers; 0 only publishes")
	fs.StringVarP(&f.topic, "topic", "t", "", "publish to `TOPIC`, with %i, %n, %r (default: random)")
	fs.StringVar(&f.filter, "filter", "", "subscribe to `FILTER`, with %i (default: the topic of -t)")
	fs.StringVar(&f.shared, "shared", "", "let all subscribers share one subscription as `GROUP`")
	fs.StringVar(&f.size, "size", "64", "send payloads of `BYTES`")
	fs.StringVarP(&f.message, "message", "m", "", "send `MESSAGE` as the payload")
	fs.StringVarP(&f.file, "file", "f", "", "send the content of `FILE`")
	fs.StringVar(&f.template, "template", "", "send `TEXT`, with variables (mqtt help templates)")
	fs.IntVarP(&f.qos, "qos", "q", 0, "publish at QoS `N`: 0, 1 or 2")
	fs.BoolVarP(&f.retain, "retain", "r", false, "publish as retained messages")
	fs.BoolVar(&f.clear, "clear-retained", false, "clear the retained messages at the end (requires -r)")
	f.schema.Register(fs, "payload received")
	fs.IntVarP(&f.inflight, "inflight", "M", conn.DefaultWindow, "allow a publisher `N` unacknowledged messages")
}

// compile checks the flags and puts the load into b.
func (f *loadFlags) compile(ctx context.Context, e *cli.Env, fs *pflag.FlagSet, c *connect.Flags, p *connect.Plan, b *bench.Plan) error {
	if err := cli.FirstError(cli.CheckQoS("-q", f.qos), cli.CheckInflight("--inflight", f.inflight)); err != nil {
		return err
	}
	switch {
	case f.publishers < 0 || f.subscribers < 0 || f.publishers+f.subscribers == 0:
		return cli.BadFlag("--pubs", " "+strconv.Itoa(f.publishers)+" --subs "+strconv.Itoa(f.subscribers), "expected at least one client")
	case f.clear && (!f.retain || strings.Contains(f.topic, "%r")):
		return cli.BadFlag("--clear-retained", "", "it needs -r, and topics without %r")
	case f.shared != "" && f.subscribers == 0:
		return cli.BadFlag("--shared", " with --subs 0", "there is no subscriber: leave it out, or use --subs 1 or more")
	case strings.ContainsAny(f.shared, "/+#"):
		return cli.BadValue("--shared", f.shared, "a group has no / + or # in its name")
	}
	for _, name := range []string{"topic", "filter", "shared"} {
		if fs.Changed(name) && fs.Lookup(name).Value.String() == "" {
			return cli.BadFlag("--"+name, " is empty", "leave it out, or give it a value")
		}
	}
	b.Publishers, b.Subscribers, b.Shared = f.publishers, f.subscribers, f.shared
	b.QoS, b.Retain, b.Clear, b.Window = byte(f.qos), f.retain, f.clear, f.inflight
	b.Props, b.SubscribeProps = c.Properties.Sets[proto.PUBLISH], c.Properties.Sets[proto.SUBSCRIBE]
	p.Cfg.Window = f.inflight
	if err := f.topics(p, b); err != nil {
		return err
	}
	return cli.FirstError(f.payload(ctx, e, fs, p, b), f.check(fs, b))
}

// check compiles --schema. Payloads of random bytes fit none.
func (f *loadFlags) check(fs *pflag.FlagSet, b *bench.Plan) error {
	s, err := f.schema.Compile(fs)
	switch {
	case s == nil || err != nil:
		return err
	case f.subscribers == 0:
		return cli.BadFlag("--schema", " with --subs 0", "nothing is received: leave it out, or use --subs 1 or more")
	case f.publishers > 0 && b.Text == nil && !fs.Changed("message") && !fs.Changed("file"):
		return cli.BadFlag("--schema", " without -m, -f or --template", "without these, payloads are random bytes")
	}
	b.NewCheck = func() func(m *proto.Publish) error {
		s := s.Another()
		return func(m *proto.Publish) error {
			if err := s.Fault(m.Payload); err != nil {
				return fmt.Errorf("%s: %w", m.Topic, err)
			}
			return nil
		}
	}
	return nil
}

// topics compiles topic and filter.
func (f *loadFlags) topics(p *connect.Plan, b *bench.Plan) error {
	if f.topic == "" {
		f.topic = p.Topic
	}
	if f.topic == "" {
		name := b.RunName
		if name == "" {
			name = cli.RandomID("b")
		}
		f.topic = "mqtt-bench/" + name + "/t"
	}
	var err error
	if b.Topic, err = bench.Compile(f.topic, "inr"); err != nil {
		return cli.BadFlag("-t", " "+err.Error(), "for example: -t 'bench/%i'")
	}
	if f.publishers > 0 {
		if err := proto.CheckTopic(string(b.Topic.Append(nil, 0, 0))); err != nil {
			return cli.BadFlag("-t", " "+cli.Quote(f.topic)+": "+err.Error(), "a topic name has no wildcards: --filter is for the subscribers")
		}
	}
	if f.filter != "" {
		if b.Filter, err = bench.Compile(f.filter, "i"); err != nil {
			return cli.BadFlag("--filter", " "+err.Error(), "for example: --filter 'bench/+'")
		}
	} else if f.publishers == 0 && strings.ContainsAny(f.topic, "+#") {
		b.Filter = b.Topic
	}
	t := b.Filter
	if t == nil {
		t = b.Topic
	}
	filter := string(t.Append(nil, 0, 0))
	if err := proto.CheckFilter(filter); err != nil && f.subscribers > 0 {
		return cli.BadFlag("--filter", " "+cli.Quote(filter)+": "+err.Error(), "for example: --filter 'bench/+'")
	}
	return nil
}

// payload chooses what is sent, and where the header is carried that messages are counted by.
func (f *loadFlags) payload(ctx context.Context, e *cli.Env, fs *pflag.FlagSet, p *connect.Plan, b *bench.Plan) error {
	var given []string
	for _, name := range []string{"message", "file", "template", "size"} {
		if fs.Changed(name) {
			given = append(given, "--"+name)
		}
	}
	if len(given) > 1 {
		return cli.Conflict(given[0], given[1:]...)
	}
	size, err := format.ParseSize(f.size)
	if err != nil || size > proto.MaxRemaining/2 {
		return cli.BadValue("--size", f.size, "expected bytes, such as 64 or 1KiB, and at most "+strconv.Itoa(proto.MaxRemaining/2))
	}
	b.Size = int(size)
	switch {
	case fs.Changed("message"):
		b.Payload = []byte(f.message)
	case fs.Changed("file"):
		if b.Payload, err = message.ReadPayload(ctx, e, f.file, proto.MaxRemaining); err != nil {
			return err
		}
	case fs.Changed("template"):
		if b.Text, err = bench.Compile(f.template, "intru"); err != nil {
			return cli.BadFlag("--template", " "+err.Error(), `for example: --template '{"time":%t,"n":%n}'`)
		}
	case size < bench.HeaderSize:
		b.Payload = make([]byte, size)
	}
	switch {
	case b.Payload == nil && b.Text == nil:
		b.Carrier = bench.InPayload
	case p.Cfg.Connect.Version >= proto.V5:
		b.Carrier = bench.InProperty
	default:
		b.Carrier = bench.NoHeader
	}
	return nil
}

// paceFlags say how fast and for how long to send.
type paceFlags struct {
	rate, ramp, churn       string
	burst                   int
	messages                string
	duration, warmup, drain string
	offline, late           bool
	startAt                 string
}

func (f *paceFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.rate, "rate", "0", "send `N` messages a second in all; 0: as fast as possible")
	fs.IntVar(&f.burst, "burst", 1, "send `N` messages at a time (requires --rate)")
	fs.StringVar(&f.messages, "messages", "", "end after `N` messages in all")
	fs.StringVar(&f.duration, "duration", "", "end after `DURATION` (default: 10s, without --messages)")
	fs.StringVar(&f.warmup, "warmup", "0", "exclude the first `DURATION` from the result")
	f.registerConnections(fs)
	fs.StringVar(&f.drain, "drain", "10s", "stop waiting when no message arrived for `DURATION`")
	fs.BoolVar(&f.offline, "offline", false, "send while subscribers are offline, then deliver the backlog")
	fs.BoolVar(&f.late, "late", false, "subscribe after sending, to retained messages (requires -r)")
	fs.StringVar(&f.startAt, "start-at", "", "start sending at `TIME`: 15:04:05, RFC 3339, or @UNIXSECONDS")
}

// registerConnections adds the flags that bench conn has too.
func (f *paceFlags) registerConnections(fs *pflag.FlagSet) {
	fs.StringVar(&f.ramp, "ramp", "0", "open `N` connections a second; 0: as fast as possible")
	fs.StringVar(&f.churn, "churn", "0", "cut and reopen `N` connections a second")
}

func (f *paceFlags) compile(fs *pflag.FlagSet, b *bench.Plan) error {
	if err := f.compileConnections(b); err != nil {
		return err
	}
	rate, err := format.ParseRate(f.rate)
	if err != nil {
		return cli.BadFlag("--rate", ": "+err.Error(), "for example: --rate 2.5k")
	}
	b.Rate, b.Burst = rate, f.burst
	if f.burst < 1 || f.burst > 1 && rate == 0 {
		return cli.BadNumber("--burst", f.burst, "expected 1 or more, with --rate")
	}
	if fs.Changed("messages") {
		x, err := format.ParseRate(f.messages)
		if err != nil || x < 1 || x > 1<<53 || x != float64(uint64(x)) {
			return cli.BadValue("--messages", f.messages, "expected 1 or more")
		}
		b.Messages = uint64(x)
	}
	for _, d := range []struct {
		flag, text string
		to         *time.Duration
	}{{"--duration", f.duration, &b.Duration}, {"--warmup", f.warmup, &b.Warmup}, {"--drain", f.drain, &b.Drain}} {
		if d.text == "" {
			continue
		}
		if *d.to, err = cli.ParseDuration(d.flag, d.text); err != nil {
			return err
		}
	}
	pubs, _ := fs.GetInt("pubs")
	switch {
	case pubs == 0 && rate > 0:
		return cli.BadFlag("--rate", " with --pubs 0", "there is no publisher: leave it out")
	case fs.Changed("duration") && b.Duration == 0:
		return cli.BadFlag("--duration", " 0", "expected more; leave it out to end by --messages alone")
	case b.Messages == 0 && b.Duration == 0 && pubs == 0:
		b.Open = true
	case b.Messages == 0 && b.Duration == 0:
		b.Duration = 10 * time.Second
	}
	switch {
	case f.offline && f.late:
		return cli.Conflict("--offline", "--late")
	case f.offline:
		b.Order = bench.Offline
	case f.late:
		b.Order = bench.Late
	}
	if f.startAt != "" {
		if b.StartAt, err = parseStart(f.startAt, time.Now()); err != nil {
			return cli.BadFlag("--start-at", " "+cli.Quote(f.startAt)+": "+err.Error(), "expected 15:04:05, 2006-01-02T15:04:05Z or @SECONDS")
		}
	}
	return nil
}

// announce reports when the first message is due if a time was given: a time of day may mean tomorrow.
func (f *paceFlags) announce(e *cli.Env, b *bench.Plan) {
	if !b.StartAt.IsZero() {
		e.Note("the first message is due on %s, in %s", b.StartAt.Local().Format("Monday, 2006-01-02 at 15:04:05"), format.Duration(time.Until(b.StartAt)))
	}
}

func (f *paceFlags) compileConnections(b *bench.Plan) error {
	for _, r := range []struct {
		flag, text string
		to         *float64
	}{{"--ramp", f.ramp, &b.Ramp}, {"--churn", f.churn, &b.Churn}} {
		var err error
		if *r.to, err = format.ParseRate(r.text); err != nil {
			return cli.BadFlag(r.flag, ": "+err.Error(), "for example: "+r.flag+" 500")
		}
	}
	return nil
}

// parseStart parses a future time: a time of day, a date and time, or seconds since 1970.
func parseStart(s string, now time.Time) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, s)
	if clock, cerr := time.ParseInLocation("15:04:05", s, now.Location()); cerr == nil {
		err = nil
		at = time.Date(now.Year(), now.Month(), now.Day(), clock.Hour(), clock.Minute(), clock.Second(), 0, now.Location())
		if at.Before(now.Add(-12 * time.Hour)) {
			at = at.AddDate(0, 0, 1)
		}
	}
	if seconds, ok := strings.CutPrefix(s, "@"); ok {
		var x float64
		if x, err = strconv.ParseFloat(seconds, 64); err == nil {
			at = time.UnixMicro(int64(x * 1e6))
		}
	}
	switch {
	case err != nil:
		return at, fmt.Errorf("no time")
	case !at.After(now):
		return at, fmt.Errorf("it has passed")
	}
	return at, nil
}
