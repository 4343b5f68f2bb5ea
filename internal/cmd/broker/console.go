package broker

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"mqtt/internal/broker"
	"mqtt/internal/broker/access"
	"mqtt/internal/cli"
	"mqtt/internal/format"
)

const consoleHelp = `help              this text
stop              say goodbye to the clients and end
stats             what the broker has done
clients           who is connected
log-level LEVEL   log debug, info, warn or error
reload            read --passwords and --acl again, as SIGHUP does
`

// attendance is a broker that serves until it is to stop.
type attendance struct {
	e        *cli.Env
	b        *broker.Broker
	users    *access.Users
	rights   *access.Rights // nil: none
	level    *slog.LevelVar
	listener <-chan error // of a listener that failed
	data     <-chan error // of a folder that cannot be written any more
}

// attend waits until the broker is to stop: by a signal, by a listener or a disk that failed, or by the word of a person
// at the terminal.
func (a *attendance) attend(ctx context.Context) error {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	var said <-chan string
	if a.e.TTYIn {
		said = console(ctx, a.e)
	}
	for {
		select {
		case <-ctx.Done():
			return cli.ErrQuiet // a broker is ended by a signal, and that is in order
		case err := <-a.listener:
			return err
		case err := <-a.data:
			return cli.Fail(cli.ExitOther, "make room or repair the disk; what was acknowledged is kept", "--data: %w", err)
		case <-hangups:
			a.reload()
		case line, ok := <-said:
			if !ok {
				said = nil // end of input: no more commands, and no reason to stop
			} else if a.command(strings.Fields(line)) {
				return nil
			}
		}
	}
}

// attentive returns a context that SIGINT and SIGTERM end, from now on: who has been told that a broker serves may end it
// at once, and it still says goodbye. The goroutine ends with the returned function.
func attentive(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel()
	}
}

func (a *attendance) reload() {
	gone, err := reload(a.b, a.users, a.rights)
	if err != nil {
		a.e.Warn("reload: %v; what was read before stays in force", strings.ReplaceAll(err.Error(), "\n", "; "))
	} else {
		a.e.Note("read users and rights again")
	}
	if gone > 0 {
		a.e.Note("clients sent away, whose user is gone or has another password: %d", gone)
	}
}

// command carries out a line of a person, and tells whether it was the last.
func (a *attendance) command(words []string) (stop bool) {
	if len(words) == 0 {
		return false
	}
	e := a.e
	switch words[0] {
	case "stop", "quit", "exit":
		return true
	case "help", "?":
		fmt.Fprint(e.Err, consoleHelp)
	case "stats":
		writeStats(e, a.b.Stats())
	case "clients":
		writeClients(e, a.b.Clients())
	case "reload":
		a.reload()
	case "log-level":
		if len(words) != 2 || a.level.UnmarshalText([]byte(words[1])) != nil {
			fmt.Fprintln(e.Err, "log-level takes debug, info, warn or error")
		}
	default:
		fmt.Fprintf(e.Err, "unknown command %q; help lists them\n", words[0])
	}
	return false
}

// console reads lines from the terminal. Its goroutine ends with the input, or with the process, which is all that can
// end a read from a terminal.
func console(ctx context.Context, e *cli.Env) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		in := bufio.NewScanner(e.In)
		for in.Scan() {
			select {
			case lines <- in.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return lines
}

func writeStats(e *cli.Env, s broker.Stats) {
	count := func(n int64) string { return format.Count(uint64(max(0, n))) }
	size := func(n int64) string { return format.Bytes(uint64(max(0, n))) }
	fmt.Fprintf(e.Err, `up %s
clients    %s now, %s at most, %s came, %s refused
sessions   %s, with %s subscriptions, %s expired
messages   %s received, %s sent, %s dropped, %s refused
bytes      %s received, %s sent
retained   %s messages, %s
memory     %s
`, format.Duration(s.Uptime),
		count(s.Connected), count(s.ConnectedMost), count(s.Connects), count(s.ConnectsRefused),
		count(s.Sessions), count(s.Subscriptions), count(s.SessionsExpired),
		count(s.Published), count(s.Delivered), count(s.Dropped), count(s.PublishesRefused),
		size(s.BytesReceived), size(s.BytesSent), count(s.Retained), size(s.RetainedBytes), size(s.Memory))
}

const mostClients = 50 // that are listed

func writeClients(e *cli.Env, all []broker.ClientInfo) {
	var b []byte
	for i, c := range all {
		if i == mostClients {
			b = fmt.Appendf(b, "and %d more\n", len(all)-mostClients)
			break
		}
		line := c.ID
		if c.Username != "" {
			line += " (" + c.Username + ")"
		}
		line += fmt.Sprintf("  %s  %s  %d subscriptions, %d queued, %d in flight", c.Version, c.Remote, c.Subscriptions, c.Queued, c.InFlight)
		if c.Lagging {
			line += ", slow"
		}
		b = append(format.VisibleLine(b, []byte(line)), '\n')
	}
	if len(all) == 0 {
		b = append(b, "nobody\n"...)
	}
	e.Err.Write(b)
}
