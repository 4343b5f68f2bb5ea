package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mqtt/internal/conn"
	"mqtt/internal/format"
	"mqtt/internal/proto"
	"mqtt/internal/session"
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
		RunE: func(c *cobra.Command, _ []string) error {
			if err := e.settle(c); err != nil {
				return err
			}
			return f.run(c.Context(), e, c)
		},
	}
	fs := c.Flags()
	fs.SortFlags = false
	fs.StringVarP(&f.topic, "topic", "t", "", "publish to `TOPIC`")
	f.payload.register(fs)
	fs.IntVarP(&f.qos, "qos", "q", 0, "0 at most once, 1 at least once, 2 exactly once")
	fs.BoolVarP(&f.retain, "retain", "r", false, "have the server keep the message for later subscribers")
	fs.IntVarP(&f.inflight, "max-inflight", "M", conn.DefaultWindow, "at most `N` unacknowledged messages at once")
	fs.IntVar(&f.repeat, "repeat", 1, "publish the message `N` times")
	fs.StringVar(&f.repeatDelay, "repeat-delay", "0", "wait `SECONDS` between them")
	fs.BoolVar(&f.allowClear, "allow-clear", false, "let an empty line with -r clear the retained message")
	fs.BoolVar(&f.downgrade, "downgrade-qos", false, "send at the server's Maximum QoS where that is lower")
	fs.BoolVarP(&f.json, "json", "J", false, "publish each line of stdin as sub -J wrote it: topic, QoS, retain, properties, payload")
	fs.StringVar(&f.paceText, "pace", "", "with -J: publish at `N`x the recorded speed")
	fs.StringVar(&f.jqText, "jq", "", "publish what the jq `EXPR` makes of each JSON payload")
	f.connection.register(fs, true)
	return c
}

// check refuses what can be known to be wrong before a connection is opened.
func (f *pubFlags) check(fs *pflag.FlagSet) (err error) {
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
	return f.payload.check(fs, f.repeat > 1)
}

func (f *pubFlags) run(ctx context.Context, e *env, c *cobra.Command) error {
	if err := f.check(c.Flags()); err != nil {
		return err
	}
	streams := f.payload.streams()
	p, err := f.connection.plan(e, c.Flags(), proto.PUBLISH, streams)
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
	src, err := f.open(e, &pub)
	if err != nil {
		return err
	}
	defer src.close()
	defer pub.progress.end()
	err = conn.Hold(ctx, p.cfg, &pub.session, p.backoff, func(ctx context.Context, c *conn.Conn) error {
		return pub.serve(ctx, c, src)
	})
	return pub.verdict(p.explain(err))
}

// open returns the source that the flags name.
func (f *pubFlags) open(e *env, p *publisher) (src source, err error) {
	src, err = f.payload.open(e, p, f.retain && !f.allowClear && !f.json)
	switch src := src.(type) {
	case *repeated:
		src.left, src.delay = f.repeat, f.delay
	case *lines:
		if f.json {
			return f.filter(&recorded{lines: src, flags: p.msg, pace: f.pace}), err
		}
	}
	return f.filter(src), err
}

// filter puts --jq behind a source.
func (f *pubFlags) filter(src source) source {
	if f.jq == nil {
		return src
	}
	return &filtered{source: src, jq: f.jq}
}

func (f *pubFlags) checkTopic() error {
	if f.topic == "" {
		if f.payload.namesTopics() || f.json {
			return nil
		}
		return usage("no topic", "name one with -t TOPIC")
	}
	if f.payload.namesTopics() && f.payload.keyDelimiter != "" {
		return usage("-t with -K", "with -K the topic stands on each line")
	}
	if err := proto.CheckTopic(f.topic); err != nil {
		return usage("-t "+quoted(f.topic)+": "+err.Error(), topicHint(f.topic, "a topic name has no wildcards; to receive use mqtt sub"))
	}
	return nil
}

// publisher carries a run of pub across its connections.
type publisher struct {
	e       *env
	f       *pubFlags
	plan    *plan
	session session.Session
	msg     proto.Publish // as the flags have it; a source changes what it must
	tag     uint64        // of msg
	held    bool          // msg was taken from the source and not by a connection
	due     time.Time     // of the next message; zero is unknown

	sent    uint64 // handed to a connection
	acked   uint64 // acknowledged, of QoS 1 and 2
	refused uint64
	first   error // the first refusal
	warned  bool

	progress *progress
}

// source is where messages come from: the flags, or a stream of lines.
type source interface {
	// next makes the publisher's message the next one, and returns its number. It is errWait while none has come yet:
	// p.due is when to look again then, zero if Wake will say so. It is errEnd after the last.
	next(p *publisher, c *conn.Conn) (tag uint64, err error)
	close()
}

var (
	errWait = errors.New("no message yet")
	errEnd  = errors.New("no more messages")
)

// burst is how many messages are published before a look at what the server has to say.
const burst = 1024

// serve publishes over one connection until the source ends and all is acknowledged.
func (p *publisher) serve(ctx context.Context, c *conn.Conn, src source) error {
	if n := c.Renewed(); n > 0 {
		p.e.warn("the server lost the session: what was in flight at QoS 2 is published again and may arrive twice (%s)", format.Count(uint64(n)))
	}
	for ended := false; ; {
		p.due = time.Time{}
		for n := 0; !ended; n++ {
			if n == burst {
				p.due = time.Unix(1, 0)
				break
			}
			if !p.held {
				tag, err := src.next(p, c)
				if err == errWait {
					break
				}
				if err == errEnd {
					ended = true
					break
				}
				if err != nil {
					p.drain(ctx, c)
					return err
				}
				p.tag, p.held = tag, true
			}
			if p.msg.QoS > 0 && c.Free() == 0 {
				break
			}
			if err := p.publish(ctx, c); err != nil {
				return err
			}
			p.held = false
		}
		if ended && c.Pending() == 0 {
			return c.Close(ctx, p.f.goodbye(p.plan))
		}
		p.progress.draw(p.sent)
		ev, err := c.NextBy(ctx, earliest(p.due, p.progress.due()))
		if err != nil {
			return p.interrupted(ctx, c, err)
		}
		p.event(ev)
		for c.Ready() {
			if ev, err = c.Next(ctx); err != nil {
				return p.interrupted(ctx, c, err)
			}
			p.event(ev)
		}
	}
}

// publish sends the message; one that the server's limits forbid ends the run, or is sent at a lower QoS if that was
// allowed.
func (p *publisher) publish(ctx context.Context, c *conn.Conn) error {
	if p.f.downgrade && p.msg.QoS > c.Server().MaximumQoS {
		if !p.warned {
			p.warned = true
			p.e.warn("sent at QoS %d, the server's Maximum QoS, in the place of %d", c.Server().MaximumQoS, p.msg.QoS)
		}
		p.msg.QoS = c.Server().MaximumQoS
	}
	err := c.Publish(ctx, &p.msg, p.tag)
	if err == nil {
		p.sent++
		return nil
	}
	var limit *conn.Limit
	if errors.As(err, &limit) {
		p.drain(ctx, c)
		return fail(exitPublish, limitHint(limit), "%s: %w", p.name(p.tag), err)
	}
	var bad *proto.Error
	if errors.As(err, &bad) {
		p.drain(ctx, c)
		return usage(p.name(p.tag)+": "+err.Error(), "nothing of it was sent")
	}
	return err
}

// drain waits for what is in flight and says goodbye, before an error ends the run: what was sent stays sent.
func (p *publisher) drain(ctx context.Context, c *conn.Conn) {
	for c.Pending() > 0 {
		ev, err := c.Next(ctx)
		if err != nil {
			break
		}
		p.event(ev)
	}
	bye(c, p.f.goodbye(p.plan))
}

// interrupted says goodbye where the run was ended from outside.
func (p *publisher) interrupted(ctx context.Context, c *conn.Conn, err error) error {
	if ctx.Err() != nil {
		bye(c, p.f.goodbye(p.plan))
	}
	return err
}

// event takes in what the server says.
func (p *publisher) event(ev conn.Event) {
	if ev.Kind != conn.Delivered {
		return
	}
	p.acked++
	if !ev.Reason.Failed() {
		return
	}
	p.refused++
	err := fmt.Errorf("%s refused: %s%s", p.name(ev.Tag), ev.Reason, reasonString(ev.Props))
	if p.first == nil {
		p.first = err
	}
	if p.f.payload.streams() && p.refused <= 10 {
		p.e.warn("%v", err)
	}
}

// name is how a person finds the message of a tag.
func (p *publisher) name(tag uint64) string {
	switch {
	case p.f.payload.streams():
		return "line " + strconv.FormatUint(tag, 10)
	case p.f.repeat > 1:
		return "message " + strconv.FormatUint(tag, 10)
	}
	return "message"
}

// verdict makes refusals the error of a run that ended well otherwise.
func (p *publisher) verdict(err error) error {
	if err != nil {
		if n := p.session.Sender.Pending(); n > 0 && p.f.payload.streams() {
			p.e.note("%d messages were not acknowledged", n)
		}
		return err
	}
	switch {
	case p.refused == 1:
		return fail(exitPublish, "", "publish: %w", p.first)
	case p.refused > 1:
		return fail(exitPublish, "", "publish: %s messages were refused, the first: %w", format.Count(p.refused), p.first)
	}
	return nil
}

// reasonString is the server's own words, with a colon before them.
func reasonString(ps proto.Props) string {
	if s := ps.Value(proto.ReasonString); len(s) > 0 {
		return ": " + string(s)
	}
	return ""
}
