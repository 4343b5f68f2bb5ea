package check

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"mqtt/internal/check"
	"mqtt/internal/cli"
	"mqtt/internal/serve"
)

// killAfter is how long a command may continue after SIGTERM.
const killAfter = 2 * time.Second

// checkClient runs a command once for each case, and judges what it sends.
func (f *flags) checkClient(ctx context.Context, e *cli.Env, selectors, command []string) error {
	if err := f.Display(e); err != nil {
		return err
	}
	o, err := f.out.compile()
	if err != nil {
		return err
	}
	opt := check.ClientOptions{Selectors: selectors, Progress: progress(e), Trace: trace(e)}
	if f.versions != "" {
		if opt.Versions, err = readVersions(f.versions); err != nil {
			return err
		}
	}
	if opt.Wait, err = f.limit(); err != nil {
		return err
	}
	view := check.View{Strict: f.strict, Verbose: f.verbose, Repeat: func(r *check.Result) string {
		return "mqtt check --client " + caseName(r) + " -- " + quoteAll(command)
	}}
	known, err := f.prepare(&view, o)
	if err != nil {
		return err
	}
	var output io.Writer = io.Discard
	if f.verbose {
		output = cli.Inherit(e.Err)
	}
	opt.Command = func(ctx context.Context, variables []string) error {
		return run(ctx, command, append(cli.CommandEnviron(), variables...), output)
	}
	r, err := check.RunClient(ctx, opt)
	e.Erase()
	if r == nil {
		switch {
		case errors.Is(err, check.ErrNoCase):
			return cli.Usage(err.Error(), "mqtt check --client --list lists the cases")
		case errors.Is(err, check.ErrNoConnection):
			return cli.Fail(cli.ExitOpening, "", "%w", err)
		}
		return err
	}
	return f.finish(e, o, r, view, known, err, "the client does not conform")
}

// run runs a command until it ends or ctx is done. Its exit status does not count.
func run(ctx context.Context, command, env []string, output io.Writer) error {
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Env, c.Stdout, c.Stderr = env, output, output
	serve.OwnProcessGroup(c)
	c.WaitDelay = killAfter
	err := c.Run()
	serve.KillProcessGroup(c)
	var status *exec.ExitError
	if err == nil || errors.As(err, &status) || ctx.Err() != nil || errors.Is(err, exec.ErrWaitDelay) {
		return nil
	}
	return cli.Fail(cli.ExitOther, "check the name and path of the program", "run %s: %w", command[0], err)
}

// caseName returns the name of the case of a result.
func caseName(r *check.Result) string { return r.ID[strings.LastIndexByte(r.ID, '/')+1:] }

// quoteAll returns a command as a shell would take it.
func quoteAll(command []string) string {
	words := make([]string, len(command))
	for i, w := range command {
		words[i] = w
		if strings.ContainsFunc(w, func(c rune) bool {
			return !strings.ContainsRune("-_./:=@%+,", c) && !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9')
		}) || w == "" {
			words[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}

// serverFlags are flags that only the check of a server has.
var serverFlags = []string{"host", "port", "url", "username", "password-file", "tls", "cafile", "harsh", "second-user", "denied-topic", "restart"}

// forServer returns the first of serverFlags that the command line has, or "".
func forServer(fs *pflag.FlagSet) string {
	for _, name := range serverFlags {
		if fs.Changed(name) {
			return "--" + name
		}
	}
	return ""
}
