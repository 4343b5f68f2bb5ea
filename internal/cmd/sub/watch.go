package sub

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"regexp"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"mqtt/internal/cli"
	"mqtt/internal/conn"
	"mqtt/internal/format"
	"mqtt/internal/message"
	"mqtt/internal/proto"
	topics "mqtt/internal/watch"
	"mqtt/internal/watch/screen"
)

// watch is the Sink of sub --watch. It puts messages into a screen, and publishes what is typed
// there.
type watch struct {
	e       *cli.Env
	screen  *screen.Screen
	started bool
	ended   atomic.Bool // by the run, not by a key
	err     error       // that ended the screen
	cancel  context.CancelCauseFunc
	now     time.Time // when the messages since the last Flush were received

	stderr *heldBack // instead of the terminal, while there is a picture on it; nil if it is elsewhere
	hangup chan os.Signal
}

// checkWatch returns an error if --watch cannot be combined with other flags, or has no terminal.
// traced reports whether packets are shown on stderr.
func (f *flags) checkWatch(e *cli.Env, fs *pflag.FlagSet, traced bool) error {
	payload, _ := fs.GetString("payload")
	switch {
	case f.output.JSON || fs.Changed("format") || f.output.Verbose:
		return cli.BadFlag("-w", " with -J, -F or -v", "leave it out: the view shows topics, payloads and properties")
	case payload != "text" && payload != "hex":
		return cli.BadFlag("-w", " with --payload "+payload, "expected text or hex")
	case !e.TTYOut:
		return cli.BadFlag("-w", ": stdout is not a terminal", "use -v to print topics and payloads")
	case !e.Draws(e.TTYOut):
		return cli.BadFlag("-w", ": the terminal cannot move its cursor (TERM=dumb)", "use -v to print topics and payloads")
	case traced && e.TTYErr:
		return cli.BadFlag("-w", " with -d: both would write to the terminal", "redirect the packets: 2> packets.txt")
	}
	return nil
}

// newWatch returns a watch that draws nothing before begin.
func newWatch(e *cli.Env, fs *pflag.FlagSet, server string, decoder *message.Decoder) *watch {
	w := &watch{e: e}
	cfg := screen.Config{Server: server, Palette: format.NewPalette(e.Colored(e.TTYOut)), Limits: topics.DefaultLimits(), Quit: w.quit}
	if payload, _ := fs.GetString("payload"); payload == "hex" {
		cfg.Form = topics.Hex
	}
	if decoder != nil {
		cfg.Decode = decoder.Explain
	}
	w.screen = screen.New(cfg)
	return w
}

// quit ends the run when the screen has ended: with err, or as Ctrl-C does.
func (w *watch) quit(err error) {
	switch {
	case w.ended.Load():
	case err != nil:
		w.cancel(err)
	default:
		w.e.Raise(syscall.SIGINT)
	}
}

// begin takes over the terminal at the first connection, and shows the state of each.
func (w *watch) begin(c *conn.Conn) error {
	w.screen.SetConnection(screen.Connection{Phase: screen.Connected, ClientID: c.ID(), Version: c.Version()}, c.Wake)
	if w.started {
		return nil
	}
	out, ok := cli.Inherit(w.e.Out).(*os.File)
	if !ok {
		return errors.New("stdout is not a terminal")
	}
	in, _ := w.e.In.(*os.File)
	if !w.e.TTYIn {
		in = nil // the terminal is opened by its name
	}
	w.e.InstallSignals()
	restore := func() { w.screen.Stop() }
	w.e.BeforeExit.Store(&restore)
	w.awaitHangup()
	if w.e.TTYErr {
		w.stderr = &heldBack{screen: w.screen, to: w.e.Err, colors: regexp.MustCompile("\x1b\\[[0-9;]*m")}
		w.e.Err = w.stderr
	}
	w.started = true
	return w.screen.Start(in, out)
}

// awaitHangup makes the loss of the terminal end the run, so that it ends with DISCONNECT. The
// goroutine ends with end.
func (w *watch) awaitHangup() {
	w.hangup = make(chan os.Signal, 1)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(w.hangup, syscall.SIGHUP)
	}
	go func() {
		if _, ok := <-w.hangup; ok {
			w.e.Raise(syscall.SIGHUP)
		}
	}()
}

// end restores the terminal, and writes to it what was held back. It returns the error that ended the
// picture, if one did.
func (w *watch) end() error {
	if !w.started {
		return w.err
	}
	w.started = false
	w.ended.Store(true)
	w.err = w.screen.Stop()
	w.e.BeforeExit.Store(nil)
	signal.Stop(w.hangup)
	close(w.hangup)
	if w.stderr != nil {
		w.e.Err = w.stderr.to
		w.stderr.release()
	}
	return w.err
}

// lost shows that the connection was lost. wait is the time until the next attempt; 0 if it is not
// known.
func (w *watch) lost(err error, wait time.Duration) {
	c := screen.Connection{Phase: screen.Lost, Reason: err.Error()}
	if wait > 0 {
		c.Retry = time.Now().Add(wait)
	}
	w.screen.SetConnection(c, nil)
}

// noticeLosses shows losses in the picture, once there is one.
func (w *watch) noticeLosses(b *conn.Backoff) {
	notice := b.Notice
	b.Notice = func(err error, wait time.Duration) {
		if w.started {
			w.lost(err, wait)
		}
		notice(err, wait)
	}
}

// publish publishes what was typed since the last call.
func (w *watch) publish(ctx context.Context, c *conn.Conn) error {
	for {
		r, ok := w.screen.Take()
		if !ok {
			return nil
		}
		p := proto.Publish{QoS: r.QoS, Retain: r.Retain, Topic: []byte(r.Topic), Payload: r.Payload}
		if r.Clear {
			p.QoS = min(p.QoS, c.Server().MaximumQoS)
		}
		err := c.Publish(ctx, &p, r.ID)
		var limit *conn.Limit
		var invalid *proto.Error
		switch {
		case err == nil && p.QoS == 0:
			w.screen.Answer(r.ID, "")
		case errors.Is(err, conn.ErrWindow):
			w.screen.Answer(r.ID, "too many messages are in flight")
		case errors.As(err, &limit), errors.As(err, &invalid):
			w.screen.Answer(r.ID, err.Error())
		case err != nil:
			w.screen.Answer(r.ID, err.Error())
			return err
		}
	}
}

// delivered shows the acknowledgement of a message that publish has sent. It reports whether ev is one.
func (w *watch) delivered(ev conn.Event) bool {
	if ev.Tag == 0 {
		return false
	}
	problem := ""
	if ev.Reason.Failed() {
		problem = ev.Reason.Explain(proto.PUBACK, ev.Props())
	}
	w.screen.Answer(ev.Tag, problem)
	return true
}

// Put puts a message into the picture.
func (w *watch) Put(v proto.Version, p *proto.Publish, _ []byte) error {
	if w.now.IsZero() {
		w.now = time.Now() // one read brought all messages up to the next Flush
	}
	w.screen.Put(v, p, w.now)
	return nil
}

// Flush does nothing else: what Put has taken is in the model, and is drawn soon.
func (w *watch) Flush() error {
	w.now = time.Time{}
	return nil
}

// Due returns zero: the screen draws by itself.
func (w *watch) Due() time.Time { return time.Time{} }

// Lost reports false: every message has been counted.
func (w *watch) Lost() bool { return false }

// Close restores the terminal.
func (w *watch) Close() { w.end() }

// heldBack is stderr while a picture is on its terminal: it shows each line in the picture, and keeps
// the last ones until the terminal is free.
type heldBack struct {
	screen *screen.Screen
	to     io.Writer
	colors *regexp.Regexp // matches them; the picture has colours of its own

	mu    sync.Mutex
	lines [][]byte
}

// heldLines is how many lines are kept.
const heldLines = 20

// Write takes whole lines.
func (h *heldBack) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for line := range bytes.Lines(b) {
		h.lines = append(h.lines, bytes.Clone(line))
		text := bytes.TrimPrefix(bytes.TrimSpace(h.colors.ReplaceAll(line, nil)), []byte("mqtt: "))
		h.screen.Note(string(text), bytes.HasPrefix(text, []byte("warning:")))
	}
	if surplus := len(h.lines) - heldLines; surplus > 0 {
		h.lines = h.lines[surplus:]
	}
	return len(b), nil
}

// release writes the lines.
func (h *heldBack) release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, line := range h.lines {
		h.to.Write(line)
	}
	h.lines = nil
}
