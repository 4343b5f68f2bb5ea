package bench

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"mqtt/internal/bench"
	"mqtt/internal/cli"
	"mqtt/internal/format"
)

// outputFlags say where a result goes.
type outputFlags struct {
	title  string
	out    []string
	format string
	failIf []string
	listen string
}

func (f *outputFlags) register(fs *pflag.FlagSet) {
	f.registerReport(fs)
	fs.StringVar(&f.listen, "listen", "", "serve Prometheus metrics at `[HOST:]PORT` during the run")
}

// registerReport adds the flags that bench report has too.
func (f *outputFlags) registerReport(fs *pflag.FlagSet) {
	cli.ListVar(fs, &f.out, "out", "", "write `FILE`: .json .html .csv .md .xml .prom .txt; repeatable")
	fs.StringVar(&f.format, "format", "text", "print `FORMAT`: text json csv junit html markdown prometheus")
	fs.StringVar(&f.title, "title", "", "name the run `TEXT` in reports")
	cli.ListVar(fs, &f.failIf, "fail-if", "", "exit with 8 if `EXPR` is true: p99>20ms, loss (repeatable)")
}

// output is outputFlags, compiled.
type output struct {
	title      string
	out        []outFile
	listen     string
	report     bench.Report
	thresholds []*bench.Threshold
	identify   bool // a report names the server's version
}

// outFile is a file of --out.
type outFile struct {
	*os.File
	report bench.Report
}

func (f *outputFlags) compile(e *cli.Env) (*output, error) {
	o := &output{title: f.title, listen: f.listen, report: reportOf(f.format)}
	o.identify = len(f.out) > 0 || f.format == "html" || f.format == "markdown"
	switch {
	case o.report == nil:
		return nil, cli.BadValue("--format", f.format, "expected "+formatNames())
	case f.format == "html" && e.TTYOut:
		return nil, cli.BadFlag("--format", " html: stdout is a terminal", "--out report.html writes a file")
	case f.format == "text": // --color may be known later
		o.report = func(w io.Writer, r *bench.Result) error {
			text := bench.Text
			if e.TTYOut {
				text = bench.Terminal
			}
			return text(cli.Width(e.Out), format.NewPalette(e.Colored(e.TTYOut)))(w, r)
		}
	}
	for _, expr := range f.failIf {
		t, err := bench.ParseThreshold(expr)
		if err != nil {
			return nil, cli.BadFlag("--fail-if", " "+err.Error(), "for example: --fail-if 'p99>20ms'")
		}
		o.thresholds = append(o.thresholds, t)
	}
	return o, o.open(f.out)
}

// open opens the files of --out, so that nothing is measured in vain. Their content stays until there
// is a result.
func (o *output) open(names []string) error {
	for _, name := range names {
		report := reportOf(formatOf(name))
		if report == nil {
			return cli.BadFlag("--out", " "+cli.Quote(name)+": there is no such format", "expected .json, .html, .csv, .md, .xml or .junit, .prom or .txt; a name without a suffix gets JSON")
		}
		file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o666)
		if err != nil {
			return cli.BadFlag("--out", ": "+err.Error(), "check that the file is writable")
		}
		o.out = append(o.out, outFile{file, report})
	}
	return nil
}

// write prints the report and writes the files. A failure of one does not prevent the others.
func (o *output) write(e *cli.Env, r *bench.Result) error {
	var kept error
	for _, file := range o.out {
		if err := file.write(r); kept == nil {
			kept = err
		}
	}
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

// write replaces the content of the file with the report.
func (f outFile) write(r *bench.Result) error {
	f.Truncate(0) // pipes and devices have no length
	err := f.report(f.File, r)
	if cerr := f.Close(); err == nil {
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
