package rr

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/conn"
	"mqtt/internal/connect"
	"mqtt/internal/message"
	"mqtt/internal/proto"
)

// flags say what is asked and which messages are answers, or how requests are answered.
type flags struct {
	connect.Flags
	payload  message.Flags
	output   message.OutputFlags
	topic    string
	response string
	qos      int
	inflight int
	waitText string
	wait     time.Duration
	answers  int
	latency  bool
	decode   message.DecodeFlags
	encode   message.EncodeFlags
	jq       message.JqFlags
	noRetain bool
	serve    bool
	parallel int
	answerTo []string // filters of the topics for answers

	base        proto.Props // of every message: the user's, without the two that rr sets itself
	correlation []byte      // the user's own, nil for none
}

// New returns the rr command.
func New(e *cli.Env) *cobra.Command {
	f := &flags{}
	f.Properties.OwnResponse = true
	c := &cobra.Command{
		Use:   "rr -t TOPIC {-m MESSAGE | -f FILE | -s | -l | -n}\n  mqtt rr -t FILTER --serve -- COMMAND [ARG...]",
		Short: "Send requests and print their answers, or answer requests",
		Long: `Publish a request with a Response Topic and Correlation Data, and print the answer that carries them. With --serve,
answer the requests of others.

MQTT 3.1 and 3.1.1 have no such properties: there rr needs -e, and the first message on that topic is the answer.

With -l, answers are printed as they arrive. Their correlation data ends with the number of the request's line
(-F '%D %p', or -J). With -M 1 they arrive in the order of the lines.

With --serve, the command after -- runs for each request on -t. It gets the payload on standard input and the
request's properties in MQTT_REQUEST_... variables; what it prints is the answer, without one newline at its end. If
it fails, the answer has the user property MQTT_ANSWER_ERROR, and mqtt rr ends with status 6.

The requester chooses the topic of the answer. Without --answer-topics, anyone who may publish a request can make the
service publish the output of COMMAND to any topic to which the service's user may publish.

A request at QoS 1 or 2 is acknowledged after its answer was sent. With -c and -i, the next run answers the rest. More:
man mqtt-rr.`,
		Example: `  mqtt rr -t lamp/1/state -n
  mqtt rr -t sum -l -M 50 --latency < requests.txt
  mqtt rr -t 'double/#' --serve -- awk '{ print 2 * $1 }'`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if err := e.LoadSettings(c); err != nil {
				return err
			}
			return f.run(c.Context(), e, c, args)
		},
	}
	fs := c.Flags()
	fs.SortFlags = false
	fs.StringVarP(&f.topic, "topic", "t", "", "send requests to `TOPIC`; with --serve: answer this filter")
	fs.StringVarP(&f.response, "response-topic", "e", "", "expect answers on `TOPIC` (default: random)")
	f.payload.Register(fs)
	fs.IntVarP(&f.qos, "qos", "q", 0, "send requests, and ask for answers, at QoS `N`: 0, 1 or 2")
	fs.IntVarP(&f.inflight, "max-inflight", "M", conn.DefaultWindow, "allow `N` unanswered requests at a time (requires -l)")
	fs.IntVarP(&f.answers, "count", "C", 1, "wait for `N` answers; with --serve: end after N requests")
	fs.StringVarP(&f.waitText, "timeout", "W", "", "limit the wait for each answer or command to `SECONDS`")
	fs.BoolVar(&f.latency, "latency", false, "print on stderr how long each answer took")
	fs.BoolVarP(&f.noRetain, "no-retain", "R", false, "ignore retained answers; MQTT 5 always does")
	fs.BoolVar(&f.serve, "serve", false, "answer requests with the output of the command after --")
	cli.ListVar(fs, &f.answerTo, "answer-topics", "", "answer only on topics matching `FILTER` (repeatable)")
	fs.IntVar(&f.parallel, "parallel", 4, "run `N` commands at a time (requires --serve)")
	f.output.Register(fs)
	f.decode.Register(fs)
	f.encode.Register(fs)
	f.jq.Register(fs, "print the result of the jq `EXPR` on each JSON answer")
	f.Flags.Register(fs, true)
	return c
}

func (f *flags) run(ctx context.Context, e *cli.Env, c *cobra.Command, args []string) error {
	fs := c.Flags()
	if err := f.check(fs); err != nil {
		return err
	}
	if f.serve {
		if c.ArgsLenAtDash() != 0 || len(args) == 0 {
			return cli.BadFlag("--serve", " without a command", "put it at the end, after --: --serve -- COMMAND")
		}
	} else if err := cli.NoArguments(c, args); err != nil {
		return err
	}
	p, err := f.Flags.Plan(ctx, e, fs, proto.PUBLISH, f.serve, proto.SUBSCRIBE)
	if err != nil {
		return err
	}
	if f.topic == "" {
		f.topic = p.Topic
	}
	if f.serve {
		return f.answer(ctx, e, fs, p, args)
	}
	if err := f.payload.Check(fs, false); err != nil {
		return err
	}
	return f.ask(ctx, e, fs, p)
}

// check rejects flags that are wrong on either side.
func (f *flags) check(fs *pflag.FlagSet) error {
	if err := cli.FirstError(cli.CheckQoS("-q", f.qos), cli.CheckInflight("-M", f.inflight)); err != nil {
		return err
	}
	if f.answers < 1 {
		return cli.BadNumber("--count", f.answers, "expected 1 or more")
	}
	if f.parallel < 1 || f.parallel > 1000 {
		return cli.BadNumber("--parallel", f.parallel, "expected 1 to 1000")
	}
	if !f.serve && len(f.answerTo) > 0 {
		return cli.BadFlag("--answer-topics", " without --serve", "-e names the topic of the answers")
	}
	if f.serve && (f.decode.Given() || f.encode.Given()) {
		return &cli.UsageError{Flag: "--serve", Others: []string{"--decode", "--schema", "--encode"}, What: "--serve with --decode, --schema or --encode",
			Hint: "the command gets the payload as it is"}
	}
	for _, filter := range f.answerTo {
		if err := connect.CheckFilter("--answer-topics", filter); err != nil {
			return err
		}
	}
	if !f.serve && fs.Changed("parallel") {
		return cli.BadFlag("--parallel", " without --serve", "-M limits the unanswered requests")
	}
	if fs.Changed("timeout") {
		var err error
		if f.wait, err = cli.ParseDuration("-W", f.waitText); err != nil {
			return err
		}
		if f.wait <= 0 {
			return cli.BadValue("-W", f.waitText, "expected more than 0 seconds")
		}
	}
	return nil
}

// ask sends requests and prints their answers.
func (f *flags) ask(ctx context.Context, e *cli.Env, fs *pflag.FlagSet, p *connect.Plan) error {
	if err := f.checkTopics(e, p); err != nil {
		return err
	}
	r := &requester{e: e, f: f, plan: p, requests: newRequests(), prefix: newCorrelation(),
		bad: message.BadLines{Flags: &f.payload, Env: e, What: "request"}}
	var err error
	if r.jq, err = f.jq.Compile(); err != nil {
		return err
	}
	if r.decoder, err = f.decode.Compile(e, fs); err != nil {
		return err
	}
	codec, err := f.encode.Compile()
	if err != nil {
		return err
	}
	r.stdout = cli.NewStdout(e)
	if r.out, err = f.output.Open(e, r.stdout, fs); err != nil {
		return err
	}
	p.Cfg.Window = f.inflight
	p.Cfg.Confirm = true // an answer that is acknowledged has been written
	ctx, stop := e.UntilReaderGone(ctx)
	defer stop()
	if f.qos > 0 {
		p.KeepSession()
	}
	r.src, err = f.payload.Open(ctx, e, message.Options{
		Base: proto.Publish{QoS: byte(f.qos), Topic: []byte(f.topic), Props: f.base}, Codec: codec, AllowClear: true, Wake: r.wake,
	})
	if err != nil {
		return err
	}
	defer r.src.Close()
	if f.wait > 0 && !f.payload.Streams() {
		defer e.EndAfter(f.wait)()
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, f.wait, cli.ErrTimeout)
		defer cancel()
	}
	defer r.decoder.Summary()
	err = conn.Hold(ctx, p.Cfg, &r.session, p.Backoff, r.serve)
	return r.verdict(ctx, p.Explain(err))
}

// checkTopics checks where requests and answers go, and removes from the user's properties those
// that rr sets itself.
func (f *flags) checkTopics(e *cli.Env, p *connect.Plan) error {
	if err := f.payload.CheckTopic(f.topic, "a request goes to a topic name, which has no wildcards"); err != nil {
		return err
	}
	connect.WarnCarriageReturn(e.Warn, "-t", f.topic)
	connect.WarnCarriageReturn(e.Warn, "-e", f.response)
	if err := f.takeProperties(); err != nil {
		return err
	}
	if f.correlation != nil && f.payload.Streams() {
		return cli.ConflictHint("each request gets its own", "--correlation-data", "-l")
	}
	if f.response == "" {
		if e.Mosquitto() {
			return cli.Usage("no response topic", "name one with -e TOPIC")
		}
		if v := p.Cfg.Connect.Version; v < proto.V5 {
			return cli.Usage("rr at MQTT "+v.String()+" without -e", "a request has no response topic there: use -e TOPIC")
		}
		p.Cfg.Connect.Props = p.Cfg.Connect.Props.Without(proto.RequestResponseInformation).AppendNum(proto.RequestResponseInformation, 1)
		return p.RequireV5("rr without -e")
	}
	return checkResponse(f.response)
}

// checkResponse checks -e. It is a topic name, since a request carries it [MQTT-3.3.2-14].
func checkResponse(s string) error {
	if err := proto.CheckTopic(s); err != nil {
		return cli.BadFlag("-e", " "+cli.Quote(s)+": "+err.Error(), "answers go to a topic name, which has no wildcards")
	}
	return nil
}

// takeProperties moves response topic and correlation data from the properties of the message to
// their own fields.
func (f *flags) takeProperties() error {
	f.base = f.Properties.Sets[proto.PUBLISH]
	if topic, ok := f.base.Get(proto.ResponseTopic); ok {
		if f.response != "" && f.response != string(topic.Value) {
			return cli.BadFlag("-e", " with -D publish response-topic", "give one of them")
		}
		f.response = string(topic.Value)
	}
	if data, ok := f.base.Get(proto.CorrelationData); ok {
		f.correlation = append(make([]byte, 0, len(data.Value)), data.Value...)
	}
	f.base = f.base.Without(proto.ResponseTopic).Without(proto.CorrelationData)
	return nil
}

// grant checks the SUBACK of the subscription to filter.
func (f *flags) grant(e *cli.Env, filter string, qos byte, p *proto.Suback) error {
	if p.Kind != proto.SUBACK {
		return nil
	}
	verdict := conn.Granted([]proto.Subscription{{Filter: filter, QoS: qos}}, p)[0]
	var refused *conn.SubscribeError
	switch {
	case errors.As(verdict, &refused):
		return cli.Fail(cli.ExitSubscribe, "this user must be allowed to subscribe to the response topic", "%w", refused)
	case verdict != nil:
		e.Warn("%v", verdict)
	}
	return nil
}

// leave disconnects and returns err.
func (f *flags) leave(c *conn.Conn, p *connect.Plan, err error) error {
	connect.Close(c, f.Disconnect(p))
	return err
}
