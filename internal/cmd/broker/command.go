package broker

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"mqtt/internal/cli"
	"mqtt/internal/transport"
)

// commandGrace is how long a command that was told twice to end may still take.
const commandGrace = 5 * time.Second

// runCommand runs a command with the broker's address in its environment, and returns its exit status as an error that
// says nothing more. Signals are the command's: it is served until it has ended, whatever comes. A third one, or some
// seconds after the second, kills it, and what it has started where that can be told from ours. Ctrl-C does not count.
// One that ended ctx before there was a command to tell ends us.
func runCommand(ctx context.Context, e *cli.Env, args []string, u transport.URL) error {
	c := exec.Command(args[0], args[1:]...)
	c.Stdin, c.Stdout, c.Stderr = e.In, cli.Inherit(e.Out), cli.Inherit(e.Err)
	c.Env = append(os.Environ(), "MQTT_URL="+u.String(), "MQTT_HOST="+u.Host, "MQTT_PORT="+u.Port)
	// On a terminal the command must be in our group to read from it, and hears of Ctrl-C by itself.
	shared := e.TTYIn || e.TTYOut || e.TTYErr
	tell := (*os.Process).Signal
	if !shared {
		tell = grouped(c)
	}
	bind(c)
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	var stay func()
	stay = func() { e.SecondSignal.Store(&stay) } // a second signal, and a third, must not end us here and now
	stay()
	defer e.SecondSignal.Store(nil)
	if err := ctx.Err(); err != nil {
		return err
	}
	over, err := launch(c)
	if err != nil {
		return cli.Fail(cannotRun(err), "name a program that can be run", "run %s: %w", args[0], err)
	}
	var came calls
	var late <-chan time.Time
	for {
		select {
		case err := <-over:
			if came.killed {
				return cli.ExitStatus(128 + int(came.last))
			}
			return commandStatus(err)
		case s := <-signals:
			if shared && s == syscall.SIGINT {
				continue // and may mean anything to it, any number of times
			}
			s = came.next(s)
			if came.asked == 2 && late == nil {
				late = time.After(commandGrace)
			}
			tell(c.Process, s)
		case <-late:
			came.killed = true
			tell(c.Process, syscall.SIGKILL)
		}
	}
}

// launch starts a command, and returns what tells of its end. What binds it to us binds it to the thread that has started
// it, which is kept until then.
func launch(c *exec.Cmd) (over <-chan error, err error) {
	started, end := make(chan error), make(chan error, 1)
	go func() { // ends with the command
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := c.Start()
		started <- err
		if err == nil {
			end <- c.Wait()
		}
	}()
	return end, <-started
}

// calls are the signals that came for a command.
type calls struct {
	asked  int            // how often it was to end
	last   syscall.Signal // of those
	killed bool           // and no signal takes that back
}

// next returns what the command gets for a signal that came.
func (c *calls) next(s os.Signal) os.Signal {
	if s != syscall.SIGHUP {
		c.last, _ = s.(syscall.Signal)
		c.asked++
	}
	if c.killed = c.killed || c.asked > 2; c.killed {
		return syscall.SIGKILL
	}
	return s
}

// cannotRun is the status of a command that could not be started, as shells have it.
func cannotRun(err error) int {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return 127
	}
	return 126
}

// commandStatus turns the end of a command into ours.
func commandStatus(err error) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	if ws, ok := exit.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return cli.ExitStatus(128 + int(ws.Signal()))
	}
	return cli.ExitStatus(exit.ExitCode())
}
