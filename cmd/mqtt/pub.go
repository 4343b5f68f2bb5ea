package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mqtt/internal/conn"
	"mqtt/internal/proto"
)

// pubFlags say what is published.
type pubFlags struct {
	connection
	payload     payloadFlags
	topic       string
	qos         int
	retain      bool
	inflight    int
	repeat      int
	repeatDelay string
	allowClear  bool
	downgrade   bool
	json        bool
	paceText    string
	jqText      string

	delay time.Duration // between repeats
	pace  float64
	jq    *query
}

func newPub(e *env) *cobra.Command {
	f := &pubFlags{}
	c := &cobra.Command{
		Use:   "pub -t TOPIC {-m MESSAGE | -f FILE | -s | -l | -n | -J}",
		Short: "Publish messages",
		Example: `  mqtt pub -t sensors/1 -m 21.5
  mqtt pub -t logs -l -q 1 < app.log
  mqtt pub -t config -r -f config.json --content-type application/json
  mqtt pub -J --pace 1x < day.ndjson`,
		Args: noArguments,
		RunE: e.settled(f.run),
	}
	fs := c.Flags()
	fs.SortFlags = false
	fs.StringVarP(&f.topic, "topic", "t", "", "publish to `TOPIC`")
	f.payload.register(fs)
	fs.IntVarP(&f.qos, "qos", "q", 0, "publish at QoS `N`: 0 at most once, 1 at least once, 2 exactly once")
	fs.BoolVarP(&f.retain, "retain", "r", false, "have the server keep the message for later subscribers")
	fs.IntVarP(&f.inflight, "max-inflight", "M", conn.DefaultWindow, "at most `N` unacknowledged messages at once")
	fs.IntVar(&f.repeat, "repeat", 1, "publish the message `N` times")
	fs.StringVar(&f.repeatDelay, "repeat-delay", "0", "with --repeat: wait `SECONDS` between two messages")
	fs.BoolVar(&f.allowClear, "allow-clear", false, "let an empty line with -r clear the retained message")
	fs.BoolVar(&f.downgrade, "downgrade-qos", false, "send at the server's Maximum QoS where that is lower")
	fs.BoolVarP(&f.json, "json", "J", false, "publish each line of stdin as sub -J wrote it: topic, QoS, retain, properties, payload")
	fs.StringVar(&f.paceText, "pace", "", "with -J: publish at `N`x the recorded speed")
	fs.StringVar(&f.jqText, "jq", "", "publish what the jq `EXPR` makes of each JSON payload")
	f.connection.register(fs, true)
	return c
}

// check refuses what can be known to be wrong before a connection is opened.
func (f *pubFlags) check(e *env, fs *pflag.FlagSet) (err error) {
	if f.qos < 0 || f.qos > 2 {
		return usage("-q "+strconv.Itoa(f.qos), "expected 0, 1 or 2")
	}
	if f.inflight < 1 || f.inflight > 65535 {
		return usage("-M "+strconv.Itoa(f.inflight), "expected 1 to 65535")
	}
	if f.repeat < 1 {
		return usage("--repeat "+strconv.Itoa(f.repeat), "expected 1 or more")
	}
	if f.delay, err = readDuration("--repeat-delay", f.repeatDelay); err != nil {
		return err
	}
	if f.pace, err = readPace(f.paceText); err != nil {
		return err
	}
	if f.pace > 0 && !f.json {
		return usage("--pace without -J", "only recorded messages have times")
	}
	if f.jq, err = newQuery("--jq", f.jqText); err != nil {
		return err
	}
	f.payload.records = f.json
	f.allowClear = f.allowClear || e.mosquitto()
	return f.payload.check(fs, f.repeat > 1 && !e.mosquitto())
}

func (f *pubFlags) run(ctx context.Context, e *env, c *cobra.Command) error {
	if err := f.check(e, c.Flags()); err != nil {
		return err
	}
	streams := f.payload.streams()
	if streams || f.qos > 0 { // something may be under way when a signal comes
		e.heed()
	}
	p, err := f.connection.plan(ctx, e, c.Flags(), proto.PUBLISH, streams)
	if err != nil {
		return err
	}
	if f.topic == "" {
		f.topic = p.topic
	}
	if err := f.checkTopic(); err != nil {
		return err
	}
	p.cfg.Window = f.inflight
	if streams && (f.qos > 0 || f.json) {
		p.keepSession()
	}
	pub := publisher{e: e, f: f, plan: p}
	pub.msg = proto.Publish{QoS: byte(f.qos), Retain: f.retain, Topic: []byte(f.topic), Props: f.properties.sets[proto.PUBLISH]}
	src, err := f.open(ctx, e, &pub)
	if err != nil {
		return err
	}
	defer src.close()
	defer pub.progress.end()
	var stop obstacle
	err = conn.Hold(ctx, p.cfg, &pub.session, p.backoff, func(ctx context.Context, c *conn.Conn) error {
		acked := pub.acked
		err := pub.serve(ctx, c, src)
		if pub.acked > acked {
			stop = obstacle{}
		} else if conn.Lost(err) && ctx.Err() == nil {
			stop.met(&pub)
		}
		return err
	})
	return pub.verdict(p.explain(err))
}

// open returns the source that the flags name.
func (f *pubFlags) open(ctx context.Context, e *env, p *publisher) (source, error) {
	src, err := f.payload.open(ctx, e, p, f.retain && !f.allowClear && !f.json)
	switch s := src.(type) {
	case *repeated:
		s.left, s.delay = f.repeat, f.delay
		if f.jq == nil { // which makes text of anything
			err = firstError(err, checkPayload("message", p.msg.Props, s.payload))
		}
	case *lines:
		if f.json {
			src = &recorded{lines: s, flags: p.msg, pace: f.pace}
		}
	}
	if f.jq != nil {
		f.jq.within(ctx)
		src = &filtered{source: src, jq: f.jq}
	}
	if p.msg.Props.Num(proto.PayloadFormatIndicator, 0) == 1 && !f.json {
		src = &textual{src}
	}
	return src, err
}

func (f *pubFlags) checkTopic() error {
	if f.topic == "" {
		if f.payload.namesTopics() || f.json {
			return nil
		}
		return usage("no topic", "name one with -t TOPIC")
	}
	if f.payload.namesTopics() {
		return usage("-t with -K", "with -K the topic stands on each line")
	}
	if err := proto.CheckTopic(f.topic); err != nil {
		return usage("-t "+quoted(f.topic)+": "+err.Error(), topicHint(f.topic, "a topic name has no wildcards; to receive use mqtt sub"))
	}
	return nil
}

// unsendable is the end of a run over a message that cannot be sent as it is, for the server's limits or for itself; nil
// if err is another error.
func unsendable(name string, err error) error {
	var limit *conn.Limit
	var bad *proto.Error
	switch {
	case errors.As(err, &limit):
		return fail(exitPublish, limitHint(limit), "%s: %w", name, err)
	case errors.As(err, &bad):
		return usage(name+": "+err.Error(), "nothing of it was sent")
	}
	return nil
}
