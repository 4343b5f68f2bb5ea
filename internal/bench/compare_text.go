package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"mqtt/internal/format"
)

// CompareReport writes a comparison in one format. An error is that of the writer.
type CompareReport func(w io.Writer, c *Comparison) error

// CompareText returns the report for a person.
func CompareText(colors Colors) CompareReport {
	return func(w io.Writer, c *Comparison) error {
		_, err := w.Write(c.appendText(nil, colors))
		return err
	}
}

// appendText appends the table, the notes and the verdicts.
func (c *Comparison) appendText(b []byte, colors Colors) []byte {
	rows := [][]string{{"", runs("base", c.Base.Runs), runs("new", c.New.Runs), "change", ""}}
	trends := []string{""}
	for i := range c.Metrics {
		m := &c.Metrics[i]
		if !m.shown() {
			continue
		}
		trends = append(trends, m.Trend)
		rows = append(rows, []string{m.Name, m.text(m.BaseMedian), m.text(m.NewMedian), m.changeText(), m.trendText()})
	}
	var width [5]int
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], format.Columns([]byte(cell)))
		}
	}
	for n, row := range rows {
		line := row[0] + strings.Repeat(" ", width[0]-len(row[0]))
		for i, cell := range row[1:4] {
			line += strings.Repeat(" ", 2+width[i+1]-format.Columns([]byte(cell))) + cell
		}
		if row[4] != "" {
			line += "  " + row[4]
		}
		switch {
		case n == 0:
			line = colors.Dim(line)
		case trends[n] == Worse:
			line = colors.Error(line)
		case trends[n] == Better:
			line = colors.Topic(line)
		}
		b = append(append(b, line...), '\n')
	}
	if len(c.Notes) > 0 {
		b = append(b, '\n')
	}
	for _, n := range c.Notes {
		s := n.Text
		if n.Remedy != "" {
			s += " - " + n.Remedy
		}
		b = append(b, colors.Dim("note         ")...)
		b = append(append(b, colors.Warning(string(format.VisibleLine(nil, []byte(s))))...), '\n')
	}
	b = append(append(b, '\n'), colors.Dim("change       ")...)
	b = append(append(b, c.summaryText()...), '\n')
	for i := range c.Verdicts {
		color := colors.Topic
		if c.Verdicts[i].Failed {
			color = colors.Error
		}
		b = append(append(b, color(c.Verdicts[i].String())...), '\n')
	}
	return b
}

// runs returns the name of a side with the number of its runs. Values are medians of several.
func runs(name string, n int) string {
	if n == 1 {
		return name
	}
	return fmt.Sprintf("%s, median of %d", name, n)
}

// CompareJSON writes all of c.
func CompareJSON(w io.Writer, c *Comparison) error {
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("encode comparison: %w", err)
	}
	_, err = w.Write(append(b, '\n'))
	return err
}
