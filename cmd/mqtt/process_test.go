package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience is how long a test waits for something to happen. An idle machine needs far less; tests also
// pass on a busy one.
const patience = time.Minute

// process is a program in the background. Its goroutine ends with the program, which kill ends.
type process struct {
	name     string
	cmd      *exec.Cmd
	stdin    io.WriteCloser
	out, err transcript
	done     chan struct{}
	waited   error
	after    func()  // what is to be closed behind it
	screen   *screen // what its terminal shows; nil without start -screen
}

// transcript holds what a program has written so far.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{} // closed at the next write
}

func (t *transcript) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.more != nil {
		close(t.more)
		t.more = nil
	}
	return t.text.Write(b)
}

// look returns the text, and a channel that is closed once there is more.
func (t *transcript) look() (string, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.more == nil {
		t.more = make(chan struct{})
	}
	return t.text.String(), t.more
}

func (t *transcript) String() string {
	s, _ := t.look()
	return s
}

// launch starts cmd in the script's folder with its environment.
func (w *world) launch(ts *testscript.TestScript, name string, cmd *exec.Cmd, terminal, drawn bool) (*process, error) {
	if old := w.processes[name]; old != nil && !old.over() {
		return nil, fmt.Errorf("%s is running already", name)
	}
	p := &process{name: name, cmd: cmd, done: make(chan struct{}), after: func() {}}
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = w.environ(ts)
	if terminal {
		if err := p.onTerminal(drawn); err != nil {
			return nil, err
		}
	} else {
		cmd.Stdout, cmd.Stderr = &p.out, &p.err
		var err error
		if p.stdin, err = cmd.StdinPipe(); err != nil {
			return nil, err
		}
	}
	if err := cmd.Start(); err != nil {
		p.after()
		return nil, err
	}
	go func() {
		p.waited = cmd.Wait()
		p.after()
		close(p.done)
	}()
	w.processes[name] = p
	w.order = append(w.order, p)
	return p, nil
}

// onTerminal connects the process to a terminal of its own, which is drawn if drawn is set. The
// goroutine ends once the process has closed it.
func (p *process) onTerminal(drawn bool) error {
	control, terminal, err := openTerminal()
	if err != nil {
		return err
	}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = terminal, terminal, terminal
	p.cmd.SysProcAttr = terminalAttributes()
	p.stdin = control
	read := make(chan struct{})
	var out io.Writer = &p.out
	if drawn {
		p.screen = newScreen(control)
		out = io.MultiWriter(p.screen, out)
	}
	go func() {
		io.Copy(out, control)
		close(read)
	}()
	p.after = func() {
		terminal.Close()
		<-read
		control.Close()
		if p.screen != nil {
			p.screen.close()
		}
	}
	return nil
}

func (p *process) over() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

func (p *process) kill() {
	if !p.over() {
		p.cmd.Process.Kill()
		<-p.done
	}
}

// status returns the exit status as a shell reports it.
func (p *process) status() int { return statusOf(p.waited) }

func statusOf(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case !errors.As(err, &exit):
		return -1
	}
	if s, ok := exit.Sys().(syscall.WaitStatus); ok && s.Signaled() {
		return 128 + int(s.Signal())
	}
	return exit.ExitCode()
}

// wait ends the script unless the process ends in time.
func (p *process) wait(ts *testscript.TestScript) {
	select {
	case <-p.done:
	case <-time.After(patience):
		p.fatal(ts, "is still running after %s", patience)
	}
}

// fatal ends the script with the output of the process.
func (p *process) fatal(ts *testscript.TestScript, text string, args ...any) {
	ts.Fatalf("%s %s\n[its stdout]\n%s[its stderr]\n%s", p.name, fmt.Sprintf(text, args...), p.out.String(), p.err.String())
}

func running(ts *testscript.TestScript, name string) *process {
	p := worldOf(ts).processes[name]
	if p == nil {
		ts.Fatalf("nothing was started under the name %s", name)
	}
	return p
}

func cmdStatus(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, len(args) >= 2, "status N CMD...")
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := statusOf(ts.Exec(args[1], args[2:]...)); got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

func cmdStart(ts *testscript.TestScript, neg bool, args []string) {
	drawn := len(args) > 0 && args[0] == "-screen"
	terminal := drawn || len(args) > 0 && args[0] == "-tty"
	if terminal {
		args = args[1:]
	}
	need(ts, neg, len(args) >= 2, "start [-tty | -screen] NAME CMD...")
	path, err := exec.LookPath(args[1])
	ts.Check(err)
	_, err = worldOf(ts).launch(ts, args[0], exec.Command(path, args[2:]...), terminal, drawn)
	ts.Check(err)
}

func cmdSay(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, len(args) == 2, "say NAME LINE")
	_, err := io.WriteString(running(ts, args[0]).stdin, args[1]+"\n")
	ts.Check(err)
}

func cmdHush(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, len(args) == 1, "hush NAME")
	ts.Check(running(ts, args[0]).stdin.Close())
}

func cmdAwait(ts *testscript.TestScript, neg bool, args []string) {
	const form = "await [-stderr] [-count=N] NAME PATTERN"
	stderr, count := false, 1
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		if n, ok := strings.CutPrefix(args[0], "-count="); ok {
			var err error
			count, err = strconv.Atoi(n)
			ts.Check(err)
		} else {
			need(ts, neg, args[0] == "-stderr", form)
			stderr = true
		}
		args = args[1:]
	}
	need(ts, neg, len(args) == 2, form)
	p := running(ts, args[0])
	pattern, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	t := &p.out
	if stderr {
		t = &p.err
	}
	limit := time.After(patience)
	for {
		over := p.over() // before the look: then it has said all
		text, more := t.look()
		if len(pattern.FindAllString(text, count)) >= count {
			return
		}
		if over {
			p.fatal(ts, "ended with status %d and without %q", p.status(), args[1])
		}
		select {
		case <-more:
		case <-p.done:
		case <-limit:
			p.fatal(ts, "did not say %q", args[1])
		}
	}
}

func cmdSignal(ts *testscript.TestScript, neg bool, args []string) {
	late := len(args) > 0 && args[0] == "-late"
	if late {
		args = args[1:]
	}
	need(ts, neg, len(args) == 2, "signal [-late] NAME INT|TERM|HUP|STOP|CONT|KILL")
	sig, ok := signals()[args[1]]
	if !ok {
		ts.Fatalf("no signal %s here", args[1])
	}
	if err := running(ts, args[0]).cmd.Process.Signal(sig); !late || !errors.Is(err, os.ErrProcessDone) {
		ts.Check(err)
	}
}

func cmdEnded(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, len(args) == 1 || len(args) == 2, "ended NAME [STATUS]")
	want := 0
	if len(args) == 2 {
		var err error
		want, err = strconv.Atoi(args[1])
		ts.Check(err)
	}
	p := running(ts, args[0])
	p.wait(ts)
	io.WriteString(ts.Stdout(), p.out.String())
	io.WriteString(ts.Stderr(), p.err.String())
	if got := p.status(); got != want {
		p.fatal(ts, "ended with status %d, want %d", got, want)
	}
}

func cmdReal(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: real CMD...")
	}
	path := outside(worldOf(ts).tb, args[0])
	err := ts.Exec(path, args[1:]...)
	switch {
	case err != nil && !neg:
		ts.Fatalf("%s: %v", args[0], err)
	case err == nil && neg:
		ts.Fatalf("%s: ended well, and should have failed", args[0])
	}
}

func signals() map[string]os.Signal {
	m := map[string]os.Signal{"INT": os.Interrupt, "KILL": os.Kill}
	for name, sig := range moreSignals() {
		m[name] = sig
	}
	return m
}
