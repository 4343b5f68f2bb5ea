package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"mqtt/internal/broker"
	"mqtt/internal/broker/access"
	"mqtt/internal/cli"
	"mqtt/internal/format"
	"mqtt/internal/serve"
)

const consoleHelp = `help              this text
stop              disconnect the clients and end
stats             show counters
clients           list the connected clients
log-level LEVEL   log debug, info, warn or error
reload            reload users, rights and certificates
`

// attendance waits for signals and console commands while a broker serves.
type attendance struct {
	e        *cli.Env
	b        *broker.Broker
	users    *access.Users
	rights   *access.Rights // nil: none
	certs    *certificates  // nil: none
	level    *slog.LevelVar
	listener <-chan error // of a listener that failed
	data     <-chan error // of a data folder that can no longer be written

	hangups    <-chan os.Signal
	hangupEnds bool // the broker, because its terminal is gone; else it reloads
}

// attend returns when the broker has to stop: after a signal, when a listener or the data folder failed, or
// after the console command stop.
func (a *attendance) attend(ctx context.Context) error {
	renew := time.NewTicker(renewEvery)
	defer renew.Stop()
	var said <-chan string
	if a.e.TTYIn {
		said = serve.Lines(ctx, a.e)
	}
	for {
		select {
		case <-ctx.Done():
			return cli.ErrQuiet // a signal is the normal end of a broker
		case err := <-a.listener:
			return err
		case err := <-a.data:
			return cli.Fail(cli.ExitOther, "free disk space or repair the disk; acknowledged messages are kept", "--data: %w", err)
		case <-a.hangups:
			if a.hangupEnds {
				return cli.ErrQuiet
			}
			a.reload()
		case <-renew.C:
			a.renew()
		case line, ok := <-said:
			if !ok {
				said = nil // no more commands; the broker continues
			} else if a.command(strings.Fields(line)) {
				return nil
			}
		}
	}
}

// reload reads users, rights and certificates again. What cannot be read stays as it was.
func (a *attendance) reload() {
	errs := []error{a.users.Reload()}
	what := "users and rights"
	if a.rights != nil {
		err := a.rights.Reload()
		if err == nil {
			warnRights(a.e, a.rights)
		}
		errs = append(errs, err)
	}
	if a.certs != nil {
		what = "users, rights and certificates"
		errs = append(errs, a.certs.reload(a.e))
	}
	gone := a.b.Revise()
	if err := errors.Join(errs...); err != nil {
		a.e.Warn("reload: %v; the last good version stays in use", strings.ReplaceAll(err.Error(), "\n", "; "))
	} else {
		a.e.Note("read %s again", what)
	}
	if gone > 0 {
		a.e.Note("disconnected clients whose user was deleted or has another password: %d", gone)
	}
}

// renew renews the certificate of --tls-self-signed if it is about to expire.
func (a *attendance) renew() {
	if a.certs == nil || a.certs.dir == "" {
		return
	}
	if err := a.certs.reload(a.e); err != nil {
		a.e.Warn("renew the certificate: %v", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
}

// command executes a console command and reports whether it was stop.
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

func writeStats(e *cli.Env, s broker.Stats) {
	count := func(n int64) string { return format.Count(uint64(max(0, n))) }
	size := func(n int64) string { return format.Bytes(uint64(max(0, n))) }
	fmt.Fprintf(e.Err, `up %s
clients    %s now, %s at most, %s accepted, %s refused
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
