package bench

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"mqtt/internal/format"
)

// schema returns the compiled schema.
func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	b, err := os.ReadFile("result.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("result.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("result.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func valid(t *testing.T, s *jsonschema.Schema, b []byte) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}

// TestResultFitsItsSchema checks that the JSON of results fits the schema and has its keys.
func TestResultFitsItsSchema(t *testing.T) {
	s := schema(t)
	var results []*Result
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		r.fault = func(_ string, n int) fault { return fault(n % 4) }
		p := r.plan(t)
		p.QoS, p.Messages, p.Rate = 1, 100, 100
		res := r.run(t, p)
		for _, e := range []string{"p99>20ms", "loss", "rate<1k"} {
			th, err := ParseThreshold(e)
			if err != nil {
				t.Fatal(err)
			}
			res.Judge([]*Threshold{th})
		}
		results = append(results, res)
	})
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		results = append(results, r.run(t, &Plan{Clients: 3, Hold: 2 * time.Second, Configure: r.configure}))
	})
	results = append(results, sample(30, 1000))
	for _, res := range results {
		var b bytes.Buffer
		if err := JSON(&b, res); err != nil {
			t.Fatal(err)
		}
		if err := valid(t, s, b.Bytes()); err != nil {
			t.Errorf("%s: %v", res.Kind, err)
		}
		var keys map[string]json.RawMessage
		if err := json.Unmarshal(b.Bytes(), &keys); err != nil {
			t.Fatal(err)
		}
		for _, k := range strings.Fields("schema sent acknowledged expected received lost duplicated reordered errors seconds send_rate receive_rate") {
			if keys[k] == nil {
				t.Errorf("no %s", k)
			}
		}
		for _, k := range strings.Fields("latency service lag connect") {
			var h map[string]any
			if err := json.Unmarshal(keys[k], &h); err != nil {
				t.Errorf("%s: %v", k, err)
			}
			for _, f := range strings.Fields("count min mean p50 p90 p99 p999 max") {
				if _, ok := h[f].(float64); !ok {
					t.Errorf("%s has no %s", k, f)
				}
			}
		}
		back, err := Read(&b)
		if err != nil {
			t.Fatal(err)
		}
		var again bytes.Buffer
		JSON(&again, back)
		if b.Reset(); JSON(&b, res) != nil || !bytes.Equal(b.Bytes(), again.Bytes()) {
			t.Errorf("%s: what was read is not what was written", res.Kind)
		}
	}
}

// TestSchemaIsComplete checks that the schema has all fields of a Result and no others.
func TestSchemaIsComplete(t *testing.T) {
	s := schema(t)
	var b bytes.Buffer
	if err := JSON(&b, sample(3, 100)); err != nil {
		t.Fatal(err)
	}
	more := strings.Replace(b.String(), `"sent"`, `"posted"`, 1)
	if valid(t, s, []byte(more)) == nil {
		t.Error("a field of another name is valid")
	}
	for f := range fields(reflect.TypeFor[Result]()) {
		if !strings.Contains(schemaText(t), `"`+f+`"`) {
			t.Errorf("the schema has no %q", f)
		}
	}
}

// TestTextFits checks that the text report fits the terminal and always has the maximum.
func TestTextFits(t *testing.T) {
	r := sample(20, 5000)
	r.ErrorKinds, r.Notes, r.Verdicts = nil, nil, nil // sentences are for the terminal to wrap
	for _, width := range []int{50, 60, 80, 96, 100, 140} {
		var b bytes.Buffer
		if err := Text(width, nothing{})(&b, r); err != nil {
			t.Fatal(err)
		}
		times, counts, _ := strings.Cut(b.String(), "\n\nrun ")
		if !strings.HasSuffix(counts, "\nreordered    0\n") {
			t.Errorf("at %d: the counts are not last: %q", width, counts)
		}
		for line := range strings.Lines(times) {
			if n := format.Columns([]byte(strings.TrimSuffix(line, "\n"))); n > width {
				t.Errorf("at %d: %q takes %d", width, line, n)
			}
		}
		if n := strings.Count(times, " max"); n != 2 {
			t.Errorf("at %d: %d of 2 maxima", width, n)
		}
		if width >= 96 != strings.Contains(times, " mean ") {
			t.Errorf("at %d: %s", width, times)
		}
	}
}

// TestLastPointHasItsConnections checks that the last row has the connections that were open before
// the clients disconnected.
func TestLastPointHasItsConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		p := r.plan(t)
		p.Messages, p.Rate = 250, 100
		res := r.run(t, p)
		for i, q := range res.Series.Points {
			if q.Connections != 2 {
				t.Errorf("%d connections at the end of second %d of %d", q.Connections, i+1, len(res.Series.Points))
			}
		}
	})
}

func schemaText(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("result.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// fields returns the JSON names in t and the types below it.
func fields(t reflect.Type) map[string]bool {
	names := map[string]bool{}
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t.PkgPath() != reflect.TypeFor[Result]().PkgPath() {
		return names
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
			names[name] = true
		}
		for n := range fields(f.Type) {
			names[n] = true
		}
	}
	return names
}

// TestReadRefuses checks that other files are refused without using much memory.
func TestReadRefuses(t *testing.T) {
	var b bytes.Buffer
	if err := JSON(&b, sample(3, 100)); err != nil {
		t.Fatal(err)
	}
	good := b.String()
	for _, c := range []struct{ from, to, want string }{
		{Schema, "mqtt-bench/9", "its schema is"},
		{`"messages"`, `"wishes"`, "unknown kind"},
		{`"interval": 1`, `"interval": 0`, "no interval"},
		{`"hdr": "HISTFAA`, `"hdr": "!!!!`, "histogram"},
		{`{`, `[`, "read result"},
	} {
		bad := strings.Replace(good, c.from, c.to, 1)
		if bad == good {
			t.Fatalf("%s is not in the result", c.from)
		}
		if _, err := Read(strings.NewReader(bad)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s in the place of %s: error %v", c.to, c.from, err)
		}
	}
	var wanted struct{ Required []string }
	if err := json.Unmarshal([]byte(schemaText(t)), &wanted); err != nil || len(wanted.Required) < 30 {
		t.Fatalf("%v: %q", err, wanted.Required)
	}
	least := map[string]any{} // of what the schema wants, nothing but the keys
	for _, name := range wanted.Required {
		least[name] = nil
	}
	least["schema"], least["kind"], least["series"] = Schema, KindMessages, map[string]any{"interval": 1, "points": []any{struct{}{}}}
	read := func() (*Result, error) {
		b, err := json.Marshal(least)
		if err != nil {
			t.Fatal(err)
		}
		return Read(bytes.NewReader(b))
	}
	if r, err := read(); err != nil {
		t.Error(err)
	} else {
		var out bytes.Buffer // nothing in it is nil
		for _, report := range []Report{JSON, CSV, Text(80, nothing{}), HTML, JUnit, Prometheus} {
			if err := report(&out, r); err != nil {
				t.Error(err)
			}
		}
	}
	for _, name := range wanted.Required {
		before := least[name]
		delete(least, name)
		if _, err := read(); err == nil {
			t.Errorf("a result without %q is read", name)
		}
		least[name] = before
	}
	delete(least, "sent")
	if _, err := read(); err == nil || err.Error() != `read result: it has no "sent"` {
		t.Error(err)
	}
}

type nothing struct{}

func (nothing) Error(s string) string   { return s }
func (nothing) Warning(s string) string { return s }
func (nothing) Hint(s string) string    { return s }
func (nothing) Topic(s string) string   { return s }
func (nothing) Dim(s string) string     { return s }
