package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"mqtt/internal/bench"
	"mqtt/internal/cli"
	"mqtt/internal/format"
	"mqtt/internal/proto"
	"mqtt/internal/proxy"
	"mqtt/internal/serve"
	"mqtt/internal/transport"
)

const (
	// ownFiles is how many descriptors the process keeps for what is no relayed connection.
	ownFiles = 24
	// mostConnections is how many connections are relayed at one time, if the system allows so many files.
	mostConnections = 100_000
	// writeTime is how long the last lines may take to be written.
	writeTime = 2 * time.Second
)

// job is a run of the proxy.
type job struct {
	f       *flags
	e       *cli.Env
	p       *proxy.Proxy
	outputs []*output
	reports reports
	verdict *verdict // nil without --rules
	failed  chan error
}

// output is where packets are written to.
type output struct {
	name string // flag and file, for messages
	log  *proxy.Log
	file io.Closer // nil for stdout and stderr
}

func (f *flags) run(ctx context.Context, e *cli.Env, fs *pflag.FlagSet, command []string) (err error) {
	ctx, release := serve.UntilSignal(ctx)
	defer release()
	plan, err := f.check(ctx, e, fs, len(command) > 0)
	if err != nil {
		return err
	}
	j := &job{f: f, e: e, failed: make(chan error, 8)}
	log := &serve.Journal{W: cli.Inherit(e.Err), Missed: func(w io.Writer, lines int) {
		fmt.Fprintf(w, "mqtt proxy: %d lines are missing here: stderr was not read\n", lines)
	}}
	j.reports.write = func(line string) { log.Write([]byte(line + "\n")) }
	opt := proxy.Options{
		Connections: mostConnections,
		Look:        f.control != "" || e.TTYIn && len(command) == 0,
		Faults:      plan.faults,
		Dial: func(ctx context.Context) (net.Conn, error) {
			return transport.Dial(ctx, plan.target, nil)
		},
		Report: j.report,
	}
	if files := bench.Descriptors(); files > 0 {
		opt.Connections = min(opt.Connections, max((files-ownFiles)/2, 1))
	}
	if f.rules {
		j.verdict = newVerdict(j.reports.write)
		opt.Rules, opt.Violation = true, j.verdict.add
	}
	if opt.Watchers, err = j.open(); err != nil {
		j.close()
		return err
	}
	if d := plan.decode; d != nil {
		d.Warn = func(text string, args ...any) {
			if !e.Quiet {
				j.reports.add("mqtt proxy: warning: " + string(format.VisibleLine(nil, fmt.Appendf(nil, text, args...))))
			}
		}
		opt.Watchers = []proxy.Watcher{&proxy.Decoding{Watchers: opt.Watchers, Decode: func(p *proto.Publish) []byte {
			text, _ := d.Decode(p) // an error ends a run with --on-invalid stop, which proxy does not have
			return text
		}}}
	}
	j.p = proxy.New(opt)
	defer func() { err = j.end(err, len(command) > 0) }()
	plan.end.AcceptFailed = func(err error, wait time.Duration) {
		if wait >= 100*time.Millisecond {
			e.Warn("accept failed, retrying: %v", err)
		}
	}
	l, err := transport.Listen(ctx, plan.end)
	if err != nil {
		return cli.Fail(cli.ExitUsage, transport.Hint(err), "--listen: %w", err)
	}
	stop, err := j.control(ctx)
	if err != nil {
		l.Close()
		return err
	}
	defer stop()
	serving := context.WithoutCancel(ctx) // signals are for the command, if there is one
	serving, cancel := context.WithCancel(serving)
	var background sync.WaitGroup
	defer func() { cancel(); background.Wait() }()
	background.Go(func() {
		if err := j.p.Serve(serving, l); err != nil {
			j.failed <- err
		}
	})
	background.Go(func() { j.probe(serving, plan) })
	if err := j.announce(l.URL(), plan.to, len(command) > 0); err != nil {
		return err
	}
	if len(command) > 0 {
		return serve.Run(ctx, e, command, serve.Environ(l.URL()))
	}
	return j.attend(ctx)
}

// open opens what packets are written to.
func (j *job) open() (watchers []proxy.Watcher, err error) {
	f := j.f
	if j.e.Debug {
		log := j.output("-d", j.e.Err, nil)
		watchers = append(watchers, proxy.Trace{Log: log, Ink: j.e.Palette()})
	}
	if f.json {
		watchers = append(watchers, proxy.Records{Log: j.output("stdout", j.e.Out, nil)})
	}
	if f.record != "" {
		file, err := create("--record", f.record)
		if err != nil {
			return nil, err
		}
		watchers = append(watchers, proxy.Records{Log: j.output("--record "+f.record, file, file)})
	}
	if f.pcap != "" {
		file, err := create("--pcap", f.pcap)
		if err != nil {
			return nil, err
		}
		watchers = append(watchers, proxy.NewPcap(j.output("--pcap "+f.pcap, file, file)))
	}
	return watchers, nil
}

// create creates a file, which only its owner may read: it has what people say.
func create(flag, name string) (*os.File, error) {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, cli.BadFlag(flag, ": "+err.Error(), "check that the folder exists and is writable")
	}
	return file, nil
}

func (j *job) output(name string, w io.Writer, file io.Closer) *proxy.Log {
	o := &output{name: name, file: file}
	o.log = proxy.NewLog(w, func(err error) { j.lost(o, err) })
	j.outputs = append(j.outputs, o)
	return o.log
}

// lost is called when an output takes no more. The proxy continues, except without a reader of stdout.
func (j *job) lost(o *output, err error) {
	if o.name == "stdout" {
		if errors.Is(err, syscall.EPIPE) {
			err = cli.ErrQuiet
		} else {
			err = fmt.Errorf("write output: %w", err)
		}
		select {
		case j.failed <- err:
		default:
		}
		return
	}
	j.reports.write("mqtt proxy: " + o.name + ": " + reason(err) + "; the rest is not written, and the proxy keeps running")
}

// reason returns the text of an error without the name of the file.
func reason(err error) string {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}

// probe tells at once if the server cannot be reached.
func (j *job) probe(ctx context.Context, plan *plan) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	conn, err := transport.Dial(ctx, plan.target, nil)
	if err == nil {
		conn.Close()
		return
	}
	if context.Cause(ctx) != context.Canceled {
		j.reports.write(failure("mqtt proxy: the server at "+plan.to+" cannot be reached", err) + "; the proxy keeps running")
	}
}

func (j *job) announce(u transport.URL, to string, private bool) error {
	line := u.String() + "\n"
	if j.f.readyFile != "" {
		if err := serve.WriteReady(j.f.readyFile, []byte(line)); err != nil {
			return err
		}
	}
	if j.f.printURL {
		if _, err := j.e.Out.Write([]byte(line)); err != nil {
			return fmt.Errorf("write output: %w", err)
		}
	} else if !private {
		j.e.Note("listening on %s, relaying to %s", u, to)
	}
	return nil
}

// close closes the outputs, and reports whether something could not be written.
func (j *job) close() (lost bool) {
	for _, o := range j.outputs {
		err := o.log.Close(writeTime)
		if errors.Is(err, proxy.ErrStuck) {
			j.lost(o, err)
		}
		if o.file != nil {
			if late := o.file.Close(); late != nil && err == nil {
				err = late
				j.lost(o, err)
			}
		}
		lost = lost || err != nil && !(o.name == "stdout" && errors.Is(err, syscall.EPIPE))
	}
	return lost
}

// end ends the connections and outputs, and returns the result of the run: err, or the status that a
// violation means, or a lost output unless the status is a command's.
func (j *job) end(err error, command bool) error {
	for _, o := range j.outputs {
		o.log.Release() // a connection must not wait for a stuck output now
	}
	j.p.Close()
	lost := j.close()
	j.reports.end()
	broken := j.verdict.summary()
	switch {
	case err != nil && !errors.Is(err, cli.ErrQuiet):
		return err
	case broken:
		return cli.ExitStatus(cli.ExitExpected)
	case lost && !command:
		return cli.ExitStatus(cli.ExitOther) // it was reported when it happened
	}
	return err
}
