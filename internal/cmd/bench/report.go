package bench

import (
	"errors"
	"os"

	"github.com/spf13/cobra"

	"mqtt/internal/bench"
	"mqtt/internal/cli"
)

func newReport(e *cli.Env) *cobra.Command {
	f := &outputFlags{}
	var display cli.DisplayFlags
	c := &cobra.Command{
		Use:   "report FILE...",
		Short: "Merge results of --out and print them as one",
		Long: `Merge results that processes with one --run measured together. mqtt bench compare compares separate runs,
with one of them as the baseline.`,
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
	parts, err := readResults(e, names)
	if err != nil {
		return err
	}
	r, err := bench.Merge(parts)
	var separate *bench.SeparateError
	switch {
	case errors.As(err, &separate):
		return cli.Usage(err.Error(), "mqtt bench compare BASE... -- NEW... compares them")
	case err != nil:
		return cli.Usage(err.Error(), "name the results of one run, each once")
	}
	if o.title != "" {
		r.Title = o.title
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

// readResults reads the files of --out.
func readResults(e *cli.Env, names []string) (all []*bench.Result, err error) {
	for _, name := range names {
		r, err := readResult(e, name)
		if err != nil {
			return nil, cli.Usage(name+": "+err.Error(), "expected a .json file that mqtt bench --out wrote")
		}
		all = append(all, r)
	}
	return all, nil
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
