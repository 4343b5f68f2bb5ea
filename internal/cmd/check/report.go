package check

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"mqtt/internal/check"
	"mqtt/internal/cli"
)

// newReport returns the command mqtt check report.
func newReport(e *cli.Env) *cobra.Command {
	var format string
	var display cli.DisplayFlags
	c := &cobra.Command{
		Use:     "report FILE...",
		Short:   "Compare the results of several servers",
		Example: `  mqtt check report ours.json mosquitto.json --format markdown > interop.md`,
		RunE: func(c *cobra.Command, args []string) error {
			if err := e.LoadSettings(c); err != nil {
				return err
			}
			if err := display.Apply(e); err != nil {
				return err
			}
			return compare(e, format, args)
		},
	}
	fs := c.Flags()
	fs.SortFlags = false
	fs.StringVar(&format, "format", "text", "print as `FORMAT`: text, markdown or html")
	display.Register(fs)
	return c
}

// compare reads results and prints them side by side.
func compare(e *cli.Env, format string, files []string) error {
	if len(files) == 0 {
		return cli.Usage("no results", "name files that mqtt check --out wrote")
	}
	var names []string
	var reports []*check.Report
	for _, name := range files {
		r, err := read(name)
		if err != nil {
			return cli.Usage(name+": "+err.Error(), "expected a file that mqtt check --out wrote")
		}
		title := r.Server.Name
		if title == "" {
			title = strings.TrimSuffix(filepath.Base(name), filepath.Ext(name))
		}
		names, reports = append(names, title), append(reports, r)
	}
	m := check.NewMatrix(names, reports)
	var b bytes.Buffer
	var err error
	switch format {
	case "text":
		err = m.Text(&b)
	case "markdown":
		err = m.Markdown(&b)
	case "html":
		err = m.HTML(&b)
	default:
		return cli.BadValue("--format", format, "expected text, markdown or html")
	}
	if err != nil {
		return err
	}
	return cli.WriteAll(e, b.Bytes())
}

func read(name string) (*check.Report, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return check.Read(file)
}
