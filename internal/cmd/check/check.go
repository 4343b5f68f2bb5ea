package check

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mqtt/internal/check"
	"mqtt/internal/cli"
	"mqtt/internal/config"
	"mqtt/internal/conn"
	"mqtt/internal/connect"
	"mqtt/internal/format"
	"mqtt/internal/proto"
)

// flags are the flags of mqtt check.
type flags struct {
	connect.Flags
	versions   string
	strict     bool
	harsh      bool
	verbose    bool
	out        outputFlags
	known      string
	writeKnown string
	secondUser string
	denied     string
	restart    string
	wait       string
	list       bool
	client     bool
}

// New returns the command.
func New(e *cli.Env) *cobra.Command {
	f := &flags{}
	c := &cobra.Command{
		Use:   "check [RULE | SECTION | NAME]... [--client -- COMMAND ...]",
		Short: "Test a server, or a client, against the MQTT standards",
		Long: `Test a server against every statement of MQTT 5.0, 3.1.1 and 3.1 that binds one.

Without arguments all cases of all versions that the server speaks are run. An argument selects by rule
(MQTT-3.8.4-1), section (3.8) or name of a case.

Verdicts: ok; fail: a MUST is broken; warn: a SHOULD is not followed; choice: the standard leaves it open; skip: the
server lacks a capability; unsure: it could not be shown; flaky: it failed, and passed when repeated.

With --client, the command after -- is run once for each case, with MQTT_URL, MQTT_HOST, MQTT_PORT and MQTT_CLIENT_ID
set, and what it sends is judged. It gets SIGTERM when the case is decided.

A case after which the server serves nobody fails. If the server does not come back within three times --wait, and --restart does not
help, the other cases are skipped.

Topics and client identifiers have a unique prefix. Retained messages are cleared and sessions ended
afterwards, also after Ctrl-C.`,
		Example: `  mqtt check -h broker.example
  mqtt check -p 1884 --version 5 3.8 MQTT-3.3.1-9
  mqtt check --format junit --known known.txt > check.xml
  mqtt check --client -- ./my-client
  mqtt check report ours.json theirs.json --format markdown`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeSelector,
		RunE: func(c *cobra.Command, args []string) error {
			if wrong := forServer(c.Flags()); f.client && wrong != "" { // of the command line: a profile may have it
				return cli.ConflictHint("a client finds its server in MQTT_URL", "--client", wrong)
			}
			if err := e.LoadSettings(c); err != nil {
				return err
			}
			dash := c.ArgsLenAtDash()
			switch {
			case f.client && f.list:
				return list(e, check.ClientCases(), args)
			case f.client && (dash < 0 || dash == len(args)):
				return cli.Usage("--client without a command", "name the client to run: mqtt check --client -- COMMAND")
			case f.client:
				return f.checkClient(c.Context(), e, args[:dash], args[dash:])
			case dash >= 0:
				return cli.Usage("a command without --client", "mqtt check --client -- COMMAND checks a client")
			}
			return f.run(c.Context(), e, c.Flags(), args)
		},
	}
	fs := c.Flags()
	fs.SortFlags = false
	fs.StringVar(&f.versions, "version", "", "check `VERSIONS`, such as 5,3.1.1 (default: all it speaks)")
	fs.BoolVar(&f.strict, "strict", false, "count warnings as failures")
	fs.BoolVar(&f.harsh, "harsh", false, "also send floods and very large packets")
	fs.BoolVar(&f.client, "client", false, "check a client: the command after --")
	fs.BoolVar(&f.list, "list", false, "list the cases and exit")
	fs.StringVar(&f.secondUser, "second-user", "", "add cases with another user, `USER:PASSWORD`")
	fs.StringVar(&f.denied, "denied-topic", "", "add cases with a `TOPIC` that -u may not publish to")
	fs.StringVar(&f.restart, "restart", "", "restart with `COMMAND`: for more cases, and after a crash")
	fs.BoolVarP(&f.verbose, "verbose", "v", false, "print every verdict")
	f.out.register(fs)
	fs.StringVar(&f.known, "known", "", "do not fail for the known failures in `FILE`")
	fs.StringVar(&f.writeKnown, "write-known", "", "write the failures to `FILE`, for --known")
	fs.StringVar(&f.wait, "wait", "5s", "wait `DURATION` for one answer")
	f.Flags.RegisterServer(fs)
	c.AddCommand(newReport(e), newLimits(e))
	return c
}

// options returns the options of a run, checked, and the plan of its connections.
func (f *flags) options(ctx context.Context, e *cli.Env, fs *pflag.FlagSet) (check.Options, *connect.Plan, error) {
	opt := check.Options{Harsh: f.harsh, DeniedTopic: f.denied}
	var err error
	if f.versions != "" {
		if fs.Changed("protocol-version") {
			return opt, nil, cli.Conflict("--version", "-V")
		}
		if opt.Versions, err = readVersions(f.versions); err != nil {
			return opt, nil, err
		}
	}
	if opt.Limit, err = f.limit(); err != nil {
		return opt, nil, err
	}
	if f.denied != "" {
		if err := proto.CheckTopic(f.denied); err != nil {
			return opt, nil, cli.BadValue("--denied-topic", f.denied, err.Error())
		}
	}
	if f.secondUser != "" {
		name, password, ok := strings.Cut(f.secondUser, ":")
		if !ok || name == "" {
			return opt, nil, cli.BadFlag("--second-user", " without a password", "expected USER:PASSWORD")
		}
		opt.SecondUser = &check.User{Name: name, Password: password, HasPassword: true}
	}
	if f.restart != "" {
		opt.Restart = func(ctx context.Context) error { return shell(ctx, e, f.restart) }
	}
	p, err := f.Flags.Plan(ctx, e, fs, proto.CONNECT, false)
	if err != nil {
		return opt, nil, err
	}
	if fs.Changed("protocol-version") {
		if v, auto, err := connect.ReadVersion(fs.Lookup("protocol-version").Value.String()); err == nil && !auto {
			opt.Versions = []proto.Version{v}
		}
	}
	opt.URL = string(p.Target.Scheme()) + "://" + p.Target.Addr()
	opt.Dial = func(ctx context.Context, v proto.Version) (net.Conn, error) {
		if p.Cfg.Timeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, p.Cfg.Timeout)
			defer cancel()
		}
		nc, err := p.Cfg.Dial(ctx, v)
		if err != nil {
			return nil, &conn.OpenError{Err: err}
		}
		return nc, nil
	}
	if c := &p.Cfg.Connect; c.HasUsername {
		opt.User = &check.User{Name: c.Username, HasPassword: c.HasPassword, Password: string(c.Password)}
	}
	return opt, p, nil
}

// limit parses --wait.
func (f *flags) limit() (time.Duration, error) {
	d, err := cli.ParseDuration("--wait", f.wait)
	if err == nil && d <= 0 {
		err = cli.BadValue("--wait", f.wait, "expected a time above 0, such as 5s")
	}
	return d, err
}

// readVersions parses --version.
func readVersions(s string) (all []proto.Version, err error) {
	for word := range strings.SplitSeq(s, ",") {
		v, auto, err := connect.ReadVersion(strings.TrimSpace(word))
		if err != nil || auto {
			return nil, cli.BadValue("--version", s, "expected 5, 3.1.1 and 3.1, with commas between them")
		}
		for _, other := range all {
			if other == v {
				return nil, cli.BadValue("--version", s, "a version is there twice")
			}
		}
		all = append(all, v)
	}
	return all, nil
}

// shell runs a command line. What it prints goes to stderr.
func shell(ctx context.Context, e *cli.Env, line string) error {
	c := exec.CommandContext(ctx, "sh", "-c", line)
	c.Stdout, c.Stderr = cli.Inherit(e.Err), cli.Inherit(e.Err)
	return c.Run()
}

func (f *flags) run(ctx context.Context, e *cli.Env, fs *pflag.FlagSet, args []string) error {
	if f.list {
		return list(e, check.Cases(), args)
	}
	o, err := f.out.compile()
	if err != nil {
		return err
	}
	opt, plan, err := f.options(ctx, e, fs)
	if err != nil {
		return err
	}
	opt.Selectors = args
	again := repeated(fs)
	view := check.View{Strict: f.strict, Verbose: f.verbose, Repeat: func(r *check.Result) string {
		return "mqtt check -L " + opt.URL + again + " --version " + r.Version + " " + caseName(r)
	}}
	known, err := f.prepare(&view, o)
	if err != nil {
		return err
	}
	opt.Progress, opt.Trace = progress(e), trace(e)
	r, err := check.Run(ctx, opt)
	e.Erase()
	if r == nil {
		return failure(plan, err, args)
	}
	return f.finish(e, o, r, view, known, err, "the server does not conform")
}

// prepare reads the file of --known, and creates those of --out and --write-known.
func (f *flags) prepare(view *check.View, o *output) (known *os.File, err error) {
	if f.known != "" {
		if view.Known, err = readKnown(f.known); err != nil {
			return nil, err
		}
	}
	if err := o.open(); err != nil {
		return nil, err
	}
	return create("--write-known", f.writeKnown)
}

// finish writes the report of a run, whose error is ended, and returns the error that decides the exit
// status.
func (f *flags) finish(e *cli.Env, o *output, r *check.Report, view check.View, known *os.File, ended error, failed string) error {
	if known != nil {
		if err := cli.FirstError(check.WriteKnown(known, r, f.strict), known.Close()); err != nil {
			return cli.Fail(cli.ExitOther, "", "--write-known: %w", err)
		}
	}
	if err := o.write(e, r, view); err != nil {
		return err
	}
	if fixed := view.Fixed(r); !o.text && len(fixed) > 0 {
		e.Note("fixed: %s: remove from the file of --known", strings.Join(fixed, ", "))
	}
	gone := errors.Is(ended, check.ErrGone)
	switch {
	case ended != nil && !gone:
		return ended
	case r.Failed(f.strict, view.Known) && gone:
		return cli.Fail(cli.ExitExpected, goneHint(r), "%s: %s; %w", failed, check.Counts(r), ended)
	case r.Failed(f.strict, view.Known):
		hint := ""
		if r.NoDelivery() {
			hint = "not even a first message came: may the user publish and subscribe below mqtt-check/?"
		}
		return cli.Fail(cli.ExitExpected, hint, "%s: %s", failed, check.Counts(r))
	case gone:
		return cli.Fail(cli.ExitLost, goneHint(r), "%w; %s", ended, check.Counts(r))
	}
	if n := len(r.Outages); n > 0 && !o.text {
		e.Note("the server went away %s during the run, and came back: the JSON result has the outages", format.Plural(uint64(n), "time"))
	}
	return nil
}

// goneHint says which case made the server go away, or how that can be found.
func goneHint(r *check.Report) string {
	if n := len(r.Outages); n > 0 && len(r.Outages[n-1].Shown) > 0 {
		return "the cause is " + r.Outages[n-1].Shown[0]
	}
	return "the report names the cases that were running; with --restart COMMAND they are run one at a time"
}

// repeated returns the flags of the command line that a repetition of one case needs, with a blank before each.
// Secrets are left out.
func repeated(fs *pflag.FlagSet) string {
	var words []string
	fs.Visit(func(f *pflag.Flag) {
		switch f.Name {
		case "url", "host", "port", "version", "protocol-version", "strict", "client", "known", "write-known", "verbose", "format", "out", "list",
			"debug", "quiet", "color", "second-user":
			return
		}
		switch {
		case config.Secret(f.Name, f.Value.String()):
		case f.Value.Type() == "bool":
			words = append(words, "--"+f.Name)
		default:
			words = append(words, "--"+f.Name, f.Value.String())
		}
	})
	if len(words) == 0 {
		return ""
	}
	return " " + quoteAll(words)
}

// trace returns a function that writes a line for each packet to stderr, nil without --debug.
func trace(e *cli.Env) func(id string, p *check.Packet) {
	if !e.Debug {
		return nil
	}
	return func(id string, p *check.Packet) { e.WriteErr(append(check.AppendTrace(nil, id, p), '\n')) }
}

// failure returns the error of a run without a report. args are the selectors.
func failure(plan *connect.Plan, err error, args []string) error {
	var refused *check.RefusedError
	var rights *check.RightsError
	const needed = "the check needs a user who may publish and subscribe below mqtt-check/"
	switch {
	case errors.As(err, &rights) && rights.Subscribe:
		return cli.Fail(cli.ExitSubscribe, needed, "%w", err)
	case errors.As(err, &rights):
		return cli.Fail(cli.ExitPublish, needed, "%w", err)
	case errors.Is(err, check.ErrNoCase):
		return noCase(args)
	case errors.As(err, &refused) && !refused.Answered:
		return cli.Fail(cli.ExitOpening, "is it an MQTT server, and does it want TLS? (--tls)", "%w", err)
	case errors.As(err, &refused):
		return cli.Fail(cli.ExitRefused, "-u NAME and --password-file FILE are sent with each CONNECT", "%w", err)
	}
	return plan.Explain(err)
}

// progress returns a function that shows on a terminal how far the run is.
func progress(e *cli.Env) func(done, of int, r *check.Result) {
	if e.Quiet || !e.Draws(e.TTYErr) {
		return nil
	}
	return func(done, of int, _ *check.Result) {
		e.Draw(func(int) ([]byte, int) { return fmt.Appendf(nil, "\r%d of %d cases\x1b[K", done, of), 0 })
	}
}

// list prints the cases that the selectors select.
func list(e *cli.Env, cases []*check.Case, selectors []string) error {
	b := check.List(cases, selectors)
	if len(b) == 0 {
		return noCase(selectors)
	}
	return cli.WriteAll(e, b)
}

// readKnown reads the file of --known.
func readKnown(name string) (map[string]bool, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, cli.BadFlag("--known", ": "+err.Error(), "check that the file exists and is readable")
	}
	defer file.Close()
	known, err := check.ReadKnown(file)
	if err != nil {
		return nil, cli.BadFlag("--known", " "+name+": "+err.Error(), "expected lines that --write-known writes")
	}
	return known, nil
}

// create creates the file of a flag before the run; nil without one.
func create(flag, name string) (*os.File, error) {
	if name == "" {
		return nil, nil
	}
	file, err := os.Create(name)
	if err != nil {
		return nil, cli.BadFlag(flag, ": "+err.Error(), "check that the folder exists and is writable")
	}
	return file, nil
}
