package sub

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/conn"
	"mqtt/internal/proto"
	"mqtt/internal/serve"
)

// commandFlags say how the command after -- is run.
type commandFlags struct {
	parallel int
	onError  string
}

// register adds the flags to fs.
func (f *commandFlags) register(fs *pflag.FlagSet) {
	fs.IntVar(&f.parallel, "parallel", 1, "run `N` commands at a time (requires -- COMMAND)")
	fs.StringVar(&f.onError, "on-error", "stop", "when the command fails, `ACTION`: stop, continue or retry")
}

// compile returns what runs the command after --, or nil if there is none.
func (f *commandFlags) compile(e *cli.Env, c *cobra.Command) (*commands, error) {
	fs, args := c.Flags(), c.Flags().Args()
	at := c.ArgsLenAtDash()
	if at < 0 || at > 0 {
		if err := cli.NoArguments(c, args); err != nil {
			return nil, err
		}
	}
	switch f.onError {
	case "stop", "continue", "retry":
	default:
		return nil, cli.BadValue("--on-error", f.onError, "expected stop, continue or retry")
	}
	if f.parallel < 1 || f.parallel > 1000 {
		return nil, cli.BadNumber("--parallel", f.parallel, "expected 1 to 1000")
	}
	if len(args) == 0 {
		for _, name := range []string{"parallel", "on-error"} {
			if fs.Changed(name) {
				return nil, cli.BadFlag("--"+name, " without a command", "the command follows --, at the end: -- COMMAND")
			}
		}
		return nil, nil
	}
	for _, name := range []string{"verbose", "format", "json", "pretty", "no-newline", "payload", "watch", "message-rate", "remove-retained"} {
		if fs.Changed(name) {
			return nil, cli.BadFlag("--"+name, " with a command", "the command gets the payload on its standard input")
		}
	}
	if _, err := exec.LookPath(args[0]); err != nil {
		return nil, cli.Usage("-- "+args[0]+": "+err.Error(), "check the name and path of the program")
	}
	r := &commands{e: e, commandFlags: *f, args: args, bell: make(chan struct{})}
	r.ctx, r.stop = context.WithCancel(context.WithoutCancel(c.Context()))
	return r, nil
}

// commands runs a command for each message, across connections. A message is acknowledged when its
// command has succeeded, so a server that keeps the session delivers it again otherwise.
type commands struct {
	commandFlags
	e    *cli.Env
	args []string
	ctx  context.Context // of the commands
	stop func()          // ends it

	owner   atomic.Pointer[conn.Conn] // woken when a command has ended
	next    *work                     // of the message that is being handled; nil if no command is to run for it
	running int
	waited  bool // await had to wait

	mu    sync.Mutex
	ended []*work       // not collected yet
	bell  chan struct{} // closed when ended has work
}

// work is a message for which the command runs: once, or once for each result of --jq.
type work struct {
	topic   string
	inputs  [][]byte
	environ []string
	owed    conn.Deferred
	err     error // of the command
}

// add notes that the command is to get input for p.
func (r *commands) add(p *proto.Publish, input []byte) {
	if r.next == nil {
		retain := "0"
		if p.Retain {
			retain = "1"
		}
		r.next = &work{topic: string(p.Topic), environ: append(serve.PropertyVariables(propertyPrefix, p.Props),
			"MQTT_TOPIC="+string(p.Topic), "MQTT_QOS="+strconv.Itoa(int(p.QoS)), "MQTT_RETAIN="+retain)}
	}
	r.next.inputs = append(r.next.inputs, bytes.Clone(input))
}

// propertyPrefix begins the names of the variables that are properties.
const propertyPrefix = "MQTT_PROPERTY_"

// start starts the command for the message that add was called for, if it was. owed is its
// acknowledgement. Each goroutine ends with its command, and drain or end waits for it.
func (r *commands) start(c *conn.Conn) {
	w := r.next
	if w == nil {
		return
	}
	r.next = nil
	w.owed = c.Defer()
	r.running++
	go func() {
		w.err = r.run(w)
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.ended) == 0 {
			close(r.bell)
		}
		r.ended = append(r.ended, w)
		r.owner.Load().Wake()
	}()
}

// The first and the longest pause before a command is run again.
const (
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
)

// run runs the command for each input of w.
func (r *commands) run(w *work) error {
	environ := slices.DeleteFunc(cli.CommandEnviron(), func(v string) bool { return strings.HasPrefix(v, propertyPrefix) })
	environ = append(environ, w.environ...)
	pause := firstRetry
	for i := 0; i < len(w.inputs); {
		c := exec.CommandContext(r.ctx, r.args[0], r.args[1:]...)
		c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(w.inputs[i]), cli.Inherit(r.e.Out), cli.Inherit(r.e.Err)
		c.Env = append(slices.Clip(environ), "MQTT_PAYLOAD_SIZE="+strconv.Itoa(len(w.inputs[i])))
		err := serve.RunChild(r.ctx, c)
		switch {
		case err == nil:
			i++
			pause = firstRetry
		case r.ctx.Err() != nil || r.onError == "stop":
			return err
		case r.onError == "continue":
			r.e.Warn("%s: the command failed: %v", w.topic, err)
			i++
		default:
			r.e.Warn("%s: the command failed: %v; retrying in %s", w.topic, err, pause)
			select {
			case <-time.After(pause):
			case <-r.ctx.Done():
				return err
			}
			pause = min(2*pause, lastRetry)
		}
	}
	return nil
}

// collect acknowledges the messages whose commands have succeeded. It returns the error of one that
// failed.
func (r *commands) collect(c *conn.Conn) (err error) {
	r.mu.Lock()
	ended := r.ended
	if len(ended) > 0 {
		r.ended, r.bell = nil, make(chan struct{})
	}
	r.mu.Unlock()
	for _, w := range ended {
		r.running--
		switch {
		case w.err == nil:
			c.Acknowledge(w.owed)
		case err == nil && r.ctx.Err() == nil:
			err = cli.Fail(cli.ExitOther, "the message is not acknowledged; --on-error retry runs the command again, continue goes on", "%w",
				fmt.Errorf("%s: the command failed: %w", w.topic, w.err))
		}
	}
	if len(ended) > 0 {
		c.Confirm()
	}
	return err
}

// await collects, and waits until fewer than most commands run. Meanwhile c is kept alive and not read:
// the server has to wait, too.
func (r *commands) await(ctx context.Context, c *conn.Conn, most int) error {
	for {
		if err := r.collect(c); err != nil || r.running < most {
			return err
		}
		r.waited = true
		r.mu.Lock()
		bell := r.bell
		r.mu.Unlock()
		if err := c.Await(ctx, bell); err != nil {
			return err
		}
	}
}

// drainTimeout is how long commands may run after the end of the run before they are ended.
const drainTimeout = 5 * time.Second

// drain waits for the commands that run, before the connection is closed. After a signal or a time
// limit they have some time to end.
func (r *commands) drain(ctx context.Context, c *conn.Conn) error {
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
		defer cancel()
	}
	err := r.await(ctx, c, 1)
	if r.running > 0 && ctx.Err() == nil { // one failed: the others end by themselves
		return cli.FirstError(err, r.drain(ctx, c))
	}
	if r.running > 0 {
		r.stop()
		r.await(context.WithoutCancel(ctx), c, 1)
		return nil
	}
	return err
}

// end ends the commands that still run, without a connection.
func (r *commands) end() {
	r.stop()
	for r.running > 0 {
		r.mu.Lock()
		bell := r.bell
		r.mu.Unlock()
		<-bell
		r.mu.Lock()
		r.running -= len(r.ended)
		r.ended, r.bell = nil, make(chan struct{})
		r.mu.Unlock()
	}
}
