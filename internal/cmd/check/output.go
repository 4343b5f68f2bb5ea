package check

import (
	"bytes"
	"io"
	"os"

	"github.com/spf13/pflag"

	"mqtt/internal/check"
	"mqtt/internal/cli"
	"mqtt/internal/format"
)

// outputFlags say where a report goes.
type outputFlags struct{ format, out string }

func (f *outputFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.format, "format", "text", "print as `FORMAT`: text, json, junit, html, tap or markdown")
	fs.StringVar(&f.out, "out", "", "also write the JSON result to `FILE`")
}

// output is outputFlags, compiled.
type output struct {
	write1 func(io.Writer, *check.Report, check.View) error
	name   string
	file   *os.File
	text   bool
}

// formats are the formats of a report.
var formats = map[string]func(io.Writer, *check.Report, check.View) error{
	"text": check.Text, "json": check.JSON, "junit": check.JUnit, "html": check.HTML, "tap": check.TAP, "markdown": check.Markdown,
}

func (f *outputFlags) compile() (*output, error) {
	write, ok := formats[f.format]
	if !ok {
		return nil, cli.BadValue("--format", f.format, "expected text, json, junit, html, tap or markdown")
	}
	return &output{write1: write, name: f.out, text: f.format == "text"}, nil
}

// open creates the file of --out, so that a name that cannot be written is an error before the run.
func (o *output) open() (err error) {
	o.file, err = create("--out", o.name)
	return err
}

// write writes the report to stdout, and to the file of --out.
func (o *output) write(e *cli.Env, r *check.Report, v check.View) error {
	if o.file != nil {
		err := cli.FirstError(check.JSON(o.file, r, v), o.file.Close())
		if err != nil {
			return cli.Fail(cli.ExitOther, "", "--out: %w", err)
		}
	}
	if o.text {
		v.Palette = format.NewPalette(e.Colored(e.TTYOut))
	}
	var b bytes.Buffer
	if err := o.write1(&b, r, v); err != nil {
		return err
	}
	return cli.WriteAll(e, b.Bytes())
}
