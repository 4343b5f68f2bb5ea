package rules

import (
	_ "embed" // for the tables
	"slices"
	"strings"
	"sync"

	"mqtt/internal/proto"
)

// The tables have a row for each statement, with six columns: number (or, for a statement without
// one, a name of our own that does not begin with MQTT), section, level, role, shown and text.
var (
	//go:embed mqtt5.tsv
	text5 string
	//go:embed mqtt311.tsv
	text311 string
	//go:embed mqtt31.tsv
	text31 string
)

// table is the parsed table of one version.
type table struct {
	rows  []Statement
	byKey map[string]int // index in rows
}

var (
	table5   = sync.OnceValue(func() *table { return parse(proto.V5, text5) })
	table311 = sync.OnceValue(func() *table { return parse(proto.V311, text311) })
	table31  = sync.OnceValue(func() *table { return parse(proto.V31, text31) })
)

// tableOf returns the table of version v, or an empty one.
func tableOf(v proto.Version) *table {
	switch v {
	case proto.V5:
		return table5()
	case proto.V311:
		return table311()
	case proto.V31:
		return table31()
	}
	return new(table)
}

// Statements returns all statements of version v, in the order of the standard.
func Statements(v proto.Version) []Statement { return slices.Clone(tableOf(v).rows) }

// Lookup returns the statement of version v with that number.
func Lookup(v proto.Version, id string) (Statement, bool) {
	if !strings.HasPrefix(id, "MQTT-") {
		return Statement{}, false
	}
	return tableOf(v).find(id)
}

// find returns the statement with that key.
func (t *table) find(key string) (Statement, bool) {
	i, ok := t.byKey[key]
	if !ok {
		return Statement{}, false
	}
	return t.rows[i], true
}

// parse reads a table. A row that is not well formed is left out; a test checks that there is none.
func parse(v proto.Version, text string) *table {
	t := &table{byKey: make(map[string]int)}
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 6 || f[0] == "id" {
			continue
		}
		s := Statement{Version: v, key: f[0], Section: f[1], Shown: f[4], Text: f[5]}
		if strings.HasPrefix(f[0], "MQTT-") {
			s.ID = f[0]
		}
		switch f[2] {
		case "MUST":
			s.Level = Must
		case "SHOULD":
			s.Level = Should
		case "MAY":
			s.Level = May
		}
		switch f[3] {
		case "client":
			s.Binds = Client
		case "server":
			s.Binds = Server
		case "both":
			s.Binds = Both
		}
		t.byKey[s.key] = len(t.rows)
		t.rows = append(t.rows, s)
	}
	return t
}
