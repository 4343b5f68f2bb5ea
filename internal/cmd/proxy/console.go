package proxy

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"mqtt/internal/cli"
	"mqtt/internal/faults"
	"mqtt/internal/format"
	"mqtt/internal/proxy"
	"mqtt/internal/serve"
)

const consoleHelp = `help              this text
connections       list the connections
cut NUMBER        cut a connection
faults            show the faults
faults WORDS      set the faults; mqtt help faults lists the words
faults none       end all faults
stop              close all connections and end
`

// attend returns when the proxy has to stop: after a signal, when the listener or stdout failed, or
// after the console command stop.
func (j *job) attend(ctx context.Context) error {
	ctx, cancel := j.e.UntilReaderGone(ctx)
	defer cancel()
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	var said <-chan string
	if j.e.TTYIn {
		said = serve.Lines(ctx, j.e)
	}
	for {
		select {
		case <-ctx.Done():
			return cli.ErrQuiet // a signal is the normal end of a proxy
		case <-hangups:
			return cli.ErrQuiet // the terminal has gone; records are complete
		case err := <-j.failed:
			return err
		case line, ok := <-said:
			if !ok {
				said = nil // no more commands; the proxy continues
			} else if j.command(strings.Fields(line)) {
				return nil
			}
		}
	}
}

// command executes a console command and reports whether it was stop.
func (j *job) command(words []string) (stop bool) {
	if len(words) == 0 {
		return false
	}
	answer := ""
	switch words[0] {
	case "stop", "quit", "exit":
		return true
	case "help", "?":
		answer = consoleHelp
	case "connections":
		answer = listing(j.p.Connections(), time.Now())
	case "faults":
		answer = j.faults(words[1:])
	case "cut":
		id, err := uint64(0), error(nil)
		if len(words) == 2 {
			id, err = strconv.ParseUint(words[1], 10, 64)
		}
		if err != nil || id == 0 || !j.p.Cut(id) {
			answer = "cut takes the number of a connection; connections lists them\n"
		}
	default:
		answer = fmt.Sprintf("unknown command %q; help lists them\n", words[0])
	}
	j.e.WriteErr([]byte(answer))
	return false
}

// faults shows the faults, or sets them.
func (j *job) faults(words []string) string {
	switch {
	case len(words) == 0:
		if plan := j.p.Faults(); plan != nil {
			return plan.String() + "\n"
		}
		return "none\n"
	case len(words) == 1 && words[0] == "none":
		j.p.SetFaults(nil)
		return ""
	}
	plan, err := faults.Parse(strings.Join(words, " "))
	if err != nil {
		return err.Error() + "\n"
	}
	j.p.SetFaults(plan)
	return ""
}

const mostListed = 50 // connections

func listing(all []proxy.Info, now time.Time) string {
	if len(all) == 0 {
		return "none\n"
	}
	var b []byte
	for i, c := range all {
		if i == mostListed {
			return string(fmt.Appendf(b, "and %d more\n", len(all)-mostListed))
		}
		line := fmt.Sprintf("%d  %.64q  %s  %s  %s in, %s out", c.ID, c.Client, c.Address, format.Duration(now.Sub(c.Started)), format.Bytes(c.In), format.Bytes(c.Out))
		b = append(format.VisibleLine(b, []byte(line)), '\n')
	}
	return string(b)
}
