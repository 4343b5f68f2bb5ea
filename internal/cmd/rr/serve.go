package rr

import (
	"context"
	"errors"
	"os/exec"
	"slices"
	"sync/atomic"
	"time"

	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/conn"
	"mqtt/internal/connect"
	"mqtt/internal/format"
	"mqtt/internal/message"
	"mqtt/internal/proto"
	"mqtt/internal/session"
)

const (
	// Requests beyond these limits do not wait for a command: they are answered with an error at
	// once.
	maxWaiting      = 1000
	maxWaitingBytes = 64 << 20

	// drainTimeout is how long commands may run after an interrupt before they are ended.
	drainTimeout = 5 * time.Second

	// errorProperty is the user property of an answer that says why the command failed. rr ends with
	// status 6 where an answer has it.
	errorProperty = "MQTT_ANSWER_ERROR"
)

// answerer answers requests with what a command prints, over one connection after the other.
type answerer struct {
	e       *cli.Env
	f       *flags
	plan    *connect.Plan
	session session.Session
	command []string
	qos     byte
	limit   int // requests to answer; 0: no limit

	owner     atomic.Pointer[conn.Conn] // woken when a command has ended
	waiting   []*job                    // for a command
	bytes     int                       // of the payloads of waiting
	done      chan *job                 // jobs whose commands have ended; has room for all that run
	running   int                       // commands
	unsent    []*job                    // jobs whose answers are to be published
	open      openJobs
	accepted  int  // requests
	interrupt bool // no more requests are accepted

	subscribed bool // the server granted the subscription in this session
	suback     connect.SubackWatch
	announced  bool // a note said that requests are answered
	refused    error
}

// answer answers requests with what command prints.
func (f *flags) answer(ctx context.Context, e *cli.Env, fs *pflag.FlagSet, p *connect.Plan, command []string) error {
	if err := f.checkServe(e, fs, p); err != nil {
		return err
	}
	if _, err := exec.LookPath(command[0]); err != nil {
		return cli.BadFlag("--serve", ": "+err.Error(), "check the name and path of the program")
	}
	a := &answerer{e: e, f: f, plan: p, command: command, qos: 2, done: make(chan *job, f.parallel)}
	if fs.Changed("qos") {
		a.qos = byte(f.qos)
	}
	if fs.Changed("count") {
		a.limit = f.answers
	}
	p.Cfg.Window = f.inflight
	f.receiveMaximum(p, a.limit)
	p.KeepSession()
	commands, stop := context.WithCancel(context.WithoutCancel(ctx))
	err := conn.Hold(ctx, p.Cfg, &a.session, p.Backoff, func(ctx context.Context, c *conn.Conn) error {
		return a.serve(ctx, commands, c)
	})
	stop()
	for ; a.running > 0; a.running-- {
		<-a.done
	}
	return a.verdict(ctx, p.Explain(err))
}

// checkServe rejects flags of the other side, and checks where requests come from and answers go.
func (f *flags) checkServe(e *cli.Env, fs *pflag.FlagSet, p *connect.Plan) error {
	for _, name := range []string{"message", "file", "stdin-file", "stdin-line", "null-message", "delimiter", "null", "key-delimiter",
		"skip-empty", "skip-bad", "verbose", "format", "json", "pretty", "no-newline", "payload", "jq", "raw", "latency"} {
		if fs.Changed(name) {
			return cli.BadFlag("--serve", " with --"+name, "the command reads the requests and prints the answers")
		}
	}
	if f.topic == "" {
		return cli.Usage("no topic filter", "name one with -t FILTER")
	}
	if err := connect.CheckFilter("-t", f.topic); err != nil {
		return err
	}
	connect.WarnCarriageReturn(e.Warn, "-t", f.topic)
	if err := f.takeProperties(); err != nil {
		return err
	}
	if f.correlation != nil {
		return cli.BadFlag("--serve", " with correlation data", "an answer has the correlation data of its request")
	}
	if f.response != "" {
		return checkResponse(f.response)
	}
	if v := p.Cfg.Connect.Version; v < proto.V5 {
		return cli.BadFlag("--serve", " at MQTT "+v.String()+" without -e", "a request has no response topic there: use -e TOPIC")
	}
	return p.RequireV5("--serve without -e")
}

// serve accepts requests and publishes answers over one connection. commands ends the commands that
// run.
func (a *answerer) serve(ctx, commands context.Context, c *conn.Conn) error {
	a.owner.Store(c)
	a.open.reconnect(c.Server().SessionPresent)
	a.plan.Status.Connected(c)
	if err := a.subscribe(ctx, c); err != nil {
		return err
	}
	for {
		a.collect()
		a.startCommands(commands)
		err := a.publish(ctx, c)
		if err == nil && a.limit > 0 && a.accepted >= a.limit && a.idle() && c.Pending() == 0 {
			return a.f.leave(c, a.plan, nil)
		}
		var ev conn.Event
		if err == nil {
			ev, err = c.NextBy(ctx, a.suback.Due())
		}
		if err != nil {
			if ctx.Err() != nil {
				a.drain(ctx, c)
			}
			return err
		}
		if ev.Kind == conn.Message {
			a.request(c, ev.Message)
		} else if err := a.event(c, ev); err != nil {
			return a.f.leave(c, a.plan, err)
		}
	}
}

// idle reports whether the answers of all accepted requests are published.
func (a *answerer) idle() bool { return len(a.waiting) == 0 && a.running == 0 && len(a.unsent) == 0 }

// subscribe subscribes to the requests, unless the session has that subscription. Retained requests
// are not wanted: they were published before this run. Neither are this client's own answers, but a
// shared subscription cannot exclude them [MQTT-3.8.3-4].
func (a *answerer) subscribe(ctx context.Context, c *conn.Conn) error {
	if a.subscribed && c.Server().SessionPresent {
		a.plan.Status.Again(", session resumed")
		return nil
	}
	group, _ := proto.SplitShare(a.f.topic)
	filter := proto.Subscription{Filter: a.f.topic, QoS: a.qos, NoLocal: group == "", RetainHandling: 2}
	p := &proto.Subscribe{Filters: []proto.Subscription{filter}}
	if c.Version() == proto.V5 {
		p.Props = a.f.Properties.Sets[proto.SUBSCRIBE]
	}
	a.suback.Asked(a.plan)
	return connect.SubscribeError(c.Send(ctx, p))
}

// event handles an event that is not a message.
func (a *answerer) event(c *conn.Conn, ev conn.Event) error {
	switch ev.Kind {
	case conn.Idle:
		a.suback.Look(a.e, time.Now())
	case conn.Answer:
		ack, ok := ev.Answer.(*proto.Suback)
		if !ok {
			return nil
		}
		a.suback.Answered()
		wanted := a.qos
		if wanted == 2 && a.f.qos != 2 {
			wanted = 0 // -q was not given: any granted QoS is enough
		}
		if err := a.f.grant(a.e, a.f.topic, wanted, ack); err != nil {
			return err
		}
		a.subscribed = true
		if !a.announced {
			a.announced = true
			a.e.Note("answering requests on %s", a.f.topic)
		} else {
			a.plan.Status.Again(", subscribed again; requests may have been missed")
		}
	case conn.Delivered:
		a.delivered(c, ev.Tag)
		if ev.Reason.Failed() {
			a.refused = cli.Fail(cli.ExitPublish, "", "answer refused: %s", ev.Reason.Explain(proto.PUBACK, ev.Props()))
			a.e.Warn("%v", a.refused)
		}
	}
	return nil
}

// startCommands starts the commands of waiting jobs, at most --parallel at once. Each goroutine
// ends with its command, and answer waits for all of them.
func (a *answerer) startCommands(commands context.Context) {
	for a.running < a.f.parallel && len(a.waiting) > 0 {
		j := a.waiting[0]
		a.waiting = a.waiting[1:]
		a.bytes -= len(j.payload)
		a.running++
		go func() {
			j.run(commands, a.e, a.command, a.f.wait)
			a.done <- j
			a.owner.Load().Wake()
		}()
	}
}

// collect moves the jobs whose commands have ended to unsent.
func (a *answerer) collect() {
	for {
		select {
		case j := <-a.done:
			a.running--
			a.ended(j)
		default:
			return
		}
	}
}

// publish publishes the answers of unsent jobs. A job whose answer the connection did not take
// stays for the next one.
func (a *answerer) publish(ctx context.Context, c *conn.Conn) error {
	for len(a.unsent) > 0 && (a.unsent[0].qos == 0 || c.Free() > 0) {
		j := a.unsent[0]
		p := a.message(c, j)
		err := c.Publish(ctx, p, j.number)
		wrong := message.Unsendable("answer", err)
		switch {
		case wrong != nil && (j.fault == "" || len(j.answer) > 0):
			j.answer, j.fault = nil, err.Error() // the error instead of the answer
			a.e.Warn("request on %s: %s", j.topic, j.fault)
			continue
		case wrong != nil:
			a.e.Warn("request on %s: no answer can be sent: %v", j.topic, err)
		case err != nil:
			return err
		}
		a.unsent = a.unsent[1:]
		if err != nil || p.QoS < 2 {
			a.answered(c, j)
		}
	}
	return nil
}

// ended handles a job whose command has ended, or is not started.
func (a *answerer) ended(j *job) {
	if j.fault != "" {
		a.e.Warn("request on %s: %s", j.topic, j.fault)
	}
	a.unsent = append(a.unsent, j)
}

// message returns the answer of a job.
func (a *answerer) message(c *conn.Conn, j *job) *proto.Publish {
	p := &proto.Publish{QoS: min(j.qos, c.Server().MaximumQoS), Topic: j.response, Payload: j.answer}
	if c.Version() < proto.V5 {
		return p
	}
	p.Props = slices.Clone(a.f.base)
	if j.correlation != nil {
		p.Props = p.Props.AppendValue(proto.CorrelationData, j.correlation)
	}
	if j.fault != "" {
		p.Props = p.Props.AppendPair(errorProperty, j.fault)
	}
	return p
}

// drain disconnects after an interrupt. The commands that run have some time to end, and their
// answers are published.
func (a *answerer) drain(ctx context.Context, c *conn.Conn) {
	if n := len(a.waiting); n > 0 {
		were := "were"
		if n == 1 {
			were = "was"
		}
		a.e.Note("%s %s not answered", format.Plural(uint64(n), "request"), were)
		a.waiting = nil
	}
	a.interrupt = true
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	for {
		a.collect()
		if a.publish(ctx, c) != nil || a.idle() && c.Pending() == 0 {
			break
		}
		ev, err := c.Next(ctx)
		if err != nil {
			break
		}
		if ev.Kind == conn.Message {
			a.request(c, ev.Message)
		} else {
			a.event(c, ev)
		}
	}
	connect.Close(c, a.f.Disconnect(a.plan))
}

// verdict returns the error of the run: err, or that an answer was refused.
func (a *answerer) verdict(ctx context.Context, err error) error {
	if err != nil {
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) && a.limit == 0 { // a signal is the usual end
			return cli.ErrQuiet
		}
		return err
	}
	return a.refused
}
