package check

import (
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"

	"mqtt/internal/format"
	"mqtt/internal/proto"
	"mqtt/internal/report"
)

// versions are all versions, newest first.
var versions = [...]proto.Version{proto.V5, proto.V311, proto.V31}

// Matrix compares the results of several servers, case by case.
type Matrix struct {
	Servers []string
	Reports []*Report
	Rows    []MatrixRow
}

// MatrixRow is a case, with a verdict for each server; "" if it was not run there.
type MatrixRow struct {
	ID, Title string
	Rules     []string
	Verdicts  []Verdict
}

// NewMatrix compares reports. names are the names of the servers, in the same order.
func NewMatrix(names []string, reports []*Report) *Matrix {
	m := &Matrix{Servers: names, Reports: reports}
	index := make(map[string]int)
	for n, r := range reports {
		for i := range r.Cases {
			k := &r.Cases[i]
			at, ok := index[k.ID]
			if !ok {
				at = len(m.Rows)
				index[k.ID] = at
				m.Rows = append(m.Rows, MatrixRow{k.ID, k.Title, k.Rules, make([]Verdict, len(reports))})
			}
			m.Rows[at].Verdicts[n] = k.Verdict
		}
	}
	sort.SliceStable(m.Rows, func(i, j int) bool {
		a, b := m.Rows[i].ID, m.Rows[j].ID
		x, y := strings.SplitN(a, "/", 3), strings.SplitN(b, "/", 3)
		if len(x) == 3 && len(y) == 3 && x[0] != y[0] {
			return x[0] > y[0]
		}
		if len(x) == 3 && len(y) == 3 {
			return compareSections(x[1], y[1]) < 0
		}
		return a < b
	})
	return m
}

// differing returns the rows in which not every verdict is ok or skip.
func (m *Matrix) differing() (rows []*MatrixRow) {
	for i := range m.Rows {
		if slices.ContainsFunc(m.Rows[i].Verdicts, func(v Verdict) bool { return v != OK && v != Skip && v != "" }) {
			rows = append(rows, &m.Rows[i])
		}
	}
	return rows
}

// word returns a verdict for a cell.
func (v Verdict) word() string {
	if v == "" {
		return "-"
	}
	return string(v)
}

// Text writes the matrix for people.
func (m *Matrix) Text(w io.Writer) error {
	var b strings.Builder
	for n, r := range m.Reports {
		fmt.Fprintf(&b, "%-2d %s: %s, %s\n", n+1, clean(m.Servers[n]), format.Plural(uint64(len(r.Cases)), "case"), countsText(r.Summary))
	}
	b.WriteByte('\n')
	for n := range m.Servers {
		fmt.Fprintf(&b, "%-7d", n+1)
	}
	b.WriteString("case\n")
	for _, row := range m.differing() {
		for _, v := range row.Verdicts {
			fmt.Fprintf(&b, "%-7s", v.word())
		}
		fmt.Fprintf(&b, "%s  %s\n", row.ID, row.Title)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Markdown writes the matrix as tables of Markdown.
func (m *Matrix) Markdown(w io.Writer) error {
	var b strings.Builder
	b.WriteString("| server | cases |")
	for _, v := range Verdicts {
		fmt.Fprintf(&b, " %s |", v)
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---|", len(Verdicts)) + "\n")
	for n, r := range m.Reports {
		fmt.Fprintf(&b, "| %s | %d |", cell(m.Servers[n]), len(r.Cases))
		for _, v := range Verdicts {
			fmt.Fprintf(&b, " %d |", r.Summary[v])
		}
		b.WriteByte('\n')
	}
	b.WriteString("\n| case | rules | what a conformant server does |")
	for _, s := range m.Servers {
		fmt.Fprintf(&b, " %s |", cell(s))
	}
	b.WriteString("\n|---|---|---|" + strings.Repeat("---|", len(m.Servers)) + "\n")
	for _, row := range m.differing() {
		fmt.Fprintf(&b, "| %s | %s | %s |", row.ID, strings.Join(row.Rules, " "), cell(row.Title))
		for _, v := range row.Verdicts {
			if v == Fail {
				b.WriteString(" **fail** |")
			} else {
				fmt.Fprintf(&b, " %s |", v.word())
			}
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// HTML writes the matrix as one HTML page.
func (m *Matrix) HTML(w io.Writer) error {
	p := report.NewPage("MQTT conformance", "")
	p.Title("MQTT conformance", strings.Join(m.Servers, ", "), "", true)
	columns := []string{"server", "cases"}
	for _, v := range Verdicts {
		columns = append(columns, string(v))
	}
	p.Table("Servers", false, columns...)
	for n, r := range m.Reports {
		row := []string{m.Servers[n], fmt.Sprint(len(r.Cases))}
		for _, v := range Verdicts {
			row = append(row, fmt.Sprint(r.Summary[v]))
		}
		p.Row(row...)
	}
	p.EndTable()
	p.Table("Cases that are not ok everywhere", true, append([]string{"case", "rules", "what a conformant server does"}, m.Servers...)...)
	for _, row := range m.differing() {
		cells := []string{row.ID, strings.Join(row.Rules, " "), row.Title}
		for _, v := range row.Verdicts {
			cells = append(cells, v.word())
		}
		p.Row(cells...)
	}
	p.EndTable()
	return p.End(w, "made by mqtt check report")
}
