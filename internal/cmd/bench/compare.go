package bench

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"mqtt/internal/bench"
	"mqtt/internal/cli"
	"mqtt/internal/format"
)

// compareFlags say what a comparison prints and when it fails.
type compareFlags struct {
	out    []string
	format string
	failIf []string
}

func newCompare(e *cli.Env) *cobra.Command {
	f := &compareFlags{}
	var display cli.DisplayFlags
	c := &cobra.Command{
		Use:   "compare BASE... -- NEW...",
		Short: "Compare results of --out, and tell change from noise",
		Long: `Compare the results before -- with those after it, and tell change from noise.

With 4 or more results a side, a Mann-Whitney U test decides whether a difference is noise. With one result a side,
noise cannot be told from change. Results with the same --run that were measured at the same time count as one.`,
		Example: `  mqtt bench compare old.json -- new.json
  mqtt bench compare --fail-if 'p99>+10%' old-*.json -- new-*.json`,
		RunE: func(c *cobra.Command, args []string) error {
			if err := e.LoadSettings(c); err != nil {
				return err
			}
			if err := display.Apply(e); err != nil {
				return err
			}
			return f.compare(e, args, c.ArgsLenAtDash())
		},
	}
	fs := c.Flags()
	fs.SortFlags = false
	cli.ListVar(fs, &f.out, "out", "", "write `FILE`: .json, .html or .txt (repeatable)")
	fs.StringVar(&f.format, "format", "text", "print as `FORMAT`: text, json or html")
	cli.ListVar(fs, &f.failIf, "fail-if", "", "exit with 8 if `EXPR` is true: p99>+10%, rate<-5% (repeatable)")
	display.Register(fs)
	return c
}

// compare compares the results of the files before and after dash.
func (f *compareFlags) compare(e *cli.Env, names []string, dash int) error {
	thresholds, err := f.thresholds()
	if err != nil {
		return err
	}
	report := compareReport(f.format, format.NewPalette(e.Colored(e.TTYOut)))
	switch {
	case report == nil:
		return cli.BadValue("--format", f.format, "expected text, json or html")
	case f.format == "html" && e.TTYOut:
		return cli.BadFlag("--format", " html: stdout is a terminal", "--out report.html writes a file")
	case dash < 0:
		return cli.Usage("no -- between base and new", "mqtt bench compare BASE... -- NEW...")
	case dash == 0 || dash == len(names):
		return cli.Usage("no results on one side of --", "mqtt bench compare BASE... -- NEW...")
	}
	for _, name := range names[dash:] {
		if strings.HasPrefix(name, "-") && name != "-" {
			return cli.Usage("after -- "+cli.Quote(name)+" is the name of a file", "flags come before the results: mqtt bench compare --fail-if EXPR BASE... -- NEW...")
		}
	}
	base, err := readResults(e, names[:dash])
	if err != nil {
		return err
	}
	next, err := readResults(e, names[dash:])
	if err != nil {
		return err
	}
	c, err := bench.Compare(base, next)
	if err != nil {
		return cli.Usage(err.Error(), "name each result once, all of messages or all of connections")
	}
	failed := c.Judge(thresholds)
	for _, name := range f.out {
		if err := writeComparison(name, c); err != nil {
			return err
		}
	}
	switch err := report(e.Out, c); {
	case cli.ClosedPipe(err):
		return cli.ErrQuiet
	case err != nil:
		return fmt.Errorf("write report: %w", err)
	case failed:
		return changeFailure(c)
	}
	return nil
}

func (f *compareFlags) thresholds() (all []*bench.ChangeThreshold, err error) {
	for _, expr := range f.failIf {
		t, err := bench.ParseChange(expr)
		if err != nil {
			return nil, cli.BadFlag("--fail-if", " "+err.Error(), "for example: --fail-if 'p99>+10%'")
		}
		all = append(all, t)
	}
	for _, name := range f.out {
		if compareReport(formatOf(name), format.Palette{}) == nil {
			return nil, cli.BadFlag("--out", " "+cli.Quote(name)+": there is no such format", "expected .json, .html or .txt; a name without a suffix gets JSON")
		}
	}
	return all, nil
}

// compareReport returns the report of a format, nil if there is none.
func compareReport(name string, colors bench.Colors) bench.CompareReport {
	switch name {
	case "text":
		return bench.CompareText(colors)
	case "json":
		return bench.CompareJSON
	case "html":
		return bench.CompareHTML
	}
	return nil
}

// writeComparison writes c to a file, in the format of its suffix.
func writeComparison(name string, c *bench.Comparison) error {
	file, err := os.Create(name)
	if err != nil {
		return cli.BadFlag("--out", ": "+err.Error(), "check that the file is writable")
	}
	report := compareReport(formatOf(name), format.Palette{})
	if err := errors.Join(report(io.Writer(file), c), file.Close()); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	return nil
}

// changeFailure returns an error that lists the failed thresholds.
func changeFailure(c *bench.Comparison) error {
	var failed []string
	for i := range c.Verdicts {
		if v := &c.Verdicts[i]; v.Failed {
			failed = append(failed, v.String())
		}
	}
	return cli.Fail(cli.ExitExpected, "", "%s", strings.Join(failed, "; "))
}
