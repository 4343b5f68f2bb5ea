package cmdtest

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"mqtt/internal/cli"
	"mqtt/internal/cli/clitest"
)

// Patience is how long a test waits for something to happen. It is far more than an idle machine
// needs, so that tests pass on a busy one.
const Patience = time.Minute

// Command is a command and what surrounds it.
type Command struct {
	New func(*cli.Env) *cobra.Command

	// Others are further commands of the tree, for a command that looks at them.
	Others []func(*cli.Env) *cobra.Command

	In   io.Reader // stdin; nil is empty
	Out  io.Writer // stdout; nil is Running.Out
	Vars []string  // environment variables, each as NAME=VALUE; there are no others
	Tool string    // mosquitto_pub, mosquitto_sub or mosquitto_rr to run under that name
}

// Result is how a command ended.
type Result struct {
	Status   int
	Out, Err string
}

// Run runs the command to its end.
func (c Command) Run(t testing.TB, args ...string) Result {
	t.Helper()
	return c.Start(t, args...).Wait(t)
}

// Running is a command that was started.
type Running struct {
	Out, Err *Transcript

	cancel context.CancelCauseFunc
	done   chan struct{}
	status int
}

// Start starts the command in a goroutine, which ends with the command. The end of the test
// interrupts it.
func (c Command) Start(t testing.TB, args ...string) *Running {
	t.Helper()
	r := &Running{Out: newTranscript(), Err: newTranscript(), done: make(chan struct{})}
	e := clitest.Env(r.Out, r.Err, c.Vars...)
	if c.Out != nil {
		e.Out = c.Out
	}
	e.Tool = c.Tool
	if c.In != nil {
		e.In = c.In
	}
	root := c.tree(e)
	e.Tree = func([]string) *cobra.Command { return c.tree(e) }
	name := c.New(e).Name()
	root.SetArgs(append([]string{name}, args...))
	root.SetOut(r.Out)
	root.SetErr(r.Err)
	var ctx context.Context
	ctx, r.cancel = context.WithCancelCause(context.Background())
	go func() {
		defer close(r.done)
		err := root.ExecuteContext(ctx)
		r.status = e.Finish(ctx, "mqtt "+name, e.WithOrigin(err))
	}()
	t.Cleanup(func() {
		r.Signal(syscall.SIGINT)
		r.Wait(t)
	})
	return r
}

// tree returns a root command with the subcommands.
func (c Command) tree(e *cli.Env) *cobra.Command {
	root := &cobra.Command{Use: "mqtt", SilenceErrors: true, SilenceUsage: true}
	root.SetFlagErrorFunc(cli.FlagError)
	root.PersistentFlags().Bool("help", false, "print help and exit") // without -h, which is --host
	root.AddCommand(c.New(e))
	for _, build := range c.Others {
		root.AddCommand(build(e))
	}
	return root
}

// Signal ends the command's context as the first signal of that kind does.
func (r *Running) Signal(s syscall.Signal) { r.cancel(cli.Signaled{Signal: s}) }

// Wait waits until the command has ended.
func (r *Running) Wait(t testing.TB) Result {
	t.Helper()
	select {
	case <-r.done:
	case <-time.After(Patience):
		t.Fatalf("the command still runs\nstdout: %s\nstderr: %s", r.Out, r.Err)
	}
	r.cancel(nil)
	return Result{r.status, r.Out.String(), r.Err.String()}
}

// Transcript is what a command has written.
type Transcript struct {
	mu      sync.Mutex
	buf     bytes.Buffer
	changed chan struct{} // closed by the next Write
}

func newTranscript() *Transcript { return &Transcript{changed: make(chan struct{})} }

// Write appends b.
func (w *Transcript) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.changed)
	w.changed = make(chan struct{})
	return w.buf.Write(b)
}

// String returns everything written so far.
func (w *Transcript) String() string {
	s, _ := w.look()
	return s
}

func (w *Transcript) look() (string, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String(), w.changed
}

// Await waits until the transcript contains text.
func (w *Transcript) Await(t testing.TB, text string) {
	t.Helper()
	limit := time.After(Patience)
	for {
		s, changed := w.look()
		if strings.Contains(s, text) {
			return
		}
		select {
		case <-changed:
		case <-limit:
			t.Fatalf("%q was not written; written was %q", text, s)
		}
	}
}
