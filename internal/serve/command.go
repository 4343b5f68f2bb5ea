package serve

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

// commandGrace is how long a command may continue after the second signal to end.
const commandGrace = 5 * time.Second

// Run runs a command with the environment env, and returns its exit status as an error without text. Signals are
// passed on to the command, while this process serves. The third signal, or commandGrace after the second, kills the
// command, and its process group if that is not ours. Ctrl-C on a terminal does not count. A signal that ended ctx
// before the command started is the result.
func Run(ctx context.Context, e *cli.Env, args, env []string) error {
	c := exec.Command(args[0], args[1:]...)
	c.Stdin, c.Stdout, c.Stderr = e.In, cli.Inherit(e.Out), cli.Inherit(e.Err)
	c.Env = env
	// On a terminal the command must be in our process group to read from it, and gets Ctrl-C by itself.
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
	stay = func() { e.SecondSignal.Store(&stay) } // further signals must not end this process at once
	stay()
	defer e.SecondSignal.Store(nil)
	if err := ctx.Err(); err != nil {
		return err
	}
	over, err := launch(c)
	if err != nil {
		return cli.Fail(cannotRun(err), "check the name and path of the program", "run %s: %w", args[0], err)
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
				continue // the command has it already, and may use it for anything
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

// Environ returns the environment of a command that is to connect to u.
func Environ(u transport.URL) []string {
	return append(cli.CommandEnviron(), "MQTT_URL="+u.String(), "MQTT_HOST="+u.Host, "MQTT_PORT="+u.Port)
}

// launch starts a command, and returns a channel that receives the result of its end. The thread that starts it
// is kept until then: with it, the system would kill the command.
func launch(c *exec.Cmd) (over <-chan error, err error) {
	started, end := make(chan error), make(chan error, 1)
	go func() { // ends with the command
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := c.Start()
		started <- err
		if err != nil {
			return
		}
		stop := reapOrphans(c.Process.Pid)
		err = c.Wait()
		stop()
		end <- err
	}()
	return end, <-started
}

// calls counts the signals for a command.
type calls struct {
	asked  int            // signals to end
	last   syscall.Signal // the last of them
	killed bool
}

// next returns the signal that is sent to the command for a signal that came.
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

// cannotRun returns the exit status for a command that could not be started, as in shells.
func cannotRun(err error) int {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return 127
	}
	return 126
}

// commandStatus returns the result of a command as this program's exit status.
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
