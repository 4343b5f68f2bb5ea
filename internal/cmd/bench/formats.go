package bench

import (
	"path/filepath"
	"slices"
	"strings"

	"mqtt/internal/bench"
	"mqtt/internal/format"
)

// textWidth is the width of a text report in a file, in columns.
const textWidth = 100

// reportFormat is a format of --format and --out.
type reportFormat struct {
	name     string
	suffixes string // of files, with spaces between them
	report   bench.Report
}

// formats returns all formats. The text is for a file.
func formats() []reportFormat {
	return []reportFormat{
		{"markdown", ".md", bench.Markdown},
		{"text", ".txt", bench.Text(textWidth, format.Palette{})},
		{"json", ".json .tmp", bench.JSON},
		{"csv", ".csv", bench.CSV},
		{"junit", ".xml .junit", bench.JUnit},
		{"html", ".html .htm", bench.HTML},
		{"prometheus", ".prom", bench.Prometheus},
	}
}

// reportOf returns the report of a format, nil if there is none.
func reportOf(name string) bench.Report {
	for _, f := range formats() {
		if f.name == name {
			return f.report
		}
	}
	return nil
}

// formatOf returns the format of a file of --out, "" if none has its suffix. A file without a
// suffix gets the raw result, as do temporary files: mktemp makes names such as tmp.Zq3Vt0.
func formatOf(name string) string {
	suffix := strings.ToLower(filepath.Ext(name))
	for _, f := range formats() {
		if slices.Contains(strings.Fields(f.suffixes), suffix) {
			return f.name
		}
	}
	if suffix == "" || suffix == "." || strings.HasPrefix(filepath.Base(name), "tmp.") {
		return "json"
	}
	return ""
}

// formatNames returns the names of all formats for an error.
func formatNames() string {
	var names []string
	for _, f := range formats() {
		names = append(names, f.name)
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}
