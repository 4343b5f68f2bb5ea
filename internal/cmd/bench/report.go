package bench

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mqtt/internal/bench"
	"mqtt/internal/cli"
	"mqtt/internal/format"
)

// outputFlags say where a result goes.
type outputFlags struct {
	out    string
	format string
	failIf []string
	listen string
}

func (f *outputFlags) register(fs *pflag.FlagSet) {
	f.registerReport(fs)
	fs.StringVar(&f.listen, "listen", "", "serve /metrics for Prometheus at `HOST:PORT` while it runs; a port alone is on 127.0.0.1")
}

// registerReport adds the flags that bench report has too.
func (f *outputFlags) registerReport(fs *pflag.FlagSet) {
	fs.StringVar(&f.out, "out", "", "keep the raw result in `FILE`, for bench report")
	fs.StringVar(&f.format, "format", "text", "print `FORMAT`: text, json, csv, junit, html or prometheus")
	cli.ListVar(fs, &f.failIf, "fail-if", "", "exit with 8 if `EXPR` holds, many: p99>20ms, loss>0.1%, rate<10000, dup, reorder, errors, connect.p99>1s")
}

// output is outputFlags, compiled.
type output struct {
	out        *os.File // nil if none
	listen     string
	report     bench.Report
	thresholds []*bench.Threshold
}

func (f *outputFlags) compile(e *cli.Env) (*output, error) {
	o := &output{listen: f.listen}
	switch f.format {
	case "text":
		o.report = bench.Text(cli.Width(e.Out), format.NewPalette(e.Colored(e.TTYOut)))
	case "json":
		o.report = bench.JSON
	case "csv":
		o.report = bench.CSV
	case "junit":
		o.report = bench.JUnit
	case "html":
		o.report = bench.HTML
	case "prometheus":
		o.report = bench.Prometheus
	default:
		return nil, cli.BadValue("--format", f.format, "expected text, json, csv, junit, html or prometheus")
	}
	for _, expr := range f.failIf {
		t, err := bench.ParseThreshold(expr)
		if err != nil {
			return nil, cli.BadFlag("--fail-if", " "+err.Error(), "for example: --fail-if 'p99>20ms'")
		}
		o.thresholds = append(o.thresholds, t)
	}
	if f.out == "" {
		return o, nil
	}
	// It is opened now, so that nothing is measured in vain. Its content stays until there is a result.
	file, err := os.OpenFile(f.out, os.O_WRONLY|os.O_CREATE, 0o666)
	if err != nil {
		return nil, cli.BadFlag("--out", ": "+err.Error(), "name a file that you may write")
	}
	o.out = file
	return o, nil
}

// write prints the report and writes the raw result. A failure of one does not prevent the other.
func (o *output) write(e *cli.Env, r *bench.Result) error {
	kept := o.keep(r)
	err := o.report(e.Out, r)
	switch {
	case kept != nil:
		return fmt.Errorf("--out: %w", kept)
	case err == nil:
		return nil
	case cli.ClosedPipe(err):
		return cli.ErrQuiet
	}
	return fmt.Errorf("write report: %w", err)
}

// keep replaces the content of the file of --out with the raw result.
func (o *output) keep(r *bench.Result) error {
	if o.out == nil {
		return nil
	}
	o.out.Truncate(0) // pipes and devices have no length
	err := bench.JSON(o.out, r)
	if cerr := o.out.Close(); err == nil {
		err = cerr
	}
	return err
}

// thresholdFailure returns an error that lists the failed thresholds, with value and limit.
func thresholdFailure(r *bench.Result) error {
	var failed []string
	for i := range r.Verdicts {
		if v := &r.Verdicts[i]; v.Failed {
			failed = append(failed, v.String())
		}
	}
	return cli.Fail(cli.ExitExpected, "", "%s", strings.Join(failed, "; "))
}

func newReport(e *cli.Env) *cobra.Command {
	f := &outputFlags{}
	var display cli.DisplayFlags
	c := &cobra.Command{
		Use:     "report FILE...",
		Short:   "Merge results of --out and print them as one",
		Example: `  mqtt bench report a.json b.json --format html > report.html`,
		RunE: func(c *cobra.Command, args []string) error {
			if err := e.LoadSettings(c); err != nil {
				return err
			}
			if err := display.Apply(e); err != nil {
				return err
			}
			return f.merge(e, args)
		},
	}
	fs := c.Flags()
	fs.SortFlags = false
	f.registerReport(fs)
	display.Register(fs)
	return c
}

// merge reads results, merges them, and prints and judges the result.
func (f *outputFlags) merge(e *cli.Env, names []string) error {
	o, err := f.compile(e)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return cli.Usage("no results", "name files that --out wrote; - is stdin")
	}
	var parts []*bench.Result
	for _, name := range names {
		r, err := readResult(e, name)
		if err != nil {
			return cli.Usage(name+": "+err.Error(), "expected a file that mqtt bench --out wrote")
		}
		parts = append(parts, r)
	}
	r, err := bench.Merge(parts)
	var separate *bench.SeparateError
	switch {
	case errors.As(err, &separate):
		return cli.Usage(err.Error(), "mqtt bench compare BASE... -- NEW... compares them")
	case err != nil:
		return cli.Usage(err.Error(), "name the results of one run, each once")
	}
	failed := r.Judge(o.thresholds)
	if err := o.write(e, r); err != nil {
		return err
	}
	if failed {
		return thresholdFailure(r)
	}
	return nil
}

// readResult reads the file of --out; - is stdin.
func readResult(e *cli.Env, name string) (*bench.Result, error) {
	if name == "-" {
		return bench.Read(e.In)
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return bench.Read(file)
}
